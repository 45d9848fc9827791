"""Reading where this computer gets Debian from: /etc/apt/sources.list and sources.list.d. Pure but for `read`.

Formats: sources.list(5), one-line (`deb [opts] uri suite component...`) and deb822 (`.sources`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<rest>.*)")
_DEBIANS_KEY = "debian-archive"


@dataclass(frozen=True, slots=True)
class AptSource:
    """One enabled entry for binary packages. `signed_by` is a path, an inline key, or None."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str | None = None


def read(etc_apt: Path = Path("/etc/apt")) -> list[AptSource]:
    """Return every entry of this computer, in apt's order. Raises OSError."""
    main = etc_apt / "sources.list"
    parts = sorted((etc_apt / "sources.list.d").glob("*"))
    found: list[AptSource] = []
    for file in [main, *parts]:
        if not file.is_file() or file.suffix not in (".list", ".sources"):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        found += parse_deb822(text) if file.suffix == ".sources" else parse_one_line(text)
    return found


def parse_one_line(text: str) -> list[AptSource]:
    """Return the entries of a `.list` file; lines that are none are passed over, as apt-get itself would report
    them."""
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.split("#", 1)[0].strip())
        if match is None:
            continue
        options = dict(o.split("=", 1) for o in (match["options"] or "").split() if "=" in o)
        if options.get("enabled", "yes").lower() == "no":
            continue
        components = tuple(match["rest"].split())
        found.append(AptSource((match["uri"],), (match["suite"],), components, options.get("signed-by")))
    return found


def parse_deb822(text: str) -> list[AptSource]:
    """Return the entries of a `.sources` file."""
    # Comment lines may stand inside a stanza and do not end it.
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    stanzas = (_fields(stanza) for stanza in re.split(r"\n[ \t]*\n", uncommented))
    return [_source(fields) for fields in stanzas if _is_binary(fields)]


def debian_mirrors(sources: Iterable[AptSource]) -> list[str]:
    """Return uRIs that carry Debian's own archive, best first.

    An entry signed by Debian's key comes first; then one without a key of its own whose path ends in
    `/debian`. Other vendors' repositories and the security archive have no llama.cpp in them.
    """
    own: list[str] = []
    likely: list[str] = []
    for source in sources:
        if "main" not in source.components or all(s.endswith(("-security", "/")) for s in source.suites):
            continue
        for uri in source.uris:
            if uri.startswith("cdrom:") or "debian-security" in uri:
                continue
            if source.signed_by is not None and _DEBIANS_KEY in source.signed_by:
                own.append(uri)
            elif source.signed_by is None and uri.rstrip("/").endswith("/debian"):
                likely.append(uri)
    return list(dict.fromkeys([*own, *likely]))


def _fields(stanza: str) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1] in (" ", "\t"):
            if name:
                fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _is_binary(fields: Mapping[str, str]) -> bool:
    return "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no"


def _source(fields: Mapping[str, str]) -> AptSource:
    return AptSource(
        uris=tuple(fields.get("uris", "").split()),
        suites=tuple(fields.get("suites", "").split()),
        components=tuple(fields.get("components", "").split()),
        signed_by=fields.get("signed-by") or None,
    )

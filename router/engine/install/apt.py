"""An apt of our own: lists, cache and settings in one private folder; the system's are never touched.

Only the system's `Acquire::` settings (proxies, time-outs) and passwords for mirrors are taken over. Its other
settings must not be: Debian's container images, for one, run `rm` on the system's cache after every update.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from router.base.errors import InstallFailed
from router.engine.install.work import run_tool, tool_environment

_KEYRINGS = tuple(Path("/usr/share/keyrings") / f"debian-archive-keyring.{suffix}" for suffix in ("gpg", "pgp"))
_SETTING = re.compile(r'Acquire::(?P<name>[^ ]+) "[^"]*";')
# What apt would download besides the package list, and what would weaken its signature checks.
_NOT_TAKEN = ("IndexTargets", "Languages", "Changelogs", "Snapshots", "Allow")

_CONFIG = """\
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Log "{root}/log";
Dir::Etc::Main "{root}/none";
Dir::Etc::Parts "{root}/none.d";
Dir::Etc::SourceList "{root}/none";
Dir::Etc::SourceParts "{root}/sources.d";
Dir::Etc::Preferences "{root}/none";
Dir::Etc::PreferencesParts "{root}/none.d";
Dir::Etc::Trusted "{root}/none";
Dir::Etc::TrustedParts "{root}/none.d";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
"""

_SOURCE = """\
Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Architectures: {architecture}
Signed-By: {keyring}
"""


@dataclass(frozen=True, slots=True)
class PrivateApt:
    """apt-get with its state below `root`."""

    root: Path
    environment: dict[str, str]

    async def download(self, packages: Sequence[str], target: Path) -> None:
        """Fetch the packages' newest .deb files into `target`. Raises InstallFailed.

        apt checks the suite's signature against Debian's key, and every file against the signed list.
        """
        await run_tool(["apt-get", "--quiet", "update"], cwd=self.root, environment=self.environment)
        argv = ["apt-get", "--quiet", "download", *packages]
        await run_tool(argv, cwd=target, environment=self.environment)


def private_apt(
    root: Path, *, mirror: str, suite: str, architecture: str, settings: Iterable[str]
) -> PrivateApt:
    """Write the configuration for one suite of one mirror below the new folder `root`. Blocks."""
    if '"' in str(root) or "\n" in str(root):
        raise InstallFailed(f"apt cannot work in {root}, because the name has a quotation mark in it.")
    for folder in ("state/lists/partial", "cache/archives/partial", "log", "none.d", "sources.d"):
        (root / folder).mkdir(parents=True, mode=0o700)
    (root / "status").touch()
    source = _SOURCE.format(mirror=mirror, suite=suite, architecture=architecture, keyring=debian_keyring())
    (root / "sources.d" / "debian.sources").write_text(source, encoding="utf-8")
    config = root / "apt.conf"
    config.write_text("".join(f"{s}\n" for s in settings) + _CONFIG.format(root=root), encoding="utf-8")
    # APT_CONFIG is read before all other files, so it decides where those are looked for.
    environment = {**tool_environment(os.environ), "APT_CONFIG": str(config), "LC_ALL": "C"}
    return PrivateApt(root, environment)


def acquire_settings(dump: str) -> list[str]:
    """Return the lines of `apt-config dump` that say how to reach the network on this computer."""
    lines = []
    for line in dump.splitlines():
        match = _SETTING.fullmatch(line)
        if match is not None and not match["name"].startswith(_NOT_TAKEN):
            lines.append(line)
    return lines


def debian_keyring() -> Path:
    """Debian's public keys as installed here. Raises InstallFailed."""
    for keyring in _KEYRINGS:
        if keyring.is_file():
            return keyring
    raise InstallFailed(
        "Debian's signatures cannot be checked, because debian-archive-keyring is not installed."
    )

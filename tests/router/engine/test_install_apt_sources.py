from __future__ import annotations

from pathlib import Path

from router.engine.install.apt_sources import AptSource, debian_mirrors, parse_deb822, parse_one_line, read

KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = f"""\
Types: deb deb-src
# a comment inside a stanza
URIs: http://mirror.example/debian
Suites: trixie trixie-updates
Components: main contrib
Signed-By: {KEY}

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main
Signed-By: {KEY}

Types: deb
URIs: https://vendor.example/apt
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF==
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: sid
Components: main
"""

ONE_LINE = f"""\
# deb http://commented.example/debian sid main
deb [arch=amd64 signed-by={KEY}] http://signed.example/debian bookworm main non-free # trailing
deb http://plain.example/debian/ bookworm main
deb-src http://plain.example/debian bookworm main
deb [enabled=no] http://off.example/debian bookworm main
deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/debian stable main
deb cdrom:[Debian]/ bookworm main
deb http://flat.example/debian ./
nonsense
"""


def test_deb822_stanzas_are_read() -> None:
    sources = parse_deb822(DEB822)
    assert sources[0] == AptSource(
        ("http://mirror.example/debian",), ("trixie", "trixie-updates"), ("main", "contrib"), KEY
    )
    assert [s.uris[0] for s in sources] == [
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
        "https://vendor.example/apt",
    ]
    assert sources[2].signed_by is not None
    assert "BEGIN PGP" in sources[2].signed_by


def test_one_line_entries_are_read() -> None:
    sources = parse_one_line(ONE_LINE)
    assert sources[0] == AptSource(("http://signed.example/debian",), ("bookworm",), ("main", "non-free"), KEY)
    assert "http://off.example/debian" not in [s.uris[0] for s in sources]
    assert "http://commented.example/debian" not in [s.uris[0] for s in sources]


def test_only_debians_own_archive_counts_and_the_signed_one_comes_first() -> None:
    assert debian_mirrors(parse_deb822(DEB822)) == ["http://mirror.example/debian"]
    plain_first = [*reversed(parse_one_line(ONE_LINE)), *parse_deb822(DEB822)]
    assert debian_mirrors(plain_first) == [
        "http://signed.example/debian",
        "http://mirror.example/debian",
        "http://plain.example/debian/",
    ]


def test_another_distribution_has_no_debian_mirror() -> None:
    assert debian_mirrors(parse_one_line("deb http://archive.example/ubuntu noble main")) == []


def test_both_kinds_of_file_are_read_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian sid main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "a.list.disabled").write_text("deb http://no.example/debian sid main\n")
    uris = [s.uris[0] for s in read(tmp_path)]
    assert uris[:2] == ["http://one.example/debian", "http://mirror.example/debian"]
    assert "http://no.example/debian" not in uris
    assert read(tmp_path / "none") == []

"""Runs first in every process of the bundle, before hal0. Imports little: `hal0 status` waits for it."""

import os
import sys

# PyInstaller points these at the bundle and keeps the person's own value in *_ORIG. This process has its
# libraries already; the programs it starts (a browser, apt-get, an engine) must find their own.
for _name in ("LD_LIBRARY_PATH", "LIBPATH"):
    if _name in os.environ:
        _original = os.environ.get(_name + "_ORIG")
        if _original is None:
            del os.environ[_name]
        else:
            os.environ[_name] = _original

# The bundle's OpenSSL looks for certificates where the system that built it has them. The list is Go's
# (crypto/x509/root_linux.go).
if sys.platform == "linux" and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
    for _file in (
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ):
        if os.path.exists(_file):  # noqa: PTH110 - pathlib costs 10 ms at every start
            os.environ["SSL_CERT_FILE"] = _file
            break

# PyInstaller opens the program's file anew for every import. When a package manager has replaced it meanwhile,
# an import would read the new file at the old one's places; through a descriptor it reads the old one.
if sys.platform == "linux":
    import pyimod02_importers

    _archive = pyimod02_importers.pyz_archive
    _archive._filename = f"/proc/self/fd/{os.open(_archive._filename, os.O_RDONLY | os.O_CLOEXEC)}"

# A windowed program of Windows has no streams; what is written to them must not end it.
if sys.stdout is None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
if sys.stderr is None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115

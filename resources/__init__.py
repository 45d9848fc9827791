"""Files hal0 ships: the built-in demo model (and the builder it came from), a list of models to fetch, the
page, icons, translations."""

from __future__ import annotations

from pathlib import Path


def demo_model() -> Path:
    """Return the built-in `hal0-demo` GGUF: right in a checkout, a wheel and a PyInstaller folder."""
    return Path(__file__).with_name("hal0-demo.gguf")


def model_list() -> Path:
    """Return the YAML that `router.hub.suggestions` reads."""
    return Path(__file__).with_name("models.yaml")


def page_folder() -> Path:
    """Find the page for browsers: `index.html`, and what it loads."""
    return Path(__file__).with_name("page")

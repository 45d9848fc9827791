"""The programs that hal0 knows how to connect."""

from __future__ import annotations

from enum import StrEnum


class Client(StrEnum):
    URL = "url"
    CURL = "curl"
    PYTHON = "python"
    HERMES = "hermes"
    OPEN_WEBUI = "open-webui"
    CONTINUE = "continue"
    CLINE = "cline"
    OPENCODE = "opencode"
    AIDER = "aider"
    LLM = "llm"
    CODEX = "codex"
    CLAUDE_CODE = "claude-code"


DIRECT = (Client.URL, Client.CURL, Client.PYTHON)
"""Copied at once; the others have steps to read first."""

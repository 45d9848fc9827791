"""What is wrong with a configuration: every problem at once, each with its line and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from router.base.errors import RouterError
from router.base.names import shown, speakable


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing to correct.

    Attributes:
        file: the configuration file's name as shown to people.
        line: 1-based; 0 when the problem is the file as a whole.
        key: dotted path such as `slots.primary.switch`; empty for the file as a whole.
        message: a sentence without its full stop; never holds the value of an API key.
        suggestion: the valid name nearest to what was written, if one is near.
    """

    file: str
    line: int
    key: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        hint = f' (did you mean "{self.suggestion}"?)' if self.suggestion else ""
        return f"{place}:{key} {self.message}{hint}"


class ConfigErrors(RouterError):
    """The configuration cannot be used. `problems` lists all of them, in line order."""

    status, code, type = 400, "config.invalid", "invalid_request_error"
    mends = False

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        said = (replace(p, key=shown(p.key), message=speakable(p.message)) for p in problems)
        self.problems = tuple(sorted(said, key=lambda problem: problem.line))
        listed = [asdict(problem) for problem in self.problems]
        super().__init__(_sentence(self.problems), details={"problems": listed})


def _sentence(problems: tuple[ConfigProblem, ...]) -> str:
    if len(problems) == 1:
        return f"{problems[0]}."
    lines = "\n".join(str(problem) for problem in problems)
    return f"{problems[0].file} has {len(problems)} problems:\n{lines}"


class ProblemList:
    """Collects the problems of one file while it is read."""

    def __init__(self, source: Path) -> None:
        self._file = source.name
        self.found: list[ConfigProblem] = []

    def add(self, line: int, key: str, message: str, suggestion: str | None = None) -> None:
        self.found.append(ConfigProblem(self._file, line, key, message, suggestion))

    def stop_if_any(self) -> None:
        if self.found:
            raise ConfigErrors(self.found)


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name that `name` was most likely meant to be, or None if nothing is near."""
    by_lower = {candidate.lower(): candidate for candidate in valid}
    close = difflib.get_close_matches(name.lower().replace("_", "-"), by_lower, n=1)
    close = close or difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return ` Did you mean "x"?`, to follow a sentence; nothing if nothing is near."""
    near = nearest(name, valid)
    return f' Did you mean "{near}"?' if near else ""

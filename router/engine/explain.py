"""Why an engine ended, from what it wrote and how it ended. Pure: lines and a code in, one sentence out.

Sources of the formats: llama.cpp's common/log.cpp (`0.00.011.271 E function: words`), ggml_abort in
ggml/src/ggml.c (`file.cpp:12: words`, then a debugger's lines), libstdc++'s terminate handler, ld.so(8),
argparse, the tracebacks of Python, Java, Go and Rust, docker, and the JSON and logfmt lines of servers that a
slot's `command:` may run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from router.wire.lenient import json_or_none

MOST = 500
"""Characters of a reason; some engines print whole documents in one line."""

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# llama-server prints the plain ones itself, beside its log's thread: the time and level of a log line that is
# just being written may stand before them.
_ERROR = re.compile(r"^(?:[\d.]+ )?(?:(?:E )?(?P<plain>[Ee]rror(?: while [^:]+)?: .*)|E (?P<text>.*))$")
_ARGUMENT = re.compile(r"^(?:[\d.]+ )?(?:E )?error(?: while [^:]+)?: ")
_FUNCTION = re.compile(r"^(?:\w+ +)?[\w()~:]+: +(?=\S)")
_OTHER_LEVEL = re.compile(r"^[\d.]+ [IWDT] ")
# What backends say that look for devices and find none, and a step whose own cause is told beside it.
_WEAK = re.compile(
    r"\bno (?:usable )?gpu\b|no cuda-capable device|no devices? found|failed to fit params|fit params to",
    re.IGNORECASE,
)
_NOISE = re.compile(
    "|".join((
        r"^\[(?:New |Inferior |Thread |Switching )|^#\d+ |^0x[0-9a-f]+ in |libthread_db|^No (?:stack|symbol)\b",
        r"^Could not attach|^ptrace: |debuginfo|^warning: (?:process |File |Unable |\d+\t)|^Core was generated",
        r"^This GDB|^\(lldb\)|^Process \d+ (?:stopped|detached)|^\* thread|^Aborted(?: \(core dumped\))?$",
        r"^Killed$|^Terminated$|resource_tracker|^warnings\.warn\(|^See: https?://|^note: run with `RUST_BACK",
        r"^stack backtrace:|^\d+%\||\d+%\|.*\|",
        r"^(?:See|Run|Try) '[\w .-]+ --help'|^exit status \d+$|^goroutine \d+ |^\[signal |^at [\w.$<>/]+ ?\(",
        r"^\.\.\. \d+ more$|^[-+]+$|A complete log of this run can be found",
    )),
    re.IGNORECASE,
)  # fmt: skip
_FATAL = (
    # ggml_abort, assert(3), Rust's panic
    re.compile(r"^\S+\.(?:c|cc|cpp|cxx|cu|cuh|h|hpp|m|mm|cl|metal|comp):\d+: (?P<text>\S.*)"),
    re.compile(r"^\S+: \S+:\d+: .*(?P<text>Assertion [`'].*)"),
    # of a bare place the next line says why
    re.compile(r"^thread '.*' panicked at (?P<text>(?!\S+:\d+:\d+:$).*)"),
    re.compile(r"^panic: (?P<text>.*)"),  # Go's
    re.compile(r"^(?:[\d.]+ E )?(?P<text>CUDA error: (?!.*: CUDA error$).+)"),
    re.compile(r"(?P<text>vk::.*Error(?:OutOf\w*Memory|DeviceLost).*|ErrorOutOf\w*Memory.*|VK_ERROR_\w+.*)"),
    re.compile(r"(?P<text>kIOGPUCommandBuffer\w+.*)"),
    # ld.so, dyld
    re.compile(r"(?P<text>error while loading shared libraries: .*)"),
    re.compile(r"(?P<text>version [`'][\w.]+' not found .*)"),
    re.compile(r"(?P<text>Library not loaded: .*)"),
    re.compile(r"^(?P<text>Illegal instruction|Segmentation fault|Bus error|Floating point exception)\b"),
)
_TERMINATE = re.compile(r"^(?:libc\+\+abi: )?(?P<text>terminat(?:e called|ing) .*)")
_WHAT = re.compile(r"^\s*what\(\): +(?P<text>\S.*)")
_USAGE = re.compile(r"^[\w.-]+(?: [\w-]+)?: error: (?P<text>.+)")
_PYTHON = re.compile(
    r"^(?:\(.*?\) *)*(?P<text>(?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit|Failure)(?:: .+)?)$"
)
_JAVA = re.compile(r'^(?:Exception in thread "[^"]*"|Caused by:) (?P<text>\S.*)')
_DOCKER = re.compile(r"^(?:docker|podman): (?P<text>(?:Error response from daemon: )?.+)")
# Of finalizers, and of tasks that nobody waited for: told while an interpreter leaves, for a reason of its own.
_ASIDE = re.compile(
    r"^(?:\(.*?\) *)*(?:Exception ignored (?:in|while|on)\b|Task exception was never retrieved)"
)
_ASIDE_GOES_ON = re.compile(
    r"^(?:\(.*?\) *)*(?:\s|Traceback \(|During handling of |The above exception |future: <)"
)
_GROUPED = re.compile(r"^\s*(?:\|\s*)+")  # before each line of a Python exception group
_REFERS = re.compile(r"see (?:the )?(?:root cause|above|stack trace|log)", re.IGNORECASE)
_LOGGED = re.compile(
    r"^(?:\S+ ){0,4}?\[?(?:ERROR|FATAL|CRITICAL|PANIC)\]?(?:[: ]|\s-\s)\s*(?:\[[\w./-]+:\d+\] *)?(?P<text>\S.*)"
)
_LOGFMT = re.compile(
    r'\blevel="?(?:error|fatal|critical|panic)"?\b.*?\b(?:msg|message|error)=(?P<text>"(?:[^"\\]|\\.)*"|\S+)',
    re.IGNORECASE,
)


class Rank(IntEnum):
    """How much a line explains an end: the highest wins; among equals see `better`.

    ARGUMENT: what llama-server says of its command line. It prints that itself while a thread of its own writes
    the log (llama.cpp's common/arg.cpp), so either may come first.
    """

    PLAIN = 0
    WEAK = 1
    ERROR = 2
    ARGUMENT = 3
    FATAL = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """`last_wins`: of its rank the last one explains (a traceback's), else the first: llama.cpp's later error
    lines are ever more general."""

    rank: Rank
    text: str
    last_wins: bool = False


class Asides:
    """Finds the lines of exceptions that Python itself ignores: none of them says why an engine ends."""

    def __init__(self) -> None:
        self._within = False

    def takes(self, line: str) -> bool:
        """Return whether the next cleaned line belongs to one."""
        if _ASIDE.match(line):
            self._within = True
            return True
        within = self._within
        goes_on = _ASIDE_GOES_ON.match(line) or _NOISE.search(line.strip())
        self._within = within and goes_on is not None
        return within  # the first line that is not indented tells the exception, and is the last


def clean(line: str) -> str:
    """Return the line without colours, and of one that was redrawn only what stood there last."""
    parts = [part for part in _ANSI.sub("", line).split("\r") if part.strip()]
    return parts[-1].rstrip() if parts else ""


def reason_in(line: str) -> Reason | None:
    """Return what a cleaned line says of an end; None if it says nothing of one."""
    line = _GROUPED.sub("", line)
    if (found := _fatal(line) or _error(line)) is not None:
        return found
    if not line.strip() or _NOISE.search(line.strip()) or _OTHER_LEVEL.match(line):
        return None
    return _server_error(line) or Reason(Rank.PLAIN, _short(line.strip()), last_wins=True)


def better(before: Reason | None, found: Reason) -> Reason:
    """Which of the two explains an end, `found` being the later line."""
    if before is None or found.rank > before.rank:
        return found
    if found.rank < before.rank:
        return before
    if _TERMINATE.match(before.text) and not _TERMINATE.match(found.text):
        return found  # "terminate called" says that there is a reason, and the next line says which
    return found if found.last_wins and not _REFERS.search(found.text) else before


def error_text(line: str) -> str | None:
    """Return what an error line says, without time, level and function; None for other lines."""
    match = _ERROR.match(line)
    if match is None:
        return None
    if (plain := match["plain"]) is not None:
        return str(plain)
    text = str(match["text"]).strip()
    return text if text.startswith("error:") else _FUNCTION.sub("", text, count=1)


def _fatal(line: str) -> Reason | None:
    for pattern in (*_FATAL, _WHAT, _TERMINATE):
        if (match := pattern.search(line)) is not None:
            return Reason(Rank.FATAL, _short(match["text"].strip()))
    return None


def _error(line: str) -> Reason | None:
    text = error_text(line)
    if text is None:
        return None
    rank = Rank.ARGUMENT if _ARGUMENT.match(line) else Rank.ERROR
    return Reason(Rank.WEAK if _WEAK.search(text) else rank, _short(text))


def _server_error(line: str) -> Reason | None:
    """Return an error line of another kind of server: Python's, JSON, logfmt, `LEVEL: words`, argparse."""
    if (message := _json_error(line)) is not None:
        return Reason(Rank.ERROR, _short(message), last_wins=True)
    for pattern in (_USAGE, _JAVA, _DOCKER, _PYTHON, _LOGFMT, _LOGGED):
        if (match := pattern.search(line)) is not None:
            text = match["text"].strip().strip('"')
            return Reason(Rank.ERROR, _short(text), last_wins=pattern not in (_LOGGED, _DOCKER))
    return None


def _json_error(line: str) -> str | None:
    if not line.lstrip().startswith("{"):
        return None
    record = json_or_none(line)
    if record is None:
        return None
    level = str(record.get("level") or record.get("severity") or record.get("levelname") or "").lower()
    if level not in ("error", "fatal", "critical", "panic", "e"):
        return None
    words = next((record[name] for name in ("msg", "message", "error", "event") if record.get(name)), None)
    return str(words) if words is not None else None


def _short(text: str) -> str:
    return text if len(text) <= MOST else text[: MOST - 1] + "…"


def exit_sentence(code: int | None, explanation: str | None, *, ready: bool = False) -> str:
    """Return one sentence for people: the engine's own line first, then how it ended. `ready`: it had been."""
    if code == -9 and explanation is None:
        cause = ", most likely because the computer ran out of memory; try a smaller model"
        ending = "it was killed (signal 9)" if ready else f"it was killed{cause}"
    elif explanation is None and (known := _ENDINGS.get(code or 0)) is not None:
        ending = known
    elif code is not None and code < 0:
        ending = f"it was ended by signal {-code}"
    else:
        ending = f"exit code {code}" if code is None or code < 1 << 16 else f"exit code {code:#x}"
    return f"The engine stopped: {explanation} ({ending})." if explanation else f"The engine stopped: {ending}."


def is_of_a_port(explanation: str) -> bool:
    """Return whether an engine ended because it could not listen on its port: llama-server's words, errno's on
    each system, and Go's, Node's and asyncio's."""
    return _PORT.search(explanation) is not None


_PORT = re.compile(
    r"couldn't bind|address (?:is )?already in use|EADDRINUSE|only one usage of each socket address",
    re.IGNORECASE,
)
_ILLEGAL = "its llama-server was built for another processor (illegal instruction); install another one"
_CRASHED = "it crashed (access violation); another version of llama-server may help"
_NO_LIBRARY = "a library it needs is missing; reinstall llama-server, or the GPU's driver"
# Signals by number, negative, as `subprocess` tells them; Windows' NTSTATUS values (ntstatus.h).
_ENDINGS = {
    -4: _ILLEGAL,
    -11: "it crashed (signal 11, segmentation fault); another version of llama-server may help",
    -15: "it was ended from outside (signal 15)",
    0xC000001D: _ILLEGAL,
    0xC0000005: _CRASHED,
    0xC0000135: _NO_LIBRARY,
    0xC0000139: _NO_LIBRARY,
    0xC000007B: _NO_LIBRARY,
    0xC0000017: "Windows had no memory left for it; try a smaller model",
    0xC000012D: "Windows had no memory left for it; try a smaller model",
    0xC000013A: "it was ended from outside (Ctrl-C)",
}

"""Numbers as people write them, for programs that read the first digits and drop the rest ("32k" -> 32).

What can only mean one number is understood; everything else is refused with what was meant.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from router.config.sizes import size

_WHOLE: Final = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*")
_HEXADECIMAL: Final = re.compile(r"0[xX][0-9a-fA-F]{1,8}")
_DECIMAL: Final = re.compile(
    r"[+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII
)
_THOUSANDS: Final = re.compile(r"([0-9]+)\s*([kKmM])[iI]?")
_TIME: Final = re.compile(r"([0-9]{1,9})\s*([smhSMH])")
_TIMES: Final = {"s": 1, "m": 60, "h": 3600}
_STEPS: Final = {"k": 1 << 10, "m": 1 << 20}
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[.,' \u2019\u00a0\u202f][0-9]{3})+")
_MOST_DIGITS: Final = 40
_MIB: Final = 1 << 20
_INT32: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Number:
    """What may stand for one number.

    Attributes:
        low, high: the least and most that make sense; None: whatever llama-server can hold.
        whole: no fraction.
        mib: counted in MiB, so that `8GiB` may be written, too.
        words: what may be written instead (`auto`).
        zero: whether 0 is among them.
        seconds: counted in seconds, so that `10m` are ten minutes rather than ten million.
    """

    low: float | None = None
    high: float | None = None
    whole: bool = True
    mib: bool = False
    words: tuple[str, ...] = ()
    zero: bool = True
    seconds: bool = False

    def read(self, text: str) -> str:
        """Return the number as llama-server reads it whole. Raises ValueError with a sentence."""
        written = text.strip()
        if written.lower() in self.words:
            return written.lower()
        number = self._understood(written)
        if number is None:
            raise ValueError(self._refusal(written))
        if not self._fits(number):
            raise ValueError(self._out_of_bounds(written))
        return number

    @property
    def _bounds(self) -> tuple[float, float]:
        most = float(_INT32) if self.whole else 3.4e38  # what an int and a float of C hold
        return (-most if self.low is None else self.low), (most if self.high is None else self.high)

    @property
    def wanted(self) -> str:
        """ "a whole number of at least 0", for "must be ..."."""
        kind = "a whole number" if self.whole else "a number"
        if self.low is not None and self.high is not None:
            kind += f" from {self.low:g} to {self.high:.10g}"
        elif self.low is not None:
            kind += f" of at least {self.low:g}"
        if not self.zero:
            kind += " but not 0"
        if self.mib:
            kind += " (MiB), or an amount such as 8GiB"
        if self.seconds:
            kind += " (seconds), or a time such as 10m"
        return f"{kind}, or {' or '.join(self.words)}" if self.words else kind

    def _understood(self, written: str) -> str | None:
        if len(written) > _MOST_DIGITS or _octal(written):
            return None
        if _HEXADECIMAL.fullmatch(written):
            return str(int(written, 16))
        if self.mib:
            if (amount := _mib(written)) is not None:
                return amount
        elif self.seconds:
            if (found := _TIME.fullmatch(written)) is not None:
                return str(int(found[1]) * _TIMES[found[2].lower()])
        elif self.whole and (found := _THOUSANDS.fullmatch(written)):
            return str(int(found[1]) * _STEPS[found[2].lower()])
        pattern = _WHOLE if self.whole else _DECIMAL
        return written.replace("_", "").removeprefix("+") if pattern.fullmatch(written) else None

    def _refusal(self, written: str) -> str:
        meant = self._guessed(written)
        shown = written if len(written) <= _MOST_DIGITS else written[: _MOST_DIGITS - 3] + "..."
        read = re.match(r"[+-]?[0-9]+", written, re.ASCII)
        beginning = f", of which llama-server would only read {read[0]}" if read and meant else ""
        hint = f"; write {meant}" if meant else ""
        return f'must be {self.wanted}, not "{shown}"{beginning}{hint}'

    def _out_of_bounds(self, written: str) -> str:
        if self.low is None and self.high is None:
            return f'must be {self.wanted} that fits into 32 bits, not "{written}"'
        return f'must be {self.wanted}, not "{written}"'

    def meant(self, text: str) -> str | None:
        """Return the number that `text` stands for, or was most likely meant to stand for."""
        number = self._understood(text.strip())
        return number if number is not None and self._fits(number) else self._guessed(text.strip())

    def _fits(self, number: str) -> bool:
        low, high = self._bounds
        return low <= float(number) <= high and (self.zero or float(number) != 0)

    def _guessed(self, written: str) -> str | None:
        guesses = (*_GUESSES, *(_GUESSES_WHOLE if self.whole else _GUESSES_REAL))
        for guess in guesses if len(written) <= _MOST_DIGITS else ():
            candidate = guess(written)
            number = None if candidate is None else self._understood(candidate)
            if number is not None and self._fits(number):
                return number
        return None


def _octal(written: str) -> bool:
    """Return whether YAML 1.1 reads another number than llama-server: `017` is 15 for YAML 1.1 and 17 for
    llama-server; `007` is 7 for both."""
    found = re.fullmatch(r"[+-]?0([0-9]+)", written)
    return found is not None and (not re.fullmatch("[0-7]+", found[1]) or int(found[1], 8) != int(found[1]))


def _mib(written: str) -> str | None:
    """Return the MiB of an amount with its unit; None for a plain number, and below one MiB."""
    if not written[-1:].isalpha():
        return None
    try:
        amount = size(written)
    except ValueError:
        return None
    return str(amount // _MIB) if amount >= _MIB else None


def _plain(written: str) -> str | None:
    """Replace typographic minus signs and digits of other scripts."""
    digits = (str(unicodedata.digit(letter, letter)) for letter in unicodedata.normalize("NFKC", written))
    return re.sub("[\u2212\u2010-\u2014]", "-", "".join(digits)).strip()


def _without_groups(written: str) -> str | None:
    return re.sub(r"[^0-9+-]", "", written) if _GROUPED.fullmatch(written) else None


def _point_for_comma(written: str) -> str | None:
    return written.replace(",", ".") if written.count(",") == 1 else None


def _without_fraction(written: str) -> str | None:
    """Return `1e5` or `32768.0` as a whole number, where one is due."""
    if not _DECIMAL.fullmatch(written):
        return None
    value = float(written.replace("_", ""))
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else None


def _without_zeros(written: str) -> str | None:
    """Return `0017` without its zeros, and `0o17`, which names its base, as a decimal number."""
    if re.fullmatch(r"0o[0-7]+", written):
        return str(int(written, 8))
    return written.lstrip("0") or "0" if re.fullmatch("[0-9]+", written) else None


def _without_unit(written: str) -> str | None:
    """Return `32k tokens`, or `4096 MiB` where the unit goes without saying, without that unit."""
    found = re.fullmatch(r"([0-9.]+\s*[kKmM]?)\s*(?:tokens?|tok|t|layers?|[bB]|[iI]?[bB])", written)
    return found[1] if found else None


_GUESSES: Final = (_plain, _without_zeros, _without_unit)
_GUESSES_WHOLE: Final = (_without_groups, _without_fraction)
_GUESSES_REAL: Final = (_point_for_comma,)

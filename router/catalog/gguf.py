"""What a GGUF file says about itself, read from its header alone.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The file is read through one small window
rather than mapped: a file that shrinks while it is mapped (a download restarting, a network share) ends the
process with SIGBUS. Big arrays (the vocabulary) are walked, never kept, and every count in the file is bounded,
so a hostile file costs at most about a second and a few megabytes.
"""

from __future__ import annotations

import math
import re
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from router.base.errors import BadModel
from router.catalog.foreign import LONGEST, what_instead
from router.catalog.header import RANK_HEADS, GgufHeader, Numbers, Scalar, Tensors, kind_of

__all__ = ["GgufHeader", "kind_of", "read_header", "read_header_from"]

WINDOW = 1 << 20
MAX_KEYS = 1 << 16
MAX_TENSORS = 1 << 17
MAX_KEPT = 1 << 22  # bytes of everything kept; the longest chat templates have some 50 KB
MAX_STRINGS = 1 << 23  # in all arrays; the biggest vocabularies have 2^18 tokens and 2^19 merges
KEPT_ARRAY = 1024  # numeric arrays up to this length (one number per layer) are kept

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
# The token before the prefix, by which models that fill in code are known: llama.cpp's src/llama-vocab.cpp. As
# they stand in the file, after their length.
_FILL_IN = tuple(
    _LENGTH.pack(len(text)) + text
    for text in map(
        str.encode,
        ("<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>"),
    )
)
_LAYER = re.compile(r"(?:[va]\.)?blk\.(\d{1,9})\.")

# ggml_type -> (elements per block, bytes per block), as in gguf-py's GGML_QUANT_SIZES.
TYPE_SIZES: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        **{0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40)},
        **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
        **{16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110)},
        **{22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8)},
        **{29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18)},
    }
)


def read_header(path: Path) -> GgufHeader:
    """Read the header of the GGUF at `path`.

    Raises:
        BadModel: the file cannot be read, is not a GGUF, is damaged, or ends before its tensors do.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO would wait for a writer
            raise BadModel(f"{path} is not a file: choose a .gguf file.")
        with path.open("rb") as file:
            return _Reader(path, file, status.st_size).header()
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise BadModel(f"{path} cannot be read: {reason}. Check the path and its permissions.") from error


def read_header_from(file: BinaryIO, path: Path, size: int) -> GgufHeader:
    """Do the same as `read_header`, from an open file that may lie elsewhere; `path` is what to call it.

    Raises BadModel, and what `file` raises.
    """
    return _Reader(path, file, size).header()


class _Reader:
    """Walks one open file. `pos` is the offset of the next byte; `buffer` holds the bytes from `base` on."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size = path, file, size
        self.pos = self.base = 0
        self.buffer = b""
        self.kept_left, self.strings_left = MAX_KEPT, MAX_STRINGS
        self.has_fill_in_token = False

    def header(self) -> GgufHeader:
        if self.size < 4 or self._take(4) != b"GGUF":
            raise BadModel(f"{self.path} is not a GGUF file; {what_instead(self._beginning())}.")
        version = self._version()
        tensor_count, key_count = self._scalar("Q"), self._scalar("Q")
        if key_count > MAX_KEYS or tensor_count > MAX_TENSORS:
            raise self._damaged(f"it claims {key_count} keys and {tensor_count} tensors")
        metadata: dict[str, Scalar] = {}
        arrays: dict[str, Numbers] = {}
        lengths: dict[str, int] = {}
        for _ in range(key_count):
            key, value_type = self._string(), self._scalar("I")
            if value_type == _ARRAY:
                lengths[key], kept = self._array()
                if kept is not None:
                    arrays[key] = kept
            else:
                metadata[key] = self._value(value_type)
        tensors = self._tensors(tensor_count, metadata.get("general.alignment", 32))
        frozen = MappingProxyType
        return GgufHeader(
            self.path,
            version,
            self.size,
            frozen(metadata),
            frozen(arrays),
            frozen(lengths),
            tensor_count,
            not RANK_HEADS.isdisjoint(tensors.outer),
            tensors,
            self.has_fill_in_token,
        )

    def _beginning(self) -> bytes:
        self.pos = 0
        return self._take(min(self.size, LONGEST))

    def _version(self) -> int:
        version = self._scalar("I")
        if version in (2, 3):
            return version
        if version >> 16:  # a small number whose bytes stand in the other order
            raise BadModel(f"{self.path} is a big-endian GGUF, which cannot be run here: get the usual one.")
        raise BadModel(f"{self.path} is GGUF version {version}; only 2 and 3 can be run: get a current one.")

    def _tensors(self, count: int, alignment: Scalar) -> Tensors:
        """Check that the file holds all its tensors' bytes; return what is told of them."""
        end: int | None = 0
        outer: dict[str, tuple[int, ...]] = {}
        first_layer: int | None = None
        for _ in range(count):
            name, dimensions = self._string(), self._scalar("I")
            if dimensions > 8:
                raise self._damaged(f"tensor {name[:64]!r} claims {dimensions} dimensions")
            shape = tuple(self._scalar("Q") for _ in range(dimensions))
            elements = math.prod(shape)
            tensor_type, offset = self._scalar("I"), self._scalar("Q")
            sizes = TYPE_SIZES.get(tensor_type)
            layer = _LAYER.match(name)
            if layer is None:
                outer[name] = shape
            elif first_layer is None or int(layer[1]) < first_layer:
                first_layer = int(layer[1])
            if sizes is None:
                end = None  # a type newer than this table: the engine will say
            elif end is not None:
                end = max(end, offset + elements // sizes[0] * sizes[1])
        if end:
            step = alignment if isinstance(alignment, int) and alignment > 0 else 32
            needed = -(-self.pos // step) * step + end
            if needed > self.size:
                raise self._truncated(f"its tensors need {needed:,} bytes, it has {self.size:,}")
        return Tensors(MappingProxyType(outer), first_layer)

    def _value(self, value_type: int) -> Scalar:
        if value_type == _STRING:
            return self._string()
        return self._scalar(self._format(value_type))

    def _array(self) -> tuple[int, Numbers | None]:
        """Return the length, and the numbers if they are few."""
        item_type, length = self._scalar("I"), self._scalar("Q")
        if item_type == _STRING:
            self._skip_strings(length)
            return length, None
        code = self._format(item_type)
        size = struct.calcsize("<" + code) * length
        if length <= KEPT_ARRAY:
            return length, struct.unpack(f"<{length}{code}", self._keep(size))
        self._skip(size)
        return length, None

    def _skip_strings(self, count: int) -> None:
        self.strings_left -= count
        if self.strings_left < 0:
            raise self._damaged("its arrays claim more strings than any vocabulary has")
        unpack, width = _LENGTH.unpack_from, _LENGTH.size
        while count:
            self._ensure(width)
            buffer, at, last = self.buffer, self.pos - self.base, len(self.buffer) - width
            while count and at <= last:  # the hot loop: once per token and merge
                at += width + unpack(buffer, at)[0]
                count -= 1
            self.has_fill_in_token |= any(token in buffer for token in _FILL_IN)
            self.pos = self.base + at
        self._skip(0)

    def _string(self) -> str:
        return self._keep(self._scalar("Q")).decode("utf-8", "replace")

    def _keep(self, length: int) -> bytes:
        self.kept_left -= length
        if self.kept_left < 0:
            raise self._damaged("its metadata is longer than any model's")
        return self._take(length)

    def _scalar(self, code: str) -> int:
        """Read one number; typed int as the callers that need another type only pass it on."""
        (value,) = struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))
        return value  # type: ignore[no-any-return]

    def _format(self, value_type: int) -> str:
        code = _SCALARS.get(value_type)
        if code is None:
            raise self._damaged(f"it holds a value of unknown type {value_type}")
        return code

    def _take(self, length: int) -> bytes:
        self._ensure(length)
        at = self.pos - self.base
        self.pos += length
        return self.buffer[at : at + length]

    def _skip(self, length: int) -> None:
        self.pos += length
        if self.pos > self.size:
            raise self._truncated(f"its header goes on past its {self.size:,} bytes")

    def _ensure(self, length: int) -> None:
        """Have the next `length` bytes in `buffer`."""
        if self.pos + length > self.size:
            raise self._truncated(f"its header goes on past its {self.size:,} bytes")
        if self.pos + length <= self.base + len(self.buffer):
            return
        self.file.seek(self.pos)
        self.base = self.pos
        self.buffer = self.file.read(max(length, WINDOW))
        if len(self.buffer) < length:  # it shrank since it was measured
            raise self._truncated(f"it ended at byte {self.pos + len(self.buffer):,} while it was read")

    def _truncated(self, why: str) -> BadModel:
        return BadModel(f"{self.path} is truncated: {why}. Download it again.")

    def _damaged(self, why: str) -> BadModel:
        return BadModel(f"{self.path} is damaged: {why}. Download it again.")

"""What the reading process leaves for its parent: a file of frames, so that neither holds it twice.

A frame is a 4-byte big-endian length and as many bytes of msgpack: the head, then (unless that says what is wrong) the
text, then the chunks, some at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from alma.events import ErrorFacts
from alma.memory.knowledge.blocks import Reading
from alma.memory.knowledge.chunks import Chunk

_SOME = 256  # chunks in a frame: decoding one holds the interpreter for a fraction of a millisecond
_encode = msgspec.msgpack.Encoder().encode


class Head(Struct, frozen=True):
    format: str = ""
    chunks: int = 0
    error: ErrorFacts | None = None


class Outcome(Struct, frozen=True):
    format: str
    text: str
    chunks: list[Chunk]
    error: ErrorFacts | None = None


def leave(path: Path, reading: Reading, chunks: list[Chunk]) -> None:
    with path.open("wb") as sink:
        _put(sink, _encode(Head(reading.format, len(chunks))))
        _put(sink, _encode(reading.text))
        for start in range(0, len(chunks), _SOME):
            _put(sink, _encode(chunks[start : start + _SOME]))


def leave_error(path: Path, error: ErrorFacts) -> None:
    with path.open("wb") as sink:
        _put(sink, _encode(Head(error=error)))


def find(path: Path) -> Outcome | None:
    """None: there is none, or not all of it. Blocks; call it in a thread."""
    chunks: list[Chunk] = []
    decoder = msgspec.msgpack.Decoder(list[Chunk])
    try:
        with path.open("rb") as source:
            frames = _frames(source)
            head = msgspec.msgpack.decode(next(frames), type=Head)
            if head.error is not None:
                return Outcome(head.format, "", [], head.error)
            text = msgspec.msgpack.decode(next(frames), type=str)
            for frame in frames:
                chunks += decoder.decode(frame)
    except (OSError, StopIteration, msgspec.MsgspecError, EOFError):
        return None
    return Outcome(head.format, text, chunks) if len(chunks) == head.chunks else None


def _put(sink: BinaryIO, data: bytes) -> None:
    sink.write(struct.pack(">I", len(data)))
    sink.write(data)


def _frames(source: BinaryIO) -> Iterator[bytes]:
    while length := source.read(4):
        if len(length) < 4:
            raise EOFError
        data = source.read(struct.unpack(">I", length)[0])
        if len(data) < struct.unpack(">I", length)[0]:
            raise EOFError
        yield data

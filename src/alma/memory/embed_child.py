"""The embedder's process: reads batches of texts from stdin, writes their vectors to stdout, ends at end of input.

    python -m alma.memory.embed_child FOLDER

A frame is a 4-byte big-endian length and as many bytes: in, a msgpack list of texts; out, the float32 rows. The first
frame out is empty: ready.
"""

from __future__ import annotations

import signal
import struct
import sys
from pathlib import Path

import msgspec

from alma.memory.minilm import MiniLM

_BATCH = 32  # rows at once: bounds the memory of one forward pass


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal is for its parent, which ends it when it will
    model = MiniLM(Path(sys.argv[1]))
    model.embed(["warm"])
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def send(data: bytes) -> None:
        sink.write(struct.pack(">I", len(data)) + data)
        sink.flush()

    send(b"")
    decoder = msgspec.msgpack.Decoder(list[str])
    while len(head := source.read(4)) == 4:
        texts = decoder.decode(source.read(struct.unpack(">I", head)[0]))
        rows = [model.embed(texts[start : start + _BATCH]).tobytes() for start in range(0, len(texts), _BATCH)]
        send(b"".join(rows))


if __name__ == "__main__":
    main()

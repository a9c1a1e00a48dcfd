"""The embedder's process: reads batches of texts from stdin, writes their vectors to stdout, ends at end of input.

    python -m alma.memory.embed_child FOLDER

In: a 4-byte big-endian length and a msgpack `Asked`. Out: the batch's number and a length, 4 bytes each, and the
float32 rows. The first frame out is number 0 without rows: ready.

What is urgent is embedded at once. The rest is embedded beside it, by a second session in a thread of its own that
stands back from everything else on the machine; so answers come in another order than questions.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import struct
import sys
import threading
import traceback
from pathlib import Path

import msgspec
from msgspec import Struct

from alma.memory.minilm import MiniLM

_BATCH = 32  # rows at once: bounds the memory of one forward pass
_NICENESS = 10  # of the thread: a tenth of the share of one that streams


class Asked(Struct, frozen=True, array_like=True):
    number: int
    urgent: bool
    texts: list[str]


class Child:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._urgent = MiniLM(folder)
        self._others: queue.SimpleQueue[Asked] = queue.SimpleQueue()  # one batch: the next comes after its answer
        self._sending = threading.Lock()

    def run(self) -> None:
        self._urgent.embed(["warm"])
        _give_back()
        self._send(0, b"")
        threading.Thread(target=self._stand_back, name="others", daemon=True).start()
        source = sys.stdin.buffer
        decoder = msgspec.msgpack.Decoder(Asked)
        while len(head := source.read(4)) == 4:
            asked = decoder.decode(source.read(struct.unpack(">I", head)[0]))
            if asked.urgent:
                self._answer(asked, self._urgent)
            else:
                self._others.put(asked)

    def _stand_back(self) -> None:
        try:
            if sys.platform == "linux":  # elsewhere niceness is the whole process's
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
            asked = self._others.get()
            model = MiniLM(self._folder, threads=1, frugal=True)  # only when it is needed
            while True:
                self._answer(asked, model)
                _give_back()
                asked = self._others.get()
        except BaseException as error:  # noqa: BLE001  # the thread's end is the process's
            traceback.print_exception(error)
            os._exit(1)  # who waits for an answer must hear that none comes

    def _answer(self, asked: Asked, model: MiniLM) -> None:
        starts = range(0, len(asked.texts), _BATCH)
        rows = [model.embed(asked.texts[start : start + _BATCH]).tobytes() for start in starts]
        self._send(asked.number, b"".join(rows))

    def _send(self, number: int, data: bytes) -> None:
        with self._sending:
            sys.stdout.buffer.write(struct.pack(">II", number, len(data)) + data)
            sys.stdout.buffer.flush()


def _give_back() -> None:
    """Memory that is free: loading a model leaves 70 MB of it, which glibc would keep."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal is for its parent, which ends it when it will
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # its threads would not stand back
    Child(Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()

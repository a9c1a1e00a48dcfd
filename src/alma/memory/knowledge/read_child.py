"""The process that reads one file: what the file does to it, it does not do to the server.

    python -m alma.memory.knowledge.read_child FILE NAME OUTCOME MEMORY CPU_S

It leaves the text and its chunks, or what is wrong, in OUTCOME, and ends at the latest when its stdin does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from alma.errors import AlmaError
from alma.events import ErrorFacts
from alma.memory.knowledge.chunks import chunks_of
from alma.memory.knowledge.outcome import leave, leave_error
from alma.memory.knowledge.reading import read

_MOST_WRITTEN = 200 * 2**20  # bytes; the longest text and its chunks take a tenth of it
_SPARE = 4 * 2**20  # bytes of memory, for saying that there is no more


def main() -> None:
    path, name, outcome, memory, cpu_s = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal is for its parent, which ends it when it will
    limit(int(memory), int(cpu_s))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.setrecursionlimit(3000)
    spare = bytearray(_SPARE)
    full = False
    error = None
    try:
        error = attempt(Path(path), name, Path(outcome))
    except MemoryError:
        full = True  # and no more, until what was read is let go
    if full:
        spare.clear()
        error = too_much_memory(name, int(memory))
    if error is not None:
        leave_error(Path(outcome), error)


def attempt(path: Path, name: str, outcome: Path) -> ErrorFacts | None:
    """None: it is read, and left."""
    try:
        reading = read(path, name)
        leave(outcome, reading, chunks_of(reading))
    except AlmaError as error:
        return msgspec.convert(error.facts(), ErrorFacts)
    except MemoryError:
        raise
    except OSError as error:
        return _unreadable(name, error)
    except Exception as error:  # noqa: BLE001  # the process's boundary: whatever the file did to its reader
        return _failed(name, error)
    return None


def limit(memory: int, cpu_s: int) -> None:
    """As far as the system has such limits; the parent watches as well."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        os.nice(10)
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (
            ("RLIMIT_AS", memory),
            ("RLIMIT_DATA", memory),
            ("RLIMIT_CPU", cpu_s),
            ("RLIMIT_FSIZE", _MOST_WRITTEN),
            ("RLIMIT_CORE", 0),
        ):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                number: int = getattr(resource, kind)
                hard = resource.getrlimit(number)[1]
                bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(number, (bound, bound))


def too_much_memory(name: str, memory: int) -> ErrorFacts:
    return ErrorFacts(
        "reading_too_large",
        f"{name} takes too much memory to read.",
        expected=f"a file that can be read in {memory // 2**20:,} MiB",
        actual="more than that",
        hint="Split it into several files, or save it in a simpler format.",
    )


def _unreadable(name: str, error: OSError) -> ErrorFacts:
    return ErrorFacts(
        "file_unreadable",
        f"{name} cannot be opened.",
        expected="a file that Alma may read",
        actual=error.strerror or str(error),
        hint="Look at its permissions; when that is mended, it is read by itself.",
    )


def _failed(name: str, error: Exception) -> ErrorFacts:
    said = (str(error).strip().splitlines() or [""])[0]
    return ErrorFacts(
        "damaged_file",
        f"{name} cannot be read.",
        expected="a file that other programs open",
        actual=f"{type(error).__name__}: {said}"[:200],
        hint="Open it in another program and save it anew.",
    )


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()

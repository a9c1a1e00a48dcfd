"""The log of a process: what the standard library's loggers are told goes, structured, to the console and to a file.

Whoever logs only hands over an entry; a thread of its own hides secrets, renders and writes. What waits for it is
bounded: when disk or terminal is so slow that the queue is full, entries are dropped and counted, and nobody waits.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO, Any, Literal, cast

from msgspec import Struct

from alma.errors import AlmaError
from alma.observability.context import bound_ids
from alma.observability.fingerprint import fingerprint_of, leaf, message_of, said_by, traceback_of
from alma.observability.log_file import LogFile
from alma.observability.redaction import Redactor
from alma.observability.rendering import Entry, Render, console_lines, json_lines, load_structlog, plain_lines
from alma.observability.storms import Storms

log = logging.getLogger(__name__)
ALMA = "alma"
_WAITING = 10_000  # entries
_BATCH = 500
_LOOK_S = 1.0  # between two looks for what was held back
_STOP_S = 5.0
_RECENT_S = 600.0  # for how long it is a problem that entries were dropped
Level = Literal["debug", "info", "warning", "error"]


class LogChoice(Struct, frozen=True):
    """`style`: `plain` is for commands: warnings and worse, their words alone. `secrets`: never to be shown. `file`:
    None, or what makes it."""

    level: Level = "info"
    style: Literal["json", "console", "plain"] = "console"
    secrets: frozenset[str] = frozenset()
    file: LogFile | None = None


def fields(**values: object) -> dict[str, Any]:
    """For `extra=` of a logging call: parts of an entry beside its words."""
    return {"alma_fields": values}


def log_problem() -> str:
    """Why the log of this process is not whole; empty: it is, or there is none."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Logs):
            return handler.problem
    return ""


class Logs(logging.Handler):
    """A context manager: inside, the process's loggers go through it."""

    def __init__(self, choice: LogChoice, console: IO[str] | None = None, storms: Storms | None = None) -> None:
        super().__init__()
        self.dropped = 0
        self._dropped_at = 0.0
        self._choice = choice
        self._console = console or sys.stderr
        self._file = choice.file
        self._queue: queue.SimpleQueue[tuple[int, Entry] | None] = queue.SimpleQueue()
        self._storms = storms or Storms()
        self._thread = threading.Thread(target=self._write_forever, name="alma-log", daemon=True)
        self._told_problem = ""
        self._told_dropped = 0
        self._before: list[tuple[logging.Logger, int]] = []
        self._thread_hook = threading.excepthook
        redactor = Redactor(choice.secrets)
        self._to_file: Render | None = json_lines(redactor) if self._file is not None else None
        self._to_console, self._console_from = self._printed(redactor)

    def createLock(self) -> None:  # noqa: N802  # logging's name
        """None: the queue is safe by itself, also in a signal handler and while garbage is collected."""
        self.lock = None

    @property
    def problem(self) -> str:
        file = self._file
        if file is not None and file.problem:
            return f"{file.problem} {file.lost:,} lines were lost." if file.lost else file.problem
        if self.dropped and time.monotonic() - self._dropped_at < _RECENT_S:
            return f"{self.dropped:,} log entries were dropped: disk or terminal could not keep up."
        return ""

    # ── being told ────────────────────────────────────────────────────────────────────────────────────────────────

    def emit(self, record: logging.LogRecord) -> None:
        if self._queue.qsize() >= _WAITING:
            self.dropped += 1
            self._dropped_at = time.monotonic()
            return
        mark = ""
        if record.levelno >= logging.ERROR:
            mark = fingerprint_of(record).id
            if not self._storms.admits(mark):
                return
        self._queue.put((record.levelno, _entry(record, mark)))

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _write_forever(self) -> None:
        going = True
        while going:
            batch: list[tuple[int, Entry]] = []
            try:
                item = self._queue.get(timeout=_LOOK_S)
                while item is not None:
                    batch.append(item)
                    if len(batch) == _BATCH:
                        break
                    item = self._queue.get_nowait()
                going = item is not None
            except queue.Empty:
                pass
            try:
                self._write(batch)
                self._write(self._own_words())
            except Exception as error:  # noqa: BLE001  # the log's boundary: it must outlive anything it is told
                self._print(f"a log entry could not be written: {type(error).__name__}: {error}\n")

    def _write(self, batch: list[tuple[int, Entry]]) -> None:
        if self._file is not None and self._to_file is not None and batch:
            self._file.write([(self._to_file(entry) + "\n").encode("utf-8", "backslashreplace") for _, entry in batch])
        lines = [self._to_console(entry) + "\n" for level, entry in batch if level >= self._console_from]
        if lines:
            self._print("".join(lines))

    def _print(self, text: str) -> None:
        try:
            self._console.write(text)
            self._console.flush()
        except (OSError, ValueError):  # its reader has left, or it is closed
            self._console_from = logging.CRITICAL + 1

    def _own_words(self) -> list[tuple[int, Entry]]:
        """What the log has to say of itself: once each time it begins or ends."""
        said: list[tuple[int, Entry]] = []
        for mark, count in self._storms.held().items():
            said.append(_own(logging.WARNING, f"the same error happened {count:,} times more", fingerprint=mark))
        if self.dropped > self._told_dropped:
            count, self._told_dropped = self.dropped - self._told_dropped, self.dropped
            said.append(_own(logging.WARNING, f"{count:,} log entries were dropped: disk or terminal cannot keep up"))
        problem = self._file.problem if self._file is not None else ""
        if bool(problem) != bool(self._told_problem):
            ended = f"the log file is written again; {self._file.lost:,} lines were lost" if self._file else ""
            said.append(_own(logging.WARNING, problem or ended))
            self._told_problem = problem
        return said

    def _printed(self, redactor: Redactor) -> tuple[Render, int]:
        """How the console is written to, and from which level on."""
        match self._choice.style:
            case "json":
                return self._to_file or json_lines(redactor), logging.NOTSET
            case "console":
                return console_lines(redactor, colors=self._console.isatty()), logging.NOTSET
            case "plain":
                return plain_lines(redactor), logging.WARNING

    # ── beginning and ending ──────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Logs:
        level = logging.getLevelNamesMapping()[self._choice.level.upper()]
        root = logging.getLogger()
        # What other libraries say of their own doings is no news, and at debug it has users' words and keys in it.
        self._set(root, max(level, logging.WARNING if level > logging.DEBUG else logging.INFO))
        self._set(logging.getLogger(ALMA), level)
        for chatty in ("alembic", "uvicorn"):
            self._set(logging.getLogger(chatty), logging.NOTSET)
        root.addHandler(self)
        _configure_structlog()
        threading.excepthook = _thread_failed
        self._thread.start()
        return self

    def _set(self, logger: logging.Logger, level: int) -> None:
        self._before.append((logger, logger.level))
        logger.setLevel(level)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None) -> None:
        if isinstance(error, Exception) and not isinstance(leaf(error), AlmaError | OSError):  # those are told kindly
            log.critical("the process ends on an error", exc_info=error)
        root = logging.getLogger()
        root.removeHandler(self)
        threading.excepthook = self._thread_hook
        for logger, level in reversed(self._before):
            logger.setLevel(level)
        self._queue.put(None)
        self._thread.join(_STOP_S)
        if self._file is not None and not self._thread.is_alive():
            self._file.close()


def _entry(record: logging.LogRecord, mark: str) -> Entry:
    """What is in the record, so that nothing of it is held: in order of reading."""
    message: Any = record.msg
    more: Mapping[str, Any] = record.__dict__.get("alma_fields", {})
    if isinstance(message, dict):  # from structlog's own loggers
        more = cast("dict[str, Any]", message)
        message = more.get("event", "")
    else:
        message = message_of(record)
    entry: Entry = {"time": record.created, "level": record.levelname.lower(), "logger": record.name, "event": message}
    entry.update(bound_ids())
    for name, value in more.items():
        entry.setdefault(name, value)
    if record.exc_info and (error := record.exc_info[1]) is not None:
        cause = leaf(error)
        entry["error"] = {
            "type": type(cause).__qualname__,
            "message": said_by(cause)[:2_000],
            "fingerprint": mark or fingerprint_of(record).id,
            "traceback": traceback_of(error),
        }
    elif mark:
        entry["fingerprint"] = mark
    return entry


def _own(level: int, words: str, **more: object) -> tuple[int, Entry]:
    name = logging.getLevelName(level).lower()
    return level, {"time": time.time(), "level": name, "logger": __name__, "event": words, **more}


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is SystemExit or failed.exc_value is None:
        return
    name = failed.thread.name if failed.thread is not None else "unknown"
    log.error("the thread %s ended on an error", name, exc_info=failed.exc_value)


def _configure_structlog() -> None:
    """Loggers of structlog, as a tool of the user's may have one, say what they have to say here too."""
    structlog = load_structlog()
    hand_over: Callable[..., Any] = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.PositionalArgumentsFormatter(), hand_over],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )

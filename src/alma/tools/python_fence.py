"""The fence around the process that runs a model's Python: what it may use, read, write and reach. Runs inside it.

    put_limits     POSIX        processor time, memory, file size, open files, no core dump, an alarm clock
    put_kernel     Linux        no network (a namespace of its own), files by Landlock, system calls by seccomp
    put_hook       everywhere   Python's own audit events: opening, importing, starting, connecting

The kernel's layers hold also against code that gets around Python; each is put up where the kernel offers it, and one
that is missing is no error. Python's audit hook says in words what was refused, but code that means to can get around
it: together they are a fence and not a jail. Imports the standard library only, and of it little.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

MAX_FILES = 64  # that may be opened for writing, one after another
# Of what the interpreter and its library read. Nothing of Alma's, nobody's home, not /proc.
READABLE = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache")
DEVICES = ("/dev/null", "/dev/urandom", "/dev/zero")


def put_limits(cpu_s: int, wall_s: int, memory: int, file_size: int) -> None:
    """`memory` and `file_size` in bytes. The alarm ends the process also where its parent cannot any more."""
    import resource

    for kind, value in (
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
        (getattr(resource, "RLIMIT_NPROC", -1), 0),  # does not bind root: there the kernel's layer must
    ):
        if kind >= 0:
            _, hard = resource.getrlimit(kind)
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            _try(lambda kind=kind, most=most: resource.setrlimit(kind, (most, most)))  # macOS has no limit on memory
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write that is too long then fails instead
    signal.alarm(wall_s)


def put_hook(folder: str) -> None:
    """From now on, Python refuses what is not computing: no file outside of `folder` but Python's own, and those only
    to be read; no process, no network, no C. It raises PermissionError (ImportError where
    a module may do without another) and cannot be taken away."""
    inside = os.path.realpath(folder) + os.sep
    readable = tuple({os.path.realpath(path) + os.sep for path in (*python_folders(), "/usr/share/zoneinfo")})
    single = frozenset((*DEVICES, "/etc/localtime"))
    written = 0
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def check(path: object, write: bool) -> None:
        nonlocal written
        if isinstance(path, int) or path is None:  # open already, or the folder itself
            return
        full = os.path.realpath(os.fsdecode(path)) if isinstance(path, str | bytes) else ""
        if (full + os.sep).startswith(inside):
            written += write
            if written > MAX_FILES:
                raise PermissionError(f"more than {MAX_FILES} files were written")
        elif write or not (full in single or full.startswith(readable) or full + os.sep in readable):
            raise PermissionError(f"{'writing' if write else 'reading'} {full or path!r} is not allowed here")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            mode, flags = args[1], args[2]
            check(args[0], bool(flags & writing) or (isinstance(mode, str) and any(mark in mode for mark in "wax+")))
        elif event in _READS:
            check(args[0], False)
        elif event in _WRITES:
            for path in args[: _WRITES[event]]:
                check(path, True)
        elif event == "import":
            if args[0].partition(".")[0] in _NO_IMPORT:
                raise ImportError(f"importing {args[0]} is not allowed here")
        elif event in _NEVER or event.startswith(_NEVER_BEGINNING):
            raise PermissionError(f"{event} is not allowed here")

    sys.addaudithook(hook)


def python_folders() -> list[str]:
    """Where the interpreter's library is."""
    return [os.path.dirname(os.__file__), *(path for path in sys.path if path and os.path.isdir(path))]  # noqa: PTH120, PTH112  # no pathlib: it would be loaded in every child


_READS = frozenset({"os.listdir", "os.scandir", "os.chdir", "glob.glob", "os.listxattr", "os.getxattr"})
# Event → how many of its arguments are paths that change.
_WRITES = {
    "os.mkdir": 1,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.truncate": 1,
    "os.utime": 1,
    "os.chmod": 1,
    "shutil.rmtree": 1,
    "tempfile.mkstemp": 1,
    "tempfile.mkdtemp": 1,
}
_NEVER = frozenset(
    {
        *("os.system", "os.exec", "os.fork", "os.forkpty", "os.spawn", "os.posix_spawn", "os.startfile", "pty.spawn"),
        *("os.kill", "os.killpg", "os.putenv", "os.unsetenv", "os.chown", "os.chflags", "os.symlink", "os.setxattr"),
        *("os.removexattr", "os.lockf", "signal.pthread_kill", "resource.setrlimit", "resource.prlimit", "fcntl.ioctl"),
        *("gc.get_objects", "gc.get_referrers", "sys._current_frames", "sys.addaudithook", "code.__new__"),
        *("sqlite3.connect", "webbrowser.open", "mmap.__new__", "os.add_dll_directory", "syslog.openlog"),
        *("_thread.start_new_thread", "_thread.start_joinable_thread", "function.__new__", "cpython.run_file"),
    }
)
_NEVER_BEGINNING = (
    "socket.",
    "subprocess.",
    "ctypes.",
    "ftplib.",
    "http.",
    "smtplib.",
    "urllib.",
    "telnetlib.",
    "winreg.",
)
_NO_IMPORT = frozenset(
    {
        *("socket", "_socket", "ssl", "_ssl", "subprocess", "_posixsubprocess", "multiprocessing", "_multiprocessing"),
        *("ctypes", "_ctypes", "cffi", "mmap", "fcntl", "resource", "faulthandler", "pty", "termios", "syslog"),
        *("_xxsubinterpreters", "_interpreters", "sqlite3", "_sqlite3", "dbm", "_dbm", "_gdbm", "_testcapi"),
        *("_testinternalcapi", "alma"),
    }
)


def _try(do: Callable[[], object]) -> None:
    try:
        do()
    except (OSError, ValueError):
        return

"""The process that runs a model's Python once: code comes in on stdin, what it prints goes out on stdout.

    python -I -S -B -X utf8 -c "…" FOLDER CPU_S WALL_S MEMORY FILE_SIZE

`alma.tools.python_runner` starts it in an empty folder with an empty environment. It puts up the fence, runs the code
as `__main__` and prints the value of the last expression, as Python's own prompt does. Exit code 1: the code raised.
"""

from __future__ import annotations

import ast
import os
import sys
import traceback
from io import TextIOWrapper
from types import CodeType
from typing import Any

from alma.tools.python_fence import DEVICES, READABLE, put_hook, put_limits, python_folders

FILE = "<code>"


def main() -> None:
    """Never returns to what started it."""
    folder, *numbers = sys.argv[1:]
    source = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    cpu_s, wall_s, memory, file_size = map(int, numbers)
    put_limits(cpu_s, wall_s, memory, file_size)
    if sys.platform == "linux":
        _put_kernel(folder)
    _forget()
    put_hook(folder)
    for stream in (sys.stdout, sys.stderr):  # in order, nothing kept back, whatever is printed
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.exit(run(source))


def _put_kernel(folder: str) -> None:
    try:
        from alma.tools.python_kernel import put_kernel
    except ImportError:  # a Python without ctypes
        return
    put_kernel(folder, [*READABLE, *DEVICES, *python_folders()])


def _forget() -> None:
    """Modules that the hook forbids, and Alma's, are not left lying about."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("alma", "ctypes", "_ctypes", "resource") and name != __name__:
            del sys.modules[name]


def run(source: str) -> int:
    """Run the code and print its last expression; the exit code. An error is told with the lines of the code that led
    to it, and none of what is around it."""
    scope: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        first, last = _parts(source)
        exec(first, scope)  # what this process is for
        if last is not None and (value := eval(last, scope)) is not None:
            print(repr(value))  # noqa: T201  # its output
        sys.stdout.flush()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:  # noqa: BLE001  # whatever the code raises is its result
        return _tell(error)
    return 0


def _parts(source: str) -> tuple[CodeType, CodeType | None]:
    """The code, and its last statement apart if that is an expression."""
    tree = ast.parse(source, FILE)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    first = compile(tree, FILE, "exec", dont_inherit=True)
    if not isinstance(last, ast.Expr):
        return first, None
    return first, compile(ast.Expression(last.value), FILE, "eval", dont_inherit=True)


def _tell(error: BaseException) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE]
    if isinstance(error, SyntaxError) and error.filename == FILE:
        lines = [error.lineno]
    where = f"Line {', '.join(str(line) for line in lines[-5:])}: " if lines else ""
    said = "".join(traceback.format_exception_only(error)).strip().rpartition("\n")[2]
    sys.stdout.flush()
    os.write(1, f"{where}{said}\n".encode(errors="replace"))
    return 1

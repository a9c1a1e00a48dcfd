"""All tools there are, by name: offering them to a model, calling them, and the door through which they come in.

Shipped tools and those of a learner come in alike: from a folder of Python files, or by `register`.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from msgspec import Struct

from alma.tools.fault import ToolInvalid
from alma.tools.signature import Provided, ToolContext
from alma.tools.tool import Tool, ToolOutcome, make_tool, tool_of

SHIPPED = Path(__file__).parent / "shipped"
EVERY = "*"  # in a role's list: all tools


class ToolProblem(Struct, frozen=True):
    """Why a file, or a tool in it, is not there. `line` 0: the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Toolbox:
    """`provided`: what the tools may ask for by annotation. A tool that needs something else is off: it is known by
    name, but neither offered nor called."""

    def __init__(self, tools: Iterable[Tool] = (), provided: Iterable[Provided] = ()) -> None:
        self._provided = {type(thing): thing for thing in provided}
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            self.register(tool)

    def register(self, function: Callable[..., object] | Tool, **options: Any) -> Tool:
        """Add a tool: a function, with the options of `make_tool`, or one that `@tool` has marked. Raises
        `ToolInvalid` for a function that is no tool, and for a name that is taken."""
        if isinstance(function, Tool):
            made = function
        else:
            marked = tool_of(function)
            made = marked if marked is not None and not options else make_tool(function, **options)
        if made.name in self._tools:
            raise ToolInvalid(f"There is a tool named {made.name} already.", hint="Give one of them another name.")
        made = made.given(self._provided)
        self._tools[made.name] = made
        return made

    def load_folder(self, folder: Path) -> list[ToolProblem]:
        """Add every function marked with `@tool` in the Python files of `folder` (not those whose name begins with _).
        What is wrong is returned, the rest is there. The files run with Alma's rights: only put in what you trust."""
        problems: list[ToolProblem] = []
        for path in sorted(folder.glob("[!_]*.py")):
            try:
                module = _run_file(path)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # a plugin's boundary
                problems.append(_problem_of(path, error))
                continue
            problems += self._add_from(module, path)
        return problems

    def _add_from(self, module: ModuleType, path: Path) -> list[ToolProblem]:
        problems: list[ToolProblem] = []
        found = 0
        for value in list(vars(module).values()):
            tool = tool_of(value)
            if tool is None or not isinstance(value, FunctionType) or value.__module__ != module.__name__:
                continue
            found += 1
            try:
                self.register(tool)
            except ToolInvalid as error:
                problems.append(ToolProblem(str(path), value.__code__.co_firstlineno, _sentence(error)))
        if not found:
            problems.append(ToolProblem(str(path), 0, "No function in it is marked with @tool."))
        return problems

    # ── what there is ─────────────────────────────────────────────────────────────────────────────────────────────

    def names(self) -> list[str]:
        """The tools that can be called, in the order in which they came in."""
        return [name for name, tool in self._tools.items() if not tool.missing()]

    def off(self) -> dict[str, str]:
        """The tools that are switched off, and why."""
        return {
            name: f"{name} is switched off: it needs {', '.join(missing)}."
            for name, tool in self._tools.items()
            if (missing := tool.missing())
        }

    def get(self, name: str) -> Tool | None:
        """The tool, if it can be called."""
        tool = self._tools.get(name)
        return tool if tool is not None and not tool.missing() else None

    def specs(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """What a role with these tools offers to its model: name, description, parameters (JSON schema) of each.
        Names of tools that are off or not there are passed over; `unknown` names the latter."""
        return [self._tools[name].spec for name in self.names() if self.allowed(names, name)]

    def unknown(self, names: Iterable[str]) -> list[str]:
        """A sentence for each name in a role's list that is no tool, also none that is off."""
        return [self._unknown(name, self._tools) for name in names if name != EVERY and name not in self._tools]

    @staticmethod
    def allowed(role_tools: Sequence[str], name: str) -> bool:
        """Whether a role with these tools may call `name`."""
        return name in role_tools or EVERY in role_tools

    # ── calling ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def call(
        self, name: str, arguments: str, context: ToolContext, *, allowed: Sequence[str] = (EVERY,)
    ) -> ToolOutcome:
        """Call a tool for a role that may use those in `allowed`. Never raises, as `Tool.call`: a tool that is not
        there, is off, or is not the role's is told to the model, with the tools that it has."""
        tool = self.get(name)
        if tool is not None and self.allowed(allowed, name):
            return await tool.call(arguments, context)
        usable = [other for other in self.names() if self.allowed(allowed, other)]
        if tool is not None:
            return ToolOutcome(False, f"{context.role} may not use {name}. {_listed(usable)}")
        if (off := self.off().get(name)) is not None:
            return ToolOutcome(False, f"{off} {_listed(usable)}")
        return ToolOutcome(False, self._unknown(name, usable))

    @staticmethod
    def _unknown(name: str, usable: Iterable[str]) -> str:
        usable = list(usable)
        near = difflib.get_close_matches(name, usable, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        return f"There is no tool named {name[:80]!r}.{guess} {_listed(usable)}"


def _listed(names: Sequence[str]) -> str:
    return f"There are: {', '.join(names)}." if names else "There are no tools."


def _run_file(path: Path) -> ModuleType:
    name = f"alma_tools_of_{abs(hash(path.resolve())):x}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations look themselves up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _problem_of(path: Path, error: BaseException) -> ToolProblem:
    """The line is the last one of the file that had to do with it."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return ToolProblem(str(path), error.lineno or 0, f"SyntaxError: {error.msg}")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = (frames[-1].lineno or 0) if frames else 0
    if isinstance(error, ToolInvalid):
        return ToolProblem(str(path), line, _sentence(error))
    return ToolProblem(str(path), line, f"{type(error).__name__}: {error}")


def _sentence(error: ToolInvalid) -> str:
    more = [f"expected {error.expected}" if error.expected else "", error.hint or ""]
    return " ".join([error.message, *filter(None, more)])

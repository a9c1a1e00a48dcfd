"""Run Python code in a restricted process."""

from __future__ import annotations

from alma.tools.fault import ToolFault
from alma.tools.python_runner import PythonRunner
from alma.tools.tool import tool


# Whatever it does, it does in a folder that is thrown away: run again after a crash, it harms nothing.
@tool(idempotent=True, needs_approval=True, acts=True, outside="", timeout_s=60)
async def python(code: str, runner: PythonRunner) -> str:
    """Run Python code and give what it prints and the value of its last expression. It has the standard library, an
    empty folder and a few seconds; no network, no other files, no other programs. Nothing is kept between two runs.

    code: the program
    """
    run = await runner.run(code)
    if run.ok:
        return run.output or "(nothing was printed)"
    raise ToolFault(f"{run.output}\nThe program was stopped: {run.ended}.".strip() if run.ended else run.output)

"""The toolbox: whose tools are whose, what is said of those that are not there, and the door for new ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from alma.tools.fault import ToolInvalid
from alma.tools.signature import ToolContext
from alma.tools.tool import tool
from alma.tools.toolbox import SHIPPED, Toolbox

PLUGIN = '''
from alma.tools.tool import tool

@tool(idempotent=True)
def shout(text: str) -> str:
    """Say it louder.

    text: what to say
    """
    return text.upper() + "!"

def helper(text: str) -> str:
    """Not a tool."""
    return text
'''


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_a_function_is_a_tool_in_one_line(context: ToolContext) -> None:
    box = Toolbox()
    box.register(add, idempotent=True)
    assert box.names() == ["add"]
    assert (await box.call("add", '{"a": 1, "b": 2}', context)).text == "3"
    found = box.get("add")
    assert found is not None
    assert found.idempotent
    with pytest.raises(ToolInvalid, match="a tool named add already"):
        box.register(add)


async def test_a_role_calls_and_sees_only_its_own_tools(context: ToolContext) -> None:
    box = Toolbox()
    box.register(add)
    box.register(add, name="plus")
    assert [spec["name"] for spec in box.specs(["plus", "nothing"])] == ["plus"]
    assert [spec["name"] for spec in box.specs(["*"])] == ["add", "plus"]
    assert box.specs([]) == []
    refused = await box.call("add", '{"a": 1, "b": 2}', context, allowed=["plus"])
    assert (refused.ok, refused.text) == (False, "analyst may not use add. There are: plus.")
    assert (await box.call("plus", '{"a": 1, "b": 2}', context, allowed=["plus"])).ok


async def test_an_unknown_tool_is_answered_with_those_there_are(context: ToolContext) -> None:
    box = Toolbox()
    box.register(add)
    outcome = await box.call("ad", "{}", context)
    assert outcome.text == "There is no tool named 'ad'. Did you mean add? There are: add."
    assert "There are no tools" in (await box.call("add", "{}", context, allowed=[])).text
    assert box.unknown(["add", "*"]) == []
    assert len(box.unknown(["addd"])) == 1


async def test_a_file_in_a_folder_brings_its_tools(tmp_path: Path, context: ToolContext) -> None:
    (tmp_path / "shout.py").write_text(PLUGIN)
    box = Toolbox()
    assert box.load_folder(tmp_path) == []
    assert box.names() == ["shout"]
    assert (await box.call("shout", '{"text": "hi"}', context)).text == "HI!"


def test_files_with_errors_are_named_with_the_line_and_the_others_work(tmp_path: Path) -> None:
    files = {
        "bad_syntax.py": "x = 1\ndef f(:\n",
        "raises.py": "\n\nraise ValueError('no key')\n",
        "leaves.py": "import sys\nsys.exit(1)\n",
        "missing.py": "import nothing_of_this_name\n",
        "untyped.py": "from alma.tools.tool import tool\n\n@tool\ndef f(a):\n    'Do.'\n",
        "empty.py": "",
        "again.py": PLUGIN,
        "shout.py": PLUGIN,
        "_ignored.py": "raise ValueError",
        "notes.txt": "no Python",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    box = Toolbox()
    problems = {Path(problem.file).name: problem for problem in box.load_folder(tmp_path)}
    assert box.names() == ["shout"]
    assert {name: problem.line for name, problem in problems.items()} == {
        "bad_syntax.py": 2,
        "raises.py": 3,
        "leaves.py": 2,
        "missing.py": 1,
        "untyped.py": 3,
        "empty.py": 0,
        "shout.py": 4,
        "latin.py": problems["latin.py"].line,
    }
    assert "no key" in problems["raises.py"].message
    assert "parameter a of the tool f has no type" in problems["untyped.py"].message
    assert "already" in problems["shout.py"].message
    assert str(problems["raises.py"]) == f"{tmp_path / 'raises.py'}:3: ValueError: no key"


def test_a_folder_that_is_not_there_has_no_tools(tmp_path: Path) -> None:
    assert Toolbox().load_folder(tmp_path / "none") == []


async def test_the_shipped_tools_come_in_by_the_same_door(context: ToolContext) -> None:
    box = Toolbox()
    assert box.load_folder(SHIPPED) == []
    assert box.names() == ["calculator", "clock"]
    assert (await box.call("calculator", '{"expression": "2*21"}', context)).text == "42"


def test_a_marked_function_registers_with_its_own_options() -> None:
    @tool(needs_approval=True)
    def send(text: str) -> str:
        """Send it."""
        return text

    assert Toolbox().register(send).needs_approval
    assert not Toolbox().register(send, idempotent=True).needs_approval


async def test_the_tool_in_the_documentation_works(tmp_path: Path, context: ToolContext) -> None:
    page = (Path(__file__).parents[2] / "docs/tools.md").read_text()
    (tmp_path / "fuel.py").write_text(page.partition("```python\n")[2].partition("```")[0])
    box = Toolbox()
    assert box.load_folder(tmp_path) == []
    assert (await box.call("fuel_cost", '{"kilometres": 100}', context)).text == "11.70 euros"

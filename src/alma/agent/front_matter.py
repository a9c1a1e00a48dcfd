"""Reading a Markdown file with YAML front matter, and checking its fields: every problem at once, with line and field.

A check looks at one YAML node and tells the `Notes` what is wrong with it; checks are put together like the file is
(`record`, `list_of`, `text` …). What the fields mean is `role.py`'s business.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import yaml
from msgspec import Struct
from yaml.composer import ComposerError
from yaml.reader import ReaderError

from alma.errors import RoleInvalid, RoleProblem

_TAG = "tag:yaml.org,2002:"
_SHOWN = 60  # characters of a wrong value
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_START = yaml.Mark("", 0, 0, 0, "", 0)
_HEADING = re.compile(r"#[ \t]+(.+?)[ \t#]*$")


class Section(Struct, frozen=True):
    """The text under a top-level heading, stripped. `line`: the heading's."""

    name: str
    line: int
    text: str


class Notes:
    """Collects the problems of one file. `first_line`: where the YAML begins in it; `last_line`: where
    the file ends, known once it is `split`."""

    def __init__(self, file: str, first_line: int = 1) -> None:
        self.file = file
        self.problems: list[RoleProblem] = []
        self.first_line = first_line
        self.last_line = first_line

    def line(self, node: yaml.Node) -> int:
        return cast("int", node.start_mark.line) + self.first_line

    def at(self, line: int, field: str, message: str) -> None:
        self.problems.append(RoleProblem(self.file, line, field, message))

    def say(self, node: yaml.Node, field: str, message: str) -> None:
        self.at(self.line(node), field, message)

    def wrong(self, node: yaml.Node, field: str, expected: str, near: str = "") -> None:
        self.say(node, field, f"expected {expected}, came {came(node)}{near}")

    def check(self) -> None:
        """Raises `RoleInvalid` if there is a problem."""
        if self.problems:
            raise RoleInvalid(self.file, sorted(self.problems, key=lambda problem: problem.line))


Check = Callable[[yaml.Node, str, Notes], None]


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────


def split(source: str, notes: Notes) -> tuple[str, str, list[Section]]:
    """The YAML, the text before the first top-level heading, and the sections after it. Raises `RoleInvalid` when
    there is no front matter. Headings inside fenced code are not headings."""
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    notes.last_line = len(lines)
    if lines[0].rstrip() != "---":
        notes.at(1, "", f"no front matter: expected a first line ---, came {_cut(lines[0])}")
        notes.check()
    end = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        notes.at(len(lines), "", "the front matter has no end: expected a second line ---")
        notes.check()
        raise AssertionError
    before, sections = _sections(lines, end + 1)
    return "\n".join(lines[1:end]), before, sections


def _sections(lines: list[str], begin: int) -> tuple[str, list[Section]]:
    heads: list[tuple[int, str]] = []
    fence = ""
    for at in range(begin, len(lines)):
        marks = _FENCE.match(lines[at])
        if marks is not None and (not fence or marks[1].startswith(fence)):
            fence = "" if fence else marks[1]
        elif not fence and (heading := _HEADING.match(lines[at])):
            heads.append((at, heading[1]))
    ends = [*(at for at, _ in heads), len(lines)][1:]
    before = "\n".join(lines[begin : heads[0][0] if heads else len(lines)]).strip()
    return before, [
        Section(name, at + 1, "\n".join(lines[at + 1 : end]).strip())
        for (at, name), end in zip(heads, ends, strict=True)
    ]


class _Loader(yaml.SafeLoader):
    """Aliases would let a small file stand for an endless one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open
            mark = cast("yaml.Mark", self.peek_event().start_mark)  # pyright: ignore[reportUnknownMemberType]
            raise ComposerError(None, None, "an alias (*name); write the value out", mark)
        return super().compose_node(parent, index)


def read_yaml(text: str, check: Check, notes: Notes) -> dict[str, Any]:
    """The values of a YAML mapping that passes `check`. Raises `RoleInvalid` with every problem in `notes`."""
    node = compose(text, notes)
    check(node, "", notes)
    notes.check()
    loader = _Loader("")
    try:
        return cast("dict[str, Any]", loader.construct_document(node))  # pyright: ignore[reportUnknownMemberType]
    finally:
        loader.dispose()  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open


def compose(text: str, notes: Notes) -> yaml.Node:
    """The YAML's nodes. Raises `RoleInvalid` when it is not YAML."""
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return node if node is not None else yaml.MappingNode(f"{_TAG}map", [], _START, _START)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ": ".join(part for part in (error.context, error.problem) if part)
        notes.at((mark.line if mark else 0) + notes.first_line, "", f"the front matter is no YAML: {what}")
    except ReaderError as error:
        line = text.count("\n", 0, cast("int", error.position))
        notes.at(line + notes.first_line, "", "the front matter is no YAML: a control character")
    except RecursionError:
        notes.at(notes.first_line, "", "the front matter is nested too deeply")
    finally:
        if loader is not None:
            loader.dispose()  # pyright: ignore[reportUnknownMemberType]
    notes.check()
    raise AssertionError


def line_of(source: str, field: str, index: int = 0) -> int:
    """Where `field` of a valid file has its value, of a list the element `index`; counted from 1."""
    notes = Notes("", first_line=2)
    node = compose(split(source, notes)[0], notes)
    assert isinstance(node, yaml.MappingNode)
    found = next(value for key, value in pairs(node) if key.value == field)
    return notes.line(found.value[index] if isinstance(found, yaml.SequenceNode) else found)


# ── checks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def came(node: yaml.Node) -> str:
    """What stands at `node`, short enough for a message."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "nothing" if is_a(node, "null") else _cut(cast("str", node.value))


def _cut(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def is_a(node: yaml.Node, *kinds: str) -> bool:
    """Whether YAML reads a node as one of these: str, int, float, bool, null, map, seq."""
    return node.tag in {_TAG + kind for kind in kinds}


def pairs(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    return cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def items(node: yaml.SequenceNode) -> list[yaml.Node]:
    return cast("list[yaml.Node]", node.value)


def guess(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` where something known is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def text(most: int, pattern: str = ".*", says: str = "text") -> Check:
    """Text of 1 to `most` characters, all of which `pattern` matches."""

    def check(node: yaml.Node, field: str, notes: Notes) -> None:
        if is_a(node, "int", "float", "bool", "timestamp") and isinstance(node, yaml.ScalarNode):
            notes.wrong(node, field, says, ", which YAML takes for something else: put it in quotes")
        elif not is_a(node, "str") or not node.value.strip() or not re.fullmatch(pattern, node.value, re.DOTALL):
            notes.wrong(node, field, says)
        elif len(node.value) > most:
            notes.say(node, field, f"expected at most {most:,} characters, came {len(node.value):,}")

    return check


def whole(least: int, most: int) -> Check:
    return _in_bounds(("int",), int, least, most, "a whole number")


def number(least: float, most: float) -> Check:
    return _in_bounds(("int", "float"), float, least, most, "a number")


def _in_bounds(kinds: tuple[str, ...], read: Callable[[str], float], least: float, most: float, says: str) -> Check:
    def check(node: yaml.Node, field: str, notes: Notes) -> None:
        try:
            value = read(cast("str", node.value)) if is_a(node, *kinds) else None
        except (ValueError, TypeError):
            value = None
        if value is None or not least <= value <= most:
            notes.wrong(node, field, f"{says} from {least:,} to {most:,}")

    return check


def choice(*words: str) -> Check:
    def check(node: yaml.Node, field: str, notes: Notes) -> None:
        if not is_a(node, "str") or node.value not in words:
            near = guess(node.value, words) if is_a(node, "str") else ""
            notes.wrong(node, field, f"one of {', '.join(words)}", near)

    return check


def optional(inner: Check) -> Check:
    def check(node: yaml.Node, field: str, notes: Notes) -> None:
        if not is_a(node, "null"):
            inner(node, field, notes)

    return check


def list_of(inner: Check, most: int, *, distinct: bool = False) -> Check:
    def check(node: yaml.Node, field: str, notes: Notes) -> None:
        if not isinstance(node, yaml.SequenceNode) or not is_a(node, "seq"):
            notes.wrong(node, field, "a list")
            return
        if len(items(node)) > most:
            notes.say(node, field, f"expected at most {most} entries, came {len(items(node))}")
        seen: set[str] = set()
        for at, item in enumerate(items(node)):
            inner(item, f"{field}[{at}]", notes)
            if distinct and isinstance(item, yaml.ScalarNode):
                if item.value in seen:
                    notes.say(item, f"{field}[{at}]", f"{_cut(item.value)} is in the list twice")
                seen.add(item.value)

    return check


def record(fields: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    """A mapping with these fields and no other."""

    def check(node: yaml.Node, field: str, notes: Notes) -> None:
        found = keys_of(node, field, notes)
        for key, value in found or ():
            path = f"{field}.{key.value}" if field else str(key.value)
            if key.value in fields:
                fields[key.value](value, path, notes)
            else:
                near = guess(key.value, fields)
                notes.say(key, path, f"unknown field{near or '; expected one of ' + ', '.join(fields)}")
        names = {key.value for key, _ in found or ()}
        for name in required:
            if found is not None and name not in names:
                notes.say(node, f"{field}.{name}" if field else name, "is missing")

    return check


def keys_of(node: yaml.Node, field: str, notes: Notes) -> list[tuple[yaml.Node, yaml.Node]] | None:
    """The pairs of a mapping whose keys are text and differ; what does not hold is told. None: it is no mapping."""
    if not isinstance(node, yaml.MappingNode) or not is_a(node, "map"):
        notes.wrong(node, field, "a mapping (name: value)")
        return None
    lines: dict[str, int] = {}
    good: list[tuple[yaml.Node, yaml.Node]] = []
    for key, value in pairs(node):
        if not is_a(key, "str"):
            notes.wrong(key, field, "text for a field's name")
        elif key.value in lines:
            path = f"{field}.{key.value}" if field else str(key.value)
            notes.say(key, path, f"is given twice, first in line {lines[key.value]}")
        else:
            lines[key.value] = notes.line(key)
            good.append((key, value))
    return good

"""Plain text, Markdown and code to blocks. The text stays as it is; blocks are where its lines say. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from alma.memory.knowledge.blocks import Block, BlockKind

_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,4}[.)])[ \t]")
_ROW = re.compile(r" {0,3}\|.*\||[^|\n]+(?:\|[^|\n]+)+$")
_RULER = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_DEFINITION = re.compile(
    r"(?:export |default |public |private |protected |static |async |pub(?:\([a-z]+\))? |abstract |final |unsafe )*"
    r"(?:def|class|function|func|fn|struct|enum|trait|impl|interface|type|module|namespace|CREATE|create|@\w|\[)"
)
Line = tuple[int, int, str]  # start, end without the line's end, its text


def plain(text: str) -> list[Block]:
    """Paragraphs, parted by lines that are empty."""
    return list(_paragraphs(_lines(text)))


def markdown(text: str) -> list[Block]:
    """Headings, paragraphs, lists, tables, code, as CommonMark and GitHub's tables have them in most documents."""
    lines = list(_lines(text))
    blocks: list[Block] = []
    index = 0
    if lines and lines[0][2].rstrip() == "---":  # front matter
        end = next((i for i, line in enumerate(lines[1:60], 1) if line[2].rstrip() in ("---", "...")), 0)
        if end:
            blocks.append(_block("code", lines[: end + 1]))
            index = end + 1
    while index < len(lines):
        taken, block = _markdown_block(lines, index)
        if block is not None:
            blocks.append(block)
        index += taken
    return blocks


def code(text: str) -> list[Block]:
    """By definitions at the left margin, and else by empty lines; what hangs together stays so."""
    blocks: list[Block] = []
    group: list[Line] = []
    for line in _lines(text):
        after_gap = bool(group) and not group[-1][2].strip()
        opens = bool(line[2]) and not line[2][0].isspace() and (after_gap or _DEFINITION.match(line[2]) is not None)
        if opens and any(one[2].strip() for one in group) and not _leads(group[-1][2]):
            blocks.append(_block("code", group))
            group = []
        group.append(line)
    if any(one[2].strip() for one in group):
        blocks.append(_block("code", group))
    return blocks


def _leads(line: str) -> bool:
    """A comment, decorator or attribute belongs to the definition below it."""
    return line.startswith(("#", "//", "/*", " *", "*", "--", "@"))


def _markdown_block(lines: list[Line], index: int) -> tuple[int, Block | None]:
    """The block that begins at a line: how many lines it takes, and it (None: an empty line)."""
    line = lines[index][2]
    if not line.strip():
        return 1, None
    if heading := _ATX.match(line):
        return 1, _block("heading", lines[index : index + 1], level=len(heading[1]))
    if fence := _FENCE.match(line):
        close = re.compile(rf" {{0,3}}{re.escape(fence[1][0])}{{{len(fence[1])},}}[ \t]*$")
        count = next((i for i in range(index + 1, len(lines)) if close.match(lines[i][2])), len(lines) - 1) - index + 1
        return count, _block("code", lines[index : index + count])
    if index + 1 < len(lines) and "|" in line and _RULER.match(lines[index + 1][2]) and "-" in lines[index + 1][2]:
        count = _while(lines, index + 2, lambda one: "|" in one) + 2
        head = lines[index + 1][1] - lines[index][0]
        return count, _block("table", lines[index : index + count], head=head)
    if _ITEM.match(line):
        count = _while(lines, index, lambda one: bool(one.strip()) and not _ATX.match(one) and not _FENCE.match(one))
        return count, _block("list", lines[index : index + count])
    count = 1
    while index + count < len(lines):
        following = lines[index + count][2]
        if count == 1 and (ruled := _SETEXT.match(following)):
            return 2, _block("heading", lines[index : index + 2], level=1 if ruled[1][0] == "=" else 2)
        if not following.strip() or _ATX.match(following) or _FENCE.match(following) or _ITEM.match(following):
            break
        count += 1
    return count, _block("paragraph", lines[index : index + count])


def _while(lines: list[Line], index: int, holds: Callable[[str], bool]) -> int:
    count = 0
    while index + count < len(lines) and holds(lines[index + count][2]):
        count += 1
    return count


def _paragraphs(lines: Iterator[Line]) -> Iterator[Block]:
    group: list[Line] = []
    for line in lines:
        if line[2].strip():
            group.append(line)
        elif group:
            yield _text_block(group)
            group = []
    if group:
        yield _text_block(group)


def _text_block(group: list[Line]) -> Block:
    return _block("list" if all(_ITEM.match(line[2]) for line in group) else "paragraph", group)


def _block(kind: BlockKind, lines: list[Line], level: int = 0, head: int = 0) -> Block:
    while not lines[-1][2].strip() and len(lines) > 1:
        lines = lines[:-1]
    return Block(kind, lines[0][0], lines[-1][1], level=level, head=head)


def _lines(text: str) -> Iterator[Line]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end, text[start:end]
        start = end + 1

"""From the bytes of a page to what a reader sees of it: title, headings, paragraphs, lists, the text of links. Pure.

It has a reader of tags of its own because the standard library's takes quadratic time on hostile pages (a megabyte of
`<!--` keeps Python 3.11's busy for more than a minute). This one looks at every character once or twice: what is opened
and never closed ends the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Literal

_HIDDEN = frozenset(["script", "style", "noscript", "template", "svg", "math", "iframe", "head"])
_RAW = {tag: re.compile(f"</{tag}(?=[\\s/>])", re.IGNORECASE | re.ASCII) for tag in ("script", "style", "textarea")}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS = ("ul", "ol", "li", "dl", "dt", "dd")
_TABLES = ("table", "tr", "td", "th")
_PARTS = ("article", "aside", "body", "div", "footer", "form", "header", "html", "main", "nav", "section")
_TEXTS = ("address", "blockquote", "br", "figcaption", "figure", "hr", "p", "pre")
_BLOCKS = frozenset([*_HEADINGS, *_LISTS, *_TABLES, *_PARTS, *_TEXTS])
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_STOP = re.compile("[\"'>]")
Token = tuple[Literal["text", "start", "end"], str]


def text_of_page(content: bytes, is_html: bool, charset: str | None) -> str:
    """`charset`: what the server said. An HTML page may say it itself; else it is UTF-8."""
    if charset is None and is_html and (named := _CHARSET.search(content[:2048])):
        charset = named[1].decode("ascii", "replace")
    try:
        text = content.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):  # a charset that Python does not know
        text = content.decode("utf-8", "replace")
    return _seen(text) if is_html else text


def _seen(source: str) -> str:
    """What is seen. `head` is hidden but for its title; a hidden element left open ends where `body` begins."""
    parts: list[str] = []
    title: list[str] = []
    hidden = ""  # the element that hides what is in it
    in_title = False
    for kind, value in _tokens(source):
        if kind == "text":
            if in_title:
                title.append(value)
            elif not hidden:
                parts.append(value)
            continue
        if value == "body":
            hidden, in_title = "", False
        elif value == "title":
            in_title = kind == "start" and not title
        elif kind == "end":
            hidden = "" if value == hidden else hidden
        elif value in _HIDDEN and not hidden:
            hidden = value
        if value in _BLOCKS and not hidden:
            parts.append("\n- " if (kind, value) == ("start", "li") else "\n")
    lines = (" ".join(line.split()) for line in html.unescape("".join(parts)).split("\n"))
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(line for line in lines if line != "-")).strip()
    name = " ".join(html.unescape("".join(title)).split())
    return f"{name}\n\n{body}".strip() if name else body


def _tokens(source: str) -> Iterator[Token]:
    """Texts and tags in order; comments and declarations are left out."""
    position = 0
    while (opened := source.find("<", position)) >= 0:
        if opened > position:
            yield "text", source[position:opened]
        tag = _TAG.match(source, opened)
        if tag is not None:
            position, empty = _end_of_tag(source, tag.end())
            name = tag[2].lower()
            if not (empty and name in _HIDDEN):  # <svg/> hides nothing
                yield ("end" if tag[1] else "start"), name
            if name in _RAW and not tag[1]:
                close = _RAW[name].search(source, position)
                position = close.start() if close else len(source)
        elif source.startswith("<!--", opened):
            position = _after(source, "-->", opened + 4)
        elif source.startswith(("<!", "<?", "</"), opened):
            position = _after(source, ">", opened + 2)
        else:
            yield "text", "<"
            position = opened + 1
    if position < len(source):
        yield "text", source[position:]


def _after(source: str, mark: str, position: int) -> int:
    found = source.find(mark, position)
    return found + len(mark) if found >= 0 else len(source)


def _end_of_tag(source: str, position: int) -> tuple[int, bool]:
    """Where the tag has ended, and whether it ended with `/>`. A > in quotes does not end it."""
    while (stop := _STOP.search(source, position)) is not None:
        if stop[0] == ">":
            return stop.end(), source[stop.start() - 1] == "/"
        position = _after(source, stop[0], stop.end())
    return len(source), False

"""The JSON in an answer that should have been nothing but JSON: without prose before it, code fence around it, or
remarks behind it. Works on the stream, so that the object is shown while it comes. Pure.

An endpoint that obeys a schema begins with the object, and nothing is held back. One that was only asked in words, or
ignores the schema, mostly puts something around it. Whether the object fits is for who asked to check.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from alma.models.chat import Chunk

_BEGIN = re.compile(r'\{\s*["}]')
_MARK = re.compile(r'["\\{}\[\]]')
_LOOK_BACK = 256  # characters: the white space that may stand between a brace and what shows that it begins an object


class JsonAnswer:
    """`feed` every chunk, then take `rest()`; both give what is to be passed on. Thoughts all are."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._tail = ""  # of what is held
        self._tokens = 0
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self._begun = False
        self._ended = False

    def feed(self, chunk: Chunk) -> Chunk | None:
        """What of a chunk is to be passed on. Tokens of what is dropped count with what follows."""
        text = self._of(chunk.text) if chunk.text else ""
        if not text and not chunk.reasoning:
            self._tokens += chunk.tokens
            return None
        tokens, self._tokens = self._tokens + chunk.tokens, 0
        return replace(chunk, text=text, tokens=tokens)

    def rest(self) -> Chunk | None:
        """All that came, when there was no object in it."""
        if not self._held:
            return None
        text, self._held = "".join(self._held), []
        return Chunk(text=text, tokens=max(1, self._tokens))

    def _of(self, text: str) -> str:
        if self._begun:
            return self._inside(text) if not self._ended else ""
        seen = self._tail + text
        begin = _BEGIN.search(seen)
        if begin is None:
            self._held.append(text)
            self._tail = seen[-_LOOK_BACK:]
            return ""
        self._begun = True
        self._held.clear()
        return self._inside(seen[begin.start() :])

    def _inside(self, text: str) -> str:
        at = 0
        if self._escaped and text:
            self._escaped, at = False, 1
        while found := _MARK.search(text, at):
            mark, at = found[0], found.end()
            if mark == "\\":
                if self._quoted:
                    self._escaped = at == len(text)
                    at += 1
            elif mark == '"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self._depth += 1 if mark in "{[" else -1
                if self._depth == 0:
                    self._ended = True
                    return text[:at]
        return text

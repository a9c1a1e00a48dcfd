"""Frames for the WebSocket that are wrong in every way a frame can be: made from the types of the commands themselves,
so that a new command is fuzzed as soon as it exists. Pure, from a seed.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect

from alma.server import commands
from bench import naughty

_DEEP = (10, 70, 600, 50_000)
_EXTREMES = (0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 2**64, 10**40, 0.5, -0.0, 1e308, 1e-320)
_SCRATCHES = (*naughty.CONTROLS, '"', "{", "\\", "\\ud800", "\\u0000")


class Frames:
    """`ids`: that a client may know, its own and those of others; `models`: names of models that answer."""

    def __init__(self, seed: int, ids: Sequence[str], models: Sequence[str]) -> None:
        self._chance = random.Random(seed)
        self.ids = list(ids)
        self._models = list(models)
        self._types = [inspect.type_info(command) for command in commands.ALL]
        self._number = 0

    def next(self) -> str | bytes:
        """Text as a rule; bytes for a binary frame."""
        chance = self._chance.random()
        if chance < 0.02:
            return self._chance.choice((b"", b"\x00\xff", b'{"type":"ping","id":"b"}', self._chance.randbytes(200)))
        if chance < 0.05:
            return self._chance.choice(naughty.ALL)
        if chance < 0.07:
            return self._deep()
        command = self._command()
        for _ in range(self._chance.choice((0, 0, 0, 1, 1, 1, 2, 4))):
            self._mutate(command)
        text = json.dumps(command, ensure_ascii=self._chance.random() < 0.5)
        return self._scratch(text) if self._chance.random() < 0.1 else _sendable(text)

    # ── commands as they should be ────────────────────────────────────────────────────────────────────────────────

    def _command(self) -> dict[str, Any]:
        self._number += 1
        struct = self._chance.choice(self._types)
        assert isinstance(struct, inspect.StructType)
        made = self._struct(struct)
        made["id"] = f"f{self._number}"
        return made

    def _struct(self, info: inspect.StructType) -> dict[str, Any]:
        made: dict[str, Any] = {} if info.tag is None else {str(info.tag_field): info.tag}
        for field in info.fields:
            if field.required or self._chance.random() < 0.5:
                made[field.encode_name] = self._value(field.type, field.encode_name)
        return made

    def _value(self, kind: inspect.Type, name: str) -> Any:
        match kind:
            case inspect.StructType():
                return self._struct(kind)
            case inspect.UnionType():
                return self._value(self._chance.choice(kind.types), name)
            case inspect.Metadata():
                return self._value(kind.type, name)
            case inspect.NoneType():
                return None
            case inspect.BoolType():
                return self._chance.random() < 0.5
            case inspect.IntType():
                return self._chance.choice((0, 1, 2, 5, 100))
            case inspect.FloatType():
                return self._chance.choice((0.0, 1.0, 0.5, 30.0))
            case inspect.StrType():
                return self._text(name)
            case inspect.LiteralType():
                return self._chance.choice(kind.values)
            case inspect.EnumType():
                return self._chance.choice([one.value for one in kind.cls])
            case inspect.ListType():
                return [self._value(kind.item_type, name) for _ in range(self._chance.randint(0, 3))]
            case inspect.DictType():
                keys = [self._text(name) for _ in range(self._chance.randint(0, 3))]
                return {key: self._value(kind.value_type, name) for key in keys}
            case _:
                raise NotImplementedError(f"no values are made of {kind}")

    def _text(self, name: str) -> str:
        if name == "model":
            return self._chance.choice(self._models)
        if name.lower().endswith("id") or name in ("cursors", "messages"):
            return self._chance.choice(self.ids)
        if name == "key":
            return f"k{self._chance.randint(0, 10**9)}"
        return self._chance.choice(("Tell me about rain.", "Compare tea, coffee and water.", *naughty.UNICODE))

    # ── and as they should not ────────────────────────────────────────────────────────────────────────────────────

    def _mutate(self, command: dict[str, Any]) -> None:
        """One thing wrong, at some depth."""
        place: Any = command
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                return
            key = self._chance.choice(keys)
            if isinstance(place[key], dict | list) and self._chance.random() < 0.6:
                place = place[key]
                continue
            break
        match self._chance.randint(0, 6):
            case 0:
                del place[key]
            case 1:
                place[key] = self._wrong()
            case 2 if isinstance(place, dict):
                place[self._chance.choice(naughty.ALL)] = place.pop(key)
            case 3 if isinstance(place, dict):
                place[f"more{self._chance.randint(0, 9)}"] = self._wrong()
            case 4 if isinstance(place, list):
                place.extend(copy.deepcopy(place[key]) for _ in range(self._chance.choice((1, 50, 2000))))
            case 5 if isinstance(place[key], str):
                place[key] = place[key] + self._chance.choice(naughty.ALL)
            case _:
                place[key] = self._chance.choice(naughty.ALL)

    def _wrong(self) -> Any:
        return self._chance.choice(
            (
                None,
                True,
                [],
                {},
                [[[[]]]],
                {"a": {"b": []}},
                *_EXTREMES,
                self._chance.choice(naughty.ALL),
                self._chance.choice(self.ids),
                [self._chance.choice(naughty.ALL)] * 3,
            )
        )

    def _deep(self) -> str:
        depth = self._chance.choice(_DEEP)
        head, tail = self._chance.choice((("[", "]"), ('{"a":', "}")))
        inner = head * depth + "1" + tail * depth
        return inner if self._chance.random() < 0.5 else f'{{"type":"ping","id":"d","x":{inner}}}'

    def _scratch(self, text: str) -> str:
        """The text itself damaged, not what it says."""
        at = self._chance.randrange(len(text)) if text else 0
        match self._chance.randint(0, 5):
            case 0:
                text = text[:at]
            case 1:
                text = (
                    text[:at]
                    + self._chance.choice((*naughty.CONTROLS, '"', "{", "\\", "\\ud800", "\\u0000"))
                    + text[at:]
                )
            case 2:
                text = text + text
            case 3:
                text = text[:at] + text[at + 1 :]
            case 4:
                text = text.replace('"id"', '"id":"first","id"', 1)
            case _:
                text = text.replace(":", ":" + " " * self._chance.choice((1, 10_000)), 1)
        return _sendable(text)


def _sendable(text: str) -> str:
    """A text frame is UTF-8: half of a pair cannot be sent, only written as an escape."""
    return text.encode("utf-8", "replace").decode()


def known_ids(entries: Sequence[dict[str, Any]]) -> list[str]:
    """All that looks like an id in what a server has said."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                if isinstance(one, str) and key.lower().endswith("id"):
                    found.add(one)
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(msgspec.to_builtins(list(entries)))
    return sorted(found)

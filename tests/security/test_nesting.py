"""How deep JSON is, against a decoder that says so by trying."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.security.nesting import too_deep

_json = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\ a,:\n', max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\', max_size=5), inner, max_size=4),
    max_leaves=40,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(_json, st.booleans())
def test_it_is_exact_for_json(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    deep = depth(value)
    for most in range(deep + 2):
        assert too_deep(text, most) == (deep > most)
        assert too_deep(text.encode(), most) == (deep > most)


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("[" * 100_000, True),
        ('{"a":' * 100_000, True),
        ('{"a":"' + "[" * 100_000 + '"}', False),
        ('{"a":"\\"' + "[" * 100_000 + '"}', False),
        ('{"a":"\\\\",' + '"b":[' * 100 + '"', True),
        ("[]" * 100_000, False),
        ("]" * 100_000, False),
        ('"', False),
        ("", False),
        ("[" * 64 + '"' + "[" * 100_000, False),
        (" " * 70_000 + '"' + "[" * 100_000 + '"' + "[" * 65, True),  # a string over several pieces
    ],
)
def test_what_is_no_json_is_looked_at_the_same_way(text: str, deep: bool) -> None:
    assert too_deep(text, 64) == deep

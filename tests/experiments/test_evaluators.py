"""Evaluators give scores from 0 to 1, or say why there is none; whatever a plug-in does stays in its cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.errors import EmbedderUnavailable
from alma.experiments.dataset import Row
from alma.experiments.evaluators import Evaluators, exact, numeric, read_verdict, regex, schema
from alma.experiments.spec import Plugin, Similarity

ROW = Row("t", "Paris")


class Words:
    """As vectors: which of the letters are in a text."""

    async def embed(self, texts: list[str], *, urgent: bool = True) -> np.ndarray:
        found = np.array([[float(chr(97 + at) in text) for at in range(26)] for text in texts], np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


class Absent:
    async def embed(self, texts: list[str], *, urgent: bool = True) -> np.ndarray:
        raise EmbedderUnavailable("There is no embedding model.")


def test_exact() -> None:
    assert exact(ROW, "  paris\n").value == 1
    assert exact(ROW, "paris", case=True).value == 0
    assert exact(Row("t"), "x").value is None


def test_regex() -> None:
    assert regex(ROW, "It is Paris.", None).value == 1
    assert regex(ROW, "It is Rome.", "^It").value == 1
    assert regex(Row("t", "("), "(", None).value is None


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [
        ("42", "The answer is 42.", 1),
        ("42", "From 1 to 21", 0),
        ("1234.5", "1,234.5 in all", 1),
        ("-3", "minus: −3", 1),
        ("100", "about 104", 1),
        ("100", "none", 0),
        ("none", "1", None),
    ],
)
def test_numeric(expected: str, answer: str, value: float | None) -> None:
    assert numeric(Row("t", expected), answer, 0.0, 0.05).value == value


def test_schema() -> None:
    wanted = {"type": "object", "required": ["city"]}
    assert schema('{"city": "Paris"}', wanted).value == 1
    found = schema("Paris", wanted)
    assert found.value == 0
    assert found.why


async def test_similarity() -> None:
    near = await Evaluators([Similarity(type="similarity")], Words(), Path()).scores(ROW, "arise")
    assert 0.8 < (near["similarity"].value or 0) < 1
    gone = await Evaluators([Similarity(type="similarity")], Absent(), Path()).scores(ROW, "x")
    assert gone["similarity"].value is None
    assert "no embedding model" in gone["similarity"].why


@pytest.mark.parametrize(
    ("body", "value", "why"),
    [
        ("return len(answer) / 10", 0.5, ""),
        ("return answer == expected", 0.0, ""),
        ("return 1, 'because'", 1.0, "because"),
        ("raise KeyError('x')", None, "raised KeyError"),
        ("return float('nan')", None, "no number"),
        ("return 7", None, "not from 0 to 1"),
        ("return 'good'", None, "no number"),
        ("return (", None, "SyntaxError"),
    ],
)
async def test_plug_ins(tmp_path: Path, body: str, value: float | None, why: str) -> None:
    (tmp_path / "mine.py").write_text(f"def score(task, expected, answer):\n    {body}\n")
    evaluators = Evaluators([Plugin(type="plugin", file="mine.py")], Words(), tmp_path)
    found = (await evaluators.scores(ROW, "Hello"))["plugin"]
    assert found.value == value
    assert why in found.why


async def test_a_plug_in_that_is_not_there(tmp_path: Path) -> None:
    for file, function in (("gone.py", "score"), ("there.py", "other")):
        (tmp_path / "there.py").write_text("x = 1\n")
        found = await Evaluators([Plugin(type="plugin", file=file, function=function)], Words(), tmp_path).scores(
            ROW, "x"
        )
        assert found["plugin"].value is None
        assert "cannot be used" in found["plugin"].why


def test_what_a_judge_says() -> None:
    assert read_verdict('Well. {"better": "first"}') == "first"
    assert read_verdict('{"better": "tie", "why": "same"}') == "tie"
    for said in (
        "",
        "first",
        '{"better": "third"}',
        '{"better": "first"} {"better": "second"}',
        "{]",
        '{"better": []}',
    ):
        assert read_verdict(said) == ""


@given(st.text())
def test_no_answer_is_a_bug(text: str) -> None:
    row = Row("t", text)
    for found in (exact(row, text), numeric(row, text, 0, 0), schema(text, {"type": "object"})):
        assert found.value is None or 0 <= found.value <= 1
    assert read_verdict(text) in ("", "first", "second", "tie")

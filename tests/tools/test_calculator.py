"""The calculator agrees with Python on all that is arithmetic, and refuses the rest at once."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.tools.fault import ToolFault
from alma.tools.shipped.calculator import calculator, evaluate
from bounded import within

NUMBERS = st.integers(0, 10**6).map(str) | st.floats(0, 1e6, allow_nan=False).map(repr)
NAMES = {"sqrt": math.sqrt, "floor": math.floor, "ceil": math.ceil, "exp": math.exp, "sin": math.sin, "cos": math.cos}
KNOWN = {**NAMES, "abs": abs, "min": min, "max": max, "round": round, "pi": math.pi, "e": math.e}


def bigger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
        st.tuples(inner, st.integers(-4, 4)).map(lambda parts: f"({parts[0]})**({parts[1]})"),
        inner.map(lambda part: f"-({part})"),
        st.tuples(st.sampled_from([*NAMES, "abs", "round"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
    )


@given(st.recursive(NUMBERS | st.sampled_from(["pi", "e"]), bigger, max_leaves=6))
def test_it_computes_what_python_computes(expression: str) -> None:
    try:
        expected = eval(expression, {"__builtins__": {}}, KNOWN)
    except (ArithmeticError, ValueError):
        expected = None
    if isinstance(expected, complex) or (isinstance(expected, float) and not math.isfinite(expected)):
        expected = None
    try:
        value = evaluate(expression)
    except ToolFault:
        assert expected is None or len(expression) > 1000 or abs(expected) > 1e300 or "inf" in expression
        return
    assert expected is not None
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 2 =", "4"),
        ("0.1 + 0.2", "0.3"),
        ("10 / 4", "2.5"),
        ("10 / 5", "2"),
        ("2 ^ 10", "1024"),
        ("3 × 4 − 1", "11"),
        ("15%", "0.15"),
        ("200 * 15%", "30"),
        ("15% * 200 + 1", "31"),
        ("200 * 15% + 3", "33"),
        ("1e2% * 5", "5"),
        ("(7 % 3)", "1"),
        ("7 % (-3)", "-2"),
        ("log(8, 2)", "3"),
        ("round(2.567, 1)", "2.6"),
        ("2 ** 200", str(2**200)),
        ("1_000 * 2", "2000"),
    ],
)
def test_it_takes_what_people_write(expression: str, value: str) -> None:
    assert calculator(expression) == value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("9**9**9", "more than 1,233 digits"),
        ("9**9**9**9**9", "more than 1,233 digits"),
        ("10**1000 * 10**1000", "more than 1,233 digits"),
        ("-".join(["1"] * 600), "at most 1,000"),
        ("(" * 400 + "1" + ")" * 400, "cannot be computed"),
        ("1/0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("sqrt(-1)", "cannot be computed"),
        ("(-8) ** 0.5", "not a real number"),
        ("exp(10000)", "too large"),
        ("1e308 * 10", "too large"),
        ("12,000 + 1", "comma"),
        ("x + 1", "'x' is not known"),
        ("open('f')", "'open' is not known"),
        ("().__class__", "not arithmetic"),
        ("[1][0]", "not arithmetic"),
        ("'a' * 9", "not arithmetic"),
        ("True + 1", "not arithmetic"),
        ("1 if 2 else 3", "not arithmetic"),
        ("(lambda: 1)()", "not arithmetic"),
        ("1 << 5", "not arithmetic"),
        ("sqrt(1, 2)", "takes one number"),
        ("round(1, 2.5)", "how many digits"),
        ("15%-3", "percent or a remainder"),
        ("2 +", "cannot be computed"),
        ("", "empty"),
        ("\x00", "cannot be computed"),
        ("1j", "not arithmetic"),
    ],
)
def test_it_refuses_the_rest_with_a_sentence_and_at_once(expression: str, says: str) -> None:
    def refuse() -> None:
        with pytest.raises(ToolFault, match=says):
            calculator(expression)

    assert within(0.2, refuse)

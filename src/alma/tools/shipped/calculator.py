"""A calculator: arithmetic as Python writes it, evaluated by walking its syntax tree. Nothing of Python is run.

Whatever is not in the tables below is refused, and every step is bounded, so that no expression takes long: an integer
has at most `MAX_BITS` bits, which is looked at before a power or a shift of magnitude is computed and not after it.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from typing import cast

from alma.tools.fault import ToolFault
from alma.tools.tool import tool

MAX_LENGTH = 1000  # characters of an expression
MAX_BITS = 4096  # of an integer: 1,233 digits
Number = int | float

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: lambda a: a, ast.USub: lambda a: -a}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_OF_ONE: dict[str, Callable[[float], Number]] = {
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "log10": math.log10,
    "log2": math.log2,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "degrees": math.degrees,
    "radians": math.radians,
}
_TAKES = dict.fromkeys(_OF_ONE, "It takes one number.") | {
    "abs": "It takes one number.",
    "round": "It takes a number and, if wanted, how many digits to keep (a whole number up to 400).",
    "log": "It takes a number and, if wanted, the base.",
    "min": "It takes two numbers or more.",
    "max": "It takes two numbers or more.",
}
# What people and models write for what Python writes.
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "^": "**"})
# A number with % and no number after it: 15%, 200 * 15% + 3. In Python that would be an error, or, before a sign, the
# remainder of a division by +3, which nobody means; where a sign sticks to the next number, either may be meant.
_NUMBER = r"(?<![\w.])(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"
_PERCENT = re.compile(_NUMBER + r"\s*%(?=\s*(?:$|[*/),]|[-+]\s))")
_UNCLEAR = re.compile(_NUMBER + r"\s*%\s*[-+]")


@tool(idempotent=True, outside="")
def calculator(expression: str) -> str:
    """Compute an arithmetic expression exactly. Knows + - * / // % **, parentheses, percent (15%), pi, e and the
    functions sqrt, abs, round, floor, ceil, min, max, exp, log, log10, log2, sin, cos, tan, asin, acos, atan (radians),
    degrees, radians.

    expression: what to compute, for example (1200 * 0.32 + 45) / 12
    """
    return _shown(evaluate(expression))


def evaluate(expression: str) -> Number:
    """The value. Raises `ToolFault` with a sentence about what is wrong."""
    if len(expression) > MAX_LENGTH:
        raise ToolFault(f"The expression has {len(expression):,} characters; at most {MAX_LENGTH:,} are taken.")
    source = _PERCENT.sub(r"(\1/100)", expression.strip().removesuffix("=").translate(_SIGNS))
    if not source.strip():
        raise ToolFault("The expression is empty.")
    if unclear := _UNCLEAR.search(source):
        raise ToolFault(
            f"{unclear[0]!r} may be percent or a remainder. Write ({unclear[1]}/100) for percent, and the divisor of a "
            "remainder in parentheses."
        )
    try:
        return _value(ast.parse(source.strip(), mode="eval").body)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise ToolFault(f"{expression[:80]!r} cannot be computed: {what or 'it is nested too deeply'}.") from None
    except ZeroDivisionError:
        raise ToolFault(f"{expression[:80]!r} divides by zero.") from None
    except OverflowError:
        raise ToolFault(f"The value of {expression[:80]!r} is too large.") from None


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return _bounded(cast(Number, node.value))
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            return _bounded(_BINARY[type(operation)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _TAKES:
            return _called(name, [_value(argument) for argument in arguments])
        case ast.Tuple():
            raise ToolFault("There is a comma in a number. Write thousands without one: 12000, not 12,000.")
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            known = ", ".join([*_CONSTANTS, *_TAKES])
            raise ToolFault(f"{name!r} is not known here. Known are numbers, + - * / // % ** and: {known}.")
        case _:
            raise ToolFault(f"{ast.unparse(node)[:80]!r} is not arithmetic. Write numbers, + - * / // % ** and ( ).")


def _bounded(value: Number) -> Number:
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise ToolFault("A number on the way has more than 1,233 digits, which is more than is computed here.")
    elif not math.isfinite(value):
        raise OverflowError
    return value


def _power(base: Number, exponent: Number) -> Number:
    # Each factor adds at least bit_length() - 1 bits.
    if (
        isinstance(base, int)
        and isinstance(exponent, int)
        and (abs(base).bit_length() - 1) * exponent > MAX_BITS  # no bits to speak of where one of them is below 2
    ):
        raise ToolFault(f"{_shown(base)[:40]} ** {_shown(exponent)[:40]} has more than 1,233 digits.")
    value = cast(Number | complex, base**exponent)
    if isinstance(value, complex):
        raise ToolFault(f"{_shown(base)} ** {_shown(exponent)} is not a real number.")
    return _bounded(value)


def _called(name: str, arguments: list[Number]) -> Number:
    match name, arguments:
        case _, [one] if name in _OF_ONE:
            return _bounded(_OF_ONE[name](one))
        case "abs", [one]:
            return abs(one)
        case "round", [one]:
            return round(one)
        case "round", [one, int(digits)] if abs(digits) <= 400:
            return round(one, digits)
        case "log", [one]:
            return math.log(one)
        case "log", [one, base]:
            return math.log(one, base)
        case "min", [_, _, *_]:
            return min(arguments)
        case "max", [_, _, *_]:
            return max(arguments)
        case _:
            raise ToolFault(f"{name} does not take {', '.join(map(_shown, arguments)) or 'nothing'}. {_TAKES[name]}")


def _shown(value: Number) -> str:
    """A float that is a sum of decimals in disguise is shown without its last bit: 0.1 + 0.2 is 0.3."""
    if isinstance(value, int):
        return str(value)
    short = float(f"{value:.15g}")
    return repr(int(short)) if short.is_integer() and abs(short) < 1e15 else repr(short)

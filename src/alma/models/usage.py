"""What a call used: what its endpoint says, held against what Alma counts itself. Pure.

An endpoint's numbers are believed unless they cannot be true. They may be higher than Alma's own: templates, tools and
hidden thoughts are tokens too. The bounds are wide, because they are to catch lies and bugs, not to bargain.
"""

from __future__ import annotations

from typing import Any, cast

from msgspec import Struct

from alma.model_call import Usage

LESS, MORE = 0.3, 3.0  # times Alma's own count
SLACK = 2  # tokens below, of an answer
TEMPLATE = 1024  # tokens above: what a chat template and a provider's own instructions may add
_MOST = 1 << 40


class Reported(Struct, frozen=True):
    """As the endpoint says it. `hidden`: of the output, thoughts that were not sent. `odd`: some of it is no number of
    tokens."""

    input: int = 0
    output: int = 0
    cached: int = 0
    hidden: int = 0
    odd: bool = False

    @property
    def usage(self) -> Usage:
        return Usage(self.input, self.output, self.cached, doubted=self.odd)


def read_usage(said: Any) -> Reported | None:
    """The `usage` of a reply; None when there is none."""
    if not said:
        return None
    if not isinstance(said, dict):
        return Reported(odd=True)
    fields = cast("dict[str, Any]", said)
    numbers = [
        _tokens(fields.get("prompt_tokens")),
        _tokens(fields.get("completion_tokens")),
        _tokens(_within(fields, "prompt_tokens_details", "cached_tokens")),
        _tokens(_within(fields, "completion_tokens_details", "reasoning_tokens")),
    ]
    known = [number or 0 for number in numbers]
    odd = None in numbers or known[2] > known[0] or known[3] > known[1]
    return Reported(*known, odd=odd)


def settle(reported: Reported | None, own: Usage, extra: int, max_tokens: int) -> Usage:
    """What is taken to have been used: the endpoint's numbers, or `own` when it sent none (`estimated`) or none that
    can be true (`doubted`). `extra`: tokens of tools and schema, which may be part of the prompt. `max_tokens`: what
    the answer was limited to; hidden thoughts may have filled it."""
    if reported is not None and not reported.odd and _believable(reported, own, extra, max_tokens):
        return reported.usage
    doubted = reported is not None
    return Usage(own.input_tokens + extra, own.output_tokens, estimated=not doubted, doubted=doubted)


def _believable(reported: Reported, own: Usage, extra: int, max_tokens: int) -> bool:
    seen = reported.output - reported.hidden
    return (
        reported.input > 0
        and LESS * own.input_tokens <= reported.input <= MORE * (own.input_tokens + extra) + TEMPLATE
        and (reported.output > 0 or own.output_tokens == 0)
        and LESS * own.output_tokens - SLACK <= seen
        and reported.output <= max(MORE * own.output_tokens, max_tokens) + 64
    )


def _within(fields: dict[str, Any], outer: str, inner: str) -> Any:
    details = fields.get(outer)
    return cast("dict[str, Any]", details).get(inner) if isinstance(details, dict) else None


def _tokens(value: Any) -> int | None:
    """A number of tokens, 0 when it is not there; None when it is something else."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
        return None
    return int(value)

"""How the members of a pool are, in one sentence each, for the error when none of them can answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf

from alma.errors import EndpointError, EndpointUnreachable
from alma.models.choice import Member


def nobody(
    name: str, waits: Sequence[tuple[Member, float]], asked: Collection[str], last: EndpointError | None
) -> EndpointError:
    """The error for a pool called `name` whose members take calls again after so many seconds (inf: never). `asked`:
    who was asked now, `last`: what came of it. Its kind is that of the member which can be asked soonest; `retry_after`
    is when. Where nobody was asked it says so: such a call costs nothing."""
    soonest = min((wait for _, wait in waits), default=inf)
    news = [(wait, _why(member)) for member, wait in waits if wait > 0 or member.name in asked]
    known = [error for _, error in sorted(news, key=lambda pair: pair[0]) if error is not None]
    error = next((error for error in known if error.retryable), None) or last or next(iter(known), None)
    said = "; ".join(_how(member, wait, member.name in asked) for member, wait in waits)
    alone = len(waits) == 1
    return (type(error) if error is not None else EndpointUnreachable)(
        f"{waits[0][0].name} cannot be asked now: {said}."
        if alone
        else f"No endpoint of {name} can answer now: {said}.",
        endpoint=waits[0][0].name if alone else name,
        status=error.status if error is not None else None,
        retry_after=soonest if 0 < soonest < inf else None,
        expected=error.expected if error is not None and alone else None,
        actual=error.actual if error is not None and alone else None,
        hint=error.hint
        if error is not None and (alone or not error.retryable)
        else "See the endpoints' states; connect another one, or wait.",
        sent=bool(asked),
    )


def _why(member: Member) -> EndpointError | None:
    """What shut it counts; what became of the calls that were under way then does not."""
    return member.traffic.trouble or member.traffic.last_error


def _how(member: Member, wait: float, asked: bool) -> str:
    if member.traffic.closed:
        return f"{member.name} was removed"
    error = _why(member)
    why = f" ({error.message.removesuffix('.')})" if error is not None else ""
    if wait > 0:
        return f"{member.name} gets nothing for {_shown(wait)}{why}"
    return f"{member.name} failed{why}" if asked else f"{member.name} was not asked"


def _shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

"""Breaking what keeps the promises, to see the simulation find out. Nothing but the simulation ever does this.

Each name is one safeguard: `fence` (a stale worker's appends are refused), `cas` (a decision is written only on the log
that it was made of), `once` (what an earlier activation has done is handed to the next one).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any, Literal, get_args

from msgspec.structs import replace

import alma.engine.journal
import alma.engine.worker

Safeguard = Literal["fence", "cas", "once"]
SAFEGUARDS: tuple[Safeguard, ...] = get_args(Safeguard)
_REFUSAL = "_refusal"  # of an append: what fence and head are checked by


@contextlib.contextmanager
def without(safeguard: Safeguard) -> Generator[None]:
    """Take the safeguard out until the end of the block."""
    place: Any = alma.engine.worker if safeguard == "once" else alma.engine.journal
    name = "brief" if safeguard == "once" else _REFUSAL
    whole: Callable[..., Any] = getattr(place, name)
    setattr(place, name, _forgetful(whole) if safeguard == "once" else _blind(whole, safeguard))
    try:
        yield
    finally:
        setattr(place, name, whole)


def _forgetful(brief: Callable[..., Any]) -> Callable[..., Any]:
    """Every activation begins from nothing."""
    return lambda *given: replace(brief(*given), steps={}, calls=[])


def _blind(refusal: Callable[..., Any], safeguard: Safeguard) -> Callable[..., Any]:
    """Refuse as before, but look neither at the fence or (`cas`) at the head."""
    field = "fence" if safeguard == "fence" else "head"

    def refuse(append: Any, head: object) -> object:
        return refusal(replace(append, **{field: None}), head)

    return refuse

"""What a user's next step says of an answer: that it was asked again, put in other words, or corrected.

Written in the transaction in which that step's run begins, so that what is acknowledged has been heard, once, whatever
ends then. Plain functions on a connection.
"""

from __future__ import annotations

import sqlalchemy as sa

from alma.db.tables import entries
from alma.engine.journal import append_in, decode_entry
from alma.events import MessageFinished, Recorded, RunFinished, RunStarted, Signaled
from alma.learned import SignalName
from alma.learning.reward import SIGNALS
from alma.session.follow_ups import corrects, says_wrong
from alma.session.threads import find_run

MOST_SIGNALS = 100  # of one run
_LOOKED_AT = 2 * MOST_SIGNALS  # of the last entries of a run


def hear(connection: sa.Connection, run_id: str, started: RunStarted) -> Recorded | None:
    """What the run that begins says of the one that it does again, or follows: written there. As a rule nothing."""
    if started.trial is not None or started.fork is not None:
        return None
    again = started.of_run_id
    of = again or (started.parent_run_id if says_wrong(started.text) else None)
    if of is None:
        return None
    turn = find_run(connection, started.owner, of)
    ended, said = _last(connection, of)
    signal: SignalName = "retried" if started.text.strip() == turn.text.strip() else "resent"
    if again is None:
        if ended is None or not corrects(started.text, started.at - ended):
            return None
        signal = "corrected"
    if len(said) >= MOST_SIGNALS:
        return None
    at = max([started.at, *(one.at for one in said)])
    value, key = SIGNALS[signal].usual, started.key or ""
    return append_in(connection, of, [Signaled(at=at, signal=signal, value=value, other=run_id, key=key)])[0]


def _last(connection: sa.Connection, run_id: str) -> tuple[float | None, list[Signaled]]:
    """When a run last answered, and what was said since."""
    newest = sa.select(entries.c.data).where(entries.c.run_id == run_id).order_by(entries.c.seq.desc())
    said: list[Signaled] = []
    for data in connection.execute(newest.limit(_LOOKED_AT)).scalars():
        entry = decode_entry(data)
        if isinstance(entry, RunFinished | MessageFinished):
            return entry.at, said
        if isinstance(entry, Signaled):
            said.append(entry)
    return None, said

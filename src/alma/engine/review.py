"""Sending work back: what follows when a critic is not content. Pure.

The work is done again as a new task, which gets the old result and the critique; the critic judges that again. Whoever
waited for the old work or its verdict waits for the new ones. After a bounded number of rounds the work stands.
"""

from __future__ import annotations

import msgspec

from alma.engine.state import RunState, TaskState
from alma.events import AgentMessage, JournalEntry, PlanAmended
from alma.plan import MAIN, PlanTask, child_id, parent_of


class Verdict(msgspec.Struct):
    """What a critic answers, by its role's output schema."""

    verdict: str = "accept"
    notes: str = ""


def read_verdict(text: str) -> Verdict:
    """A text that is not the JSON asked for counts as acceptance: a critic that cannot speak must not stop the work."""
    try:
        return msgspec.json.decode(text, type=Verdict)
    except msgspec.MsgspecError:
        return Verdict(notes=text)


def send_back(state: RunState, critic: TaskState, text: str, max_reviews: int, at: float) -> list[JournalEntry]:
    """The entries that follow from the verdict `text`: none when the work is accepted or has come back often enough."""
    spec = critic.spec
    assert spec is not None
    judged = state.tasks.get(spec.review_of or "")
    verdict = read_verdict(text)
    if judged is None or judged.spec is None or verdict.verdict != "revise" or spec.round >= max_reviews:
        return []
    parent_id = parent_of(critic.id) or MAIN
    number = state.tasks[parent_id].next_child
    again = PlanTask(
        id=child_id(parent_id, number),
        role=judged.role,
        goal=judged.spec.goal,
        title=f"{judged.spec.title or judged.spec.goal}, revised"[:60],
        depends_on=[judged.id],
        inputs=judged.spec.inputs,
        expected=judged.spec.expected,
        done_when=judged.spec.done_when,
        model=judged.model,
        round=spec.round + 1,
    )
    review = msgspec.structs.replace(
        spec,
        id=child_id(parent_id, number + 1),
        depends_on=[again.id],
        review_of=again.id,
        round=spec.round + 1,
        tokens=0,
    )
    critique = AgentMessage(
        at=at,
        task_id=critic.id,
        sender=critic.role,
        recipient=again.id,
        kind="critique",
        text=verdict.notes or "Please revise this.",
        refs=[judged.id],
    )
    amended = PlanAmended(
        at=at,
        task_id=parent_id,
        add=[again, review],
        replace={judged.id: again.id, critic.id: review.id},
        reason=f"The critic sent task {judged.id} back: {verdict.notes}"[:300],
    )
    return [amended, critique]

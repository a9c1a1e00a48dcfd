"""Budgets as arithmetic: whatever is asked at whatever time, nothing is overspent and nothing stays held."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alma.engine.budget import (
    LEAST_TOKENS,
    Busy,
    Call,
    Granted,
    Limits,
    Refused,
    Room,
    day_of,
    grant,
    is_spent,
    rooms_of,
    share,
    spent_by,
    tightest,
)
from alma.engine.ledger import Ledger
from alma.engine.state import NOTHING, Spent, TaskState
from alma.events import AttemptFailed, ErrorFacts, MessageFinished, MessageStarted, Recorded, TaskFinished
from alma.model_call import CacheHit, Paid, Timing, Usage
from alma.models.endpoints import Price
from alma.plan import MAIN, PlanTask

PRICES = st.builds(Price, st.floats(0, 100), st.floats(0, 100))
CALLS = st.builds(Call, st.integers(1, 3000), st.integers(1, 2000), PRICES)
AMOUNTS = st.builds(Limits, st.integers(0, 20_000), st.floats(0, 100), st.floats(0, 0.5))


def test_a_call_gets_what_it_asks_for_where_there_is_room() -> None:
    call = Call(100, 500, Price(1.0, 2.0))
    assert grant([], call) == Granted(500)
    assert grant([Room("run", "tokens", 600, 0)], call) == Granted(500)
    assert grant([Room("run", "money", 0.0011, 0)], call) == Granted(500)


def test_the_tightest_budget_decides_how_long_an_answer_may_be() -> None:
    wide, narrow = Room("run", "tokens", 10_000, 0), Room("day", "money", 0.000_5, 0.000_1)
    granted = grant([wide, narrow], Call(100, 500, Price(1.0, 2.0)))
    assert granted == Granted(150, narrow), "300 of 400 millionths are left for the answer, at 2 each"


def test_a_call_without_room_for_its_prompt_and_a_few_words_is_refused() -> None:
    room = Room("thread", "tokens", 1000, 885)
    assert grant([room], Call(100, 500)) == Refused(room)
    assert isinstance(grant([room], Call(99, 500)), Granted)
    assert grant([room], Call(105, 8)) == Granted(8), "it asks for no more than a few"


def test_what_others_hold_is_waited_for_and_no_reason_to_cut() -> None:
    assert grant([Room("owner", "tokens", 1000, 0, held=700)], Call(100, 500)) == Busy()
    assert grant([Room("owner", "tokens", 1000, 0, held=400)], Call(100, 500)) == Granted(500)
    assert isinstance(grant([Room("owner", "tokens", 1000, 900, held=50)], Call(100, 500)), Refused)


def test_a_runs_tasks_share_its_money() -> None:
    call = Call(100, 5000, Price(1.0, 1.0))
    room = Room("run", "money", 0.004, 0.0, 0.0, parts=4)
    assert grant([room], call) == Granted(900, room)
    poor = Room("run", "money", 0.0002, 0.0, 0.0, parts=4)
    assert grant([poor], call) == Granted(LEAST_TOKENS, poor), "a share that is no use is no share"


def test_seconds_are_there_or_not() -> None:
    assert isinstance(grant([Room("day", "seconds", 10, 9)], Call(1, 10)), Granted)
    assert isinstance(grant([Room("day", "seconds", 10, 9.99)], Call(1, 10)), Refused)
    assert is_spent(Room("day", "seconds", 10, 9.99))


def test_what_is_free_has_room_when_the_money_is_spent() -> None:
    assert grant([Room("owner", "money", 1.0, 2.0)], Call(100, 500)) == Granted(500)


@given(AMOUNTS, AMOUNTS)
def test_the_tightest_of_two_limits_is_within_both(one: Limits, other: Limits) -> None:
    both = tightest(one, other)
    for name in Limits.__struct_fields__:
        a, b, c = getattr(one, name), getattr(other, name), getattr(both, name)
        assert c == (min(a, b) if a and b else a or b)


@given(st.lists(st.tuples(CALLS, st.floats(0, 1), st.sampled_from(["ends", "stays", "fails"])), max_size=40), AMOUNTS)
def test_calls_at_any_time_never_overspend_together(asked: list[tuple[Call, float, str]], limits: Limits) -> None:
    """Each call uses its prompt and some of what it was granted, at once or when all have begun, or fails."""
    spent, held = NOTHING, list[tuple[Call, int, float]]()

    def settle(call: Call, answer: int) -> Spent:
        return Spent(call.prompt, answer, ms=1.0, cost=call.cost(answer), calls=1)

    for call, part, then in asked:
        reserved = (sum(one.prompt + most for one, most, _ in held), 0.0, sum(one.cost(most) for one, most, _ in held))
        granted = grant(rooms_of("owner", limits, spent, reserved), call)
        if not isinstance(granted, Granted):
            assert isinstance(granted, Refused) or held, "nobody waits when there is nobody to wait for"
            continue
        assert 0 < granted.max_tokens <= call.most
        if then == "stays":
            held.append((call, granted.max_tokens, part))
        elif then == "ends":
            spent += settle(call, int(granted.max_tokens * part))
    for call, most, part in held:
        spent += settle(call, int(most * part))
    assert not limits.tokens or spent.tokens <= limits.tokens
    assert not limits.money or spent.cost <= limits.money * (1 + 1e-9)


@given(st.integers(100, 100_000), st.lists(st.integers(0, 5000), min_size=1, max_size=12), st.data())
def test_shares_of_a_plan_never_exceed_what_its_run_has(budget: int, own: list[int], data: st.DataObject) -> None:
    tasks = {MAIN: TaskState(MAIN, budget_tokens=budget)}
    for number in range(1, len(own) + 1):
        spec = PlanTask(str(number), "writer", "g")
        tasks[spec.id] = TaskState(spec.id, spec=spec)
        tasks[MAIN].children.append(spec.id)
    tasks[MAIN].open_children = len(own)
    for number, wanted in enumerate(own, 1):
        task = tasks[str(number)]
        task.budget_tokens, task.begun = share(tasks, task, wanted), 1
        if data.draw(st.booleans()):  # it ends before the next one begins
            task.status = "completed"
            task.spent_tokens = data.draw(st.integers(0, task.budget_tokens))
            tasks[MAIN].spent_tokens += task.spent_tokens
            tasks[MAIN].open_children -= 1
    held = sum(task.budget_tokens for task in tasks.values() if task.id != MAIN and not task.ended)
    assert tasks[MAIN].spent_tokens + held <= budget + len(own), "a share is one token at least"


# ── what entries say ──────────────────────────────────────────────────────────────────────────────────────────────


def finished(**more: Any) -> MessageFinished:
    fields: dict[str, Any] = {
        "at": 10.0,
        "message_id": "m",
        "attempt": 1,
        "text": "x",
        "finish_reason": "stop",
        "usage": Usage(100, 20, 30),
        "timing": Timing(1, 250),
        "cost": 0.5,
        "model_id": "a/b",
    }
    return MessageFinished(**(fields | more))


def test_what_an_entry_says_was_used() -> None:
    assert spent_by(finished()) == ("a/b", Spent(100, 20, 30, 0, 250, 0.5, 1))
    hit = CacheHit("exact", saved_input_tokens=100, saved_output_tokens=20)
    assert spent_by(finished(cache=hit)) == ("a/b", Spent(saved_tokens=120))
    assert spent_by(finished(model_id="", usage=Usage(), cost=0.0)) is None, "no model wrote it"
    paid = Paid("a/b", 100, 5, 30.0, 0.25)
    failed = AttemptFailed(at=1, message_id="m", attempt=1, error=ErrorFacts("c", "m"), paid=paid)
    assert spent_by(failed) == ("a/b", Spent(100, 5, 0, 0, 30.0, 0.25, 1))
    ended = TaskFinished(at=1, task_id="1", status="canceled")
    assert spent_by(ended) is None


def test_days_are_those_of_utc() -> None:
    assert [day_of(at) for at in (0, 86_399.9, 86_400)] == [0, 0, 1]


# ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────────────


class NoJournal:
    """The database has nothing."""

    async def look(self, work: object) -> tuple[int, list[Spent]]:
        del work
        return 0, [NOTHING, NOTHING, NOTHING]


def ledger_of(limits: Limits) -> Ledger:
    usual: dict[Any, Limits] = {"thread": limits, "owner": limits, "day": limits}
    return Ledger(NoJournal(), usual, clock=lambda: 0.0)  # type: ignore[arg-type]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "release", "finish", "fail", "end", "begin"]), st.integers(0, 3), st.integers(0, 2)
    ),
    max_size=60,
)


@given(STEPS)
async def test_a_ledger_holds_what_is_under_way_and_nothing_else(steps: list[tuple[str, int, int]]) -> None:
    ledger = ledger_of(Limits(1000, 0.0, 1.0))
    await ledger.ready("ada", "t")
    held: dict[tuple[str, str], int] = {}
    spent = 0
    for seq, (step, run, task) in enumerate(steps, 1):
        key = (f"r{run}", f"{task + 1}")
        if step == "hold":
            ledger.hold(*key, "ada", "t", 10 + seq, 0.01, lambda _room: None)
            held[key] = 10 + seq
            continue
        if step == "release":
            ledger.release(*key)
            held.pop(key, None)
            continue
        entries: dict[str, Any] = {
            "finish": finished(at=1.0, task_id=key[1], usage=Usage(3, 4)),
            "fail": AttemptFailed(at=1, task_id=key[1], message_id="m", attempt=1, error=ErrorFacts("c", "m")),
            "end": TaskFinished(at=1, task_id=key[1], status="failed"),
            "begin": MessageStarted(
                at=1,
                task_id=key[1],
                message_id="m",
                attempt=2,
                role="r",
                model="a/b",
                endpoint="a",
                prompt_version="",
                sections=[],
                lost=Paid("a/b", 5),
            ),
        }
        ledger.wrote("ada", "t", [Recorded(key[0], seq, entries[step])], 1)
        spent += {"finish": 7, "begin": 5}.get(step, 0)
        if step != "begin":
            held.pop(key, None)
    for room in ledger.rooms("ada", "t"):
        if room.what == "tokens":
            assert (room.used, room.held) == (spent, sum(held.values()))
    assert ledger.under_way(("owner", "ada")) == len(held)
    for key in list(held):
        ledger.release(*key)
    assert all(room.held == 0 for room in ledger.rooms("ada", "t"))


class SlowJournal:
    """Reads 100 tokens, as they are at turn 5; `meanwhile` is done while it does."""

    def __init__(self) -> None:
        self.meanwhile = lambda: None

    async def look(self, work: object) -> tuple[int, list[Spent]]:
        del work
        self.meanwhile()
        return 5, [Spent(100)]


async def test_what_is_written_while_sums_are_read_is_counted_once() -> None:
    journal = SlowJournal()
    ledger = Ledger(journal, {"owner": Limits(1000)}, clock=lambda: 0.0)  # type: ignore[arg-type]
    entry = finished(at=1.0, usage=Usage(7, 0))

    def meanwhile() -> None:
        ledger.wrote("ada", "t", [Recorded("r", 1, entry)], 5)  # it is in what was read
        ledger.wrote("ada", "t", [Recorded("r", 2, entry)], 6)

    journal.meanwhile = meanwhile
    await ledger.ready("ada", "t")
    assert [room.used for room in ledger.rooms("ada", "t")] == [107]
    ledger.wrote("ada", "t", [Recorded("r", 3, entry)], 7)
    assert [room.used for room in ledger.rooms("ada", "t")] == [114]

"""Who reads what in which slot, decided without any model: worlds of calls that come, read, write, leave."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.models.prefixes import PATIENCE, WORTH, Call, Prefixes, Rates, Step, beginning, length, shared

LONG = "x" * 4 * 700  # about 700 tokens


def call(number: int, *prompt: str, run_id: str = "", priority: int = 0, answer: int = 40) -> Call:
    return Call(number, prompt, length(prompt) - len(prompt[-1]), answer, run_id, priority)


@dataclass
class World:
    """Slots that read and write by the clock, as the real ones do."""

    prefixes: Prefixes
    now: float = 0.0
    read: float = 0.0  # tokens that had to be read in all
    steps: list[Step] = field(default_factory=list)
    ended: list[tuple[int, float]] = field(default_factory=list)
    _events: list[tuple[float, int, str, Step]] = field(default_factory=list)
    _order: itertools.count = field(default_factory=itertools.count)

    def ask(self, *calls: Call) -> None:
        for one in calls:
            self.prefixes.ask(one)
        self.advance()

    def advance(self) -> None:
        while (step := self.prefixes.next(self.now)) is not None:
            self.begin(step)

    def begin(self, step: Step) -> None:
        assert all(step.slot != other.slot for _, _, _, other in self._events), "two calls in one slot"
        self.steps.append(step)
        prefixes, prompt = self.prefixes, step.call.prompt
        if step.save:
            self.keep(step.save, step.slot)
        if step.restore:
            prefixes.restored(step.slot, step.restore, self.now)
        prefixes.holds(step.slot, beginning(prompt, shared(prefixes.seen(step.slot), prompt)))
        self._read(step, "prefix" if step.read else "prompt", beginning(prompt, step.read) if step.read else prompt)

    def _read(self, step: Step, what: str, prompt: tuple[str, ...]) -> None:
        tokens = (length(prompt) - length(self.prefixes.seen(step.slot))) / 4
        self.read += tokens
        self._at(self.now + tokens / 270, what, step)

    def _at(self, when: float, what: str, step: Step) -> None:
        heapq.heappush(self._events, (when, next(self._order), what, step))

    def keep(self, name: str, slot: int) -> None:
        prompt = self.prefixes.seen(slot)
        self.prefixes.keep(name, prompt, length(prompt) // 4 * 23_000, self.now)

    def turn(self) -> bool:
        """Let the next thing happen."""
        due = self._events[0][0] if self._events else float("inf")
        if self.prefixes.look_again < due:
            self.now = self.prefixes.look_again
            self.advance()
            return True
        if not self._events:
            return False
        self.now, _, what, step = heapq.heappop(self._events)
        match what:
            case "prefix":
                self.prefixes.holds(step.slot, beginning(step.call.prompt, step.read))
                if step.keep:
                    self.keep(step.keep, step.slot)
                self.prefixes.read(step.slot, self.now)
                self._read(step, "prompt", step.call.prompt)
            case "prompt":
                self.prefixes.began(step.slot)
                self._at(self.now + step.call.answer / 95, "end", step)
            case _:
                self.end(step)
        self.advance()
        return True

    def end(self, step: Step) -> None:
        self.prefixes.holds(step.slot, (*step.call.prompt, "assistant\nso it is"))
        self.prefixes.leave(step.slot, self.now)
        self.ended.append((step.call.id, self.now))

    def stop(self, step: Step) -> None:
        """Cut a call off, wherever it is."""
        self._events = [event for event in self._events if event[3] is not step]
        heapq.heapify(self._events)
        self.prefixes.leave(step.slot, self.now)
        self.advance()

    def run(self) -> None:
        while self.turn():
            pass


def test_four_at_once_that_begin_alike_read_it_once():
    world = World(Prefixes(4))
    world.ask(*(call(n, "", LONG, f"{n} is mine") for n in range(4)))
    assert len(world.steps) == 1, "the others wait for what the first one reads"
    world.run()
    assert world.read < 720
    assert [bool(step.restore) for step in world.steps] == [False, True, True, True]
    assert {step.slot for step in world.steps} == {0, 1, 2, 3}


def test_they_do_so_as_well_when_they_come_one_after_the_other():
    world = World(Prefixes(2))
    world.ask(call(0, "", LONG, "0 is mine"))
    for n in range(1, 4):
        world.now += 0.4
        world.ask(call(n, "", LONG, f"{n} is mine"))
    world.run()
    assert world.read < 720


def test_what_stands_within_a_message_is_shared_among_those_who_are_there():
    world = World(Prefixes(4))
    world.ask(*(call(n, "", "short", f"{LONG}{n} is mine") for n in range(4)))
    world.run()
    assert world.read < 720


def test_prompts_with_nothing_in_common_are_read_at_once():
    world = World(Prefixes(4))
    world.ask(*(call(n, "", f"{n}{LONG}", "go") for n in range(4)))
    assert len(world.steps) == 4


def test_a_conversation_goes_on_where_it_was():
    world = World(Prefixes(4))
    world.ask(call(0, "", LONG, "user\nfirst"))
    world.run()
    world.ask(call(1, "", "else", "user\nsomething"))
    world.run()
    world.ask(call(2, "", LONG, "user\nfirst", "assistant\nso it is", "user\nsecond"))
    assert (world.steps[-1].slot, world.steps[-1].restore) == (world.steps[0].slot, "")


def test_what_a_slot_has_read_is_kept_before_another_prompt_takes_it():
    world = World(Prefixes(1))
    world.ask(call(0, "", "short", LONG))
    world.run()
    world.ask(call(1, "", f"other {LONG}", "go"))
    assert world.steps[-1].save
    world.run()
    world.ask(call(2, "", "short", LONG, "assistant\nso it is", "user\nsecond"))
    assert world.steps[-1].restore == world.steps[1].save


def test_short_prompts_are_neither_kept_nor_read_apart():
    world = World(Prefixes(1))
    for n in range(3):
        world.ask(call(n, "", f"{n} says", "this"))
        world.run()
    assert not any(step.save or step.restore or step.read for step in world.steps)


def test_a_free_slot_is_taken_when_the_one_with_the_prefix_writes_for_long():
    prefixes = Prefixes(2, most_bytes=1)  # nothing can be kept: all depends on the slots
    prefixes.keep("learn", ("y" * 4000,), 23_000_000, 0.0)
    world = World(prefixes)
    world.ask(call(0, "", LONG, "a", answer=2000))
    world.turn()
    world.ask(call(1, "", LONG, "b"))
    assert [step.slot for step in world.steps] == [0, 1]


def test_it_waits_for_the_slot_with_the_prefix_when_that_is_soon_done():
    prefixes = Prefixes(2, most_bytes=1)
    prefixes.keep("learn", ("y" * 4000,), 23_000_000, 0.0)
    world = World(prefixes)
    world.ask(call(0, "", LONG, "a", answer=40))
    world.turn()
    world.ask(call(1, "", LONG, "b"))
    assert len(world.steps) == 1
    world.run()
    assert [step.slot for step in world.steps] == [0, 0]


def test_waiting_for_a_slot_of_ones_choice_ends():
    prefixes = Prefixes(2)
    prefixes.ask(call(0, "", LONG, "a"))
    first = prefixes.next(0.0)
    prefixes.ask(call(1, "", LONG, "b"))
    assert prefixes.next(0.1) is None
    assert 0.1 < prefixes.look_again < 0.1 + 1.1 * PATIENCE * 700 / 270
    step = prefixes.next(prefixes.look_again)  # the first one is stuck
    assert step is not None
    assert step.slot != first.slot


def test_a_long_line_on_one_prefix_does_not_hold_up_another_run():
    world = World(Prefixes(2))
    world.ask(*(call(n, "", LONG, f"{n} is mine", run_id="many") for n in range(40)))
    world.now += 0.1
    world.ask(call(99, "", f"other {LONG}", "go", run_id="one"))
    world.run()
    assert [step.call.id for step in world.steps].index(99) < 3


def test_higher_priority_comes_first_and_lower_comes_too():
    world = World(Prefixes(1))
    world.ask(call(0, "", "a", "b", run_id="0"))
    world.ask(*(call(n, "", "a", "b", run_id=str(n), priority=-9 if n == 1 else 0) for n in range(1, 30)))
    world.ask(call(50, "", "a", "b", run_id="50", priority=9))
    world.run()
    order = [step.call.id for step in world.steps]
    assert order[:2] == [0, 50]
    assert 1 in order


def test_in_advance_only_when_nobody_works_and_only_once():
    prefixes = Prefixes(2)
    wish = call(0, "", LONG, answer=0)
    assert not prefixes.knows(wish.prompt)
    world = World(prefixes)
    world.ask(call(1, "", "a", "b"))
    assert prefixes.warm(wish, world.now) is None
    world.run()
    step = prefixes.warm(wish, world.now)
    assert (step.read, prefixes.active) == (length(wish.prompt), 0)
    assert prefixes.warm(call(2, "", f"other {LONG}", answer=0), world.now) is None
    prefixes.holds(step.slot, wish.prompt)
    prefixes.leave(step.slot, world.now)
    assert prefixes.knows(wish.prompt)


def test_what_is_read_in_advance_is_in_the_way_of_those_who_do_not_want_it():
    for prompt, hindered in ((("", "other", "go"), True), (("", LONG, "go"), False)):
        prefixes = Prefixes(1)
        prefixes.warm(call(0, "", LONG, answer=0), 0.0)
        assert not prefixes.hindered
        prefixes.ask(call(1, *prompt))
        assert prefixes.next(0.1) is None
        assert prefixes.hindered == hindered


def test_a_model_that_gives_nothing_back_is_not_counted_on():
    prefixes = Prefixes(4)
    prefixes.able = False
    world = World(prefixes)
    world.ask(*(call(n, "", LONG, f"{n} is mine") for n in range(4)))
    assert len(world.steps) == 4
    assert not any(step.read or step.restore or step.save for step in world.steps)


def test_files_that_say_no_more_go_and_the_oldest_when_they_are_too_large():
    prefixes = Prefixes(1, most_bytes=1000)
    assert prefixes.keep("a", ("abc",), 100, 0.0) == []
    assert prefixes.keep("b", ("abcdef",), 100, 1.0) == ["a"]
    assert prefixes.keep("c", ("xyz",), 800, 2.0) == []
    prefixes.restored(0, "b", 3.0)
    assert prefixes.keep("d", ("klm",), 700, 4.0) == ["c"]
    prefixes.lost(0, "b")
    assert prefixes.seen(0) == ()


def test_rates_follow_what_replies_say():
    rates = Rates()
    for _ in range(40):
        rates.learn(3000, 1000, 0, 10.0)
        rates.wrote(50, 5.0)
    assert (rates.chars, rates.read, rates.write) == pytest.approx((3.0, 100.0, 10.0), rel=0.01)
    rates.learn(3000, 1000, 990, 0.01)  # nothing was read: that says nothing of how quickly
    assert rates.read == pytest.approx(100.0, rel=0.01)


TEXTS = st.lists(st.text("ab", max_size=6), max_size=4).map(tuple)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_shared_counts_what_is_alike(one, other):
    count = shared(one, other)
    assert count == shared(other, one) <= min(length(one), length(other))
    assert shared(beginning(one, count), other) == count == length(beginning(one, count))
    if one[:1] == other[:1] and one:
        assert count >= len(one[0])
    assert shared(one, one) == length(one)


PARTS = [f"{letter * 4 * WORTH}" for letter in "abc"]
PROMPTS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map(lambda parts: ("", *parts, "end"))
CALLS = st.tuples(PROMPTS, st.sampled_from("pqr"), st.integers(-9, 9), st.integers(1, 200))
ACTS = st.lists(st.one_of(CALLS, st.sampled_from(["turn", "turn", "stop", "withdraw", "warm"])), max_size=40)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4), ACTS)
def test_whatever_comes_and_goes_each_call_gets_a_slot_of_its_own_in_the_end(slots, acts):
    world, ids, stopped = World(Prefixes(slots)), itertools.count(), set()
    prefixes = world.prefixes
    waiting: dict[int, Call] = {}
    for act in acts:
        begun = {step.call.id for step in world.steps}
        working = [step for _, _, _, step in world._events]
        match act:
            case "turn":
                world.turn()
            case "stop" if working:
                stopped.add(working[0].call.id)
                world.stop(working[0])
                assert all(step.slot != working[0].slot for step in working[1:])
            case "withdraw" if left := [one for one in waiting.values() if one.id not in begun]:
                stopped.add(left[0].id)
                prefixes.withdraw(left[0])
                del waiting[left[0].id]
                world.advance()
            case "warm":
                step = prefixes.warm(call(next(ids), "", PARTS[0], answer=0), world.now)
                if step is not None:
                    assert not working
                    prefixes.leave(step.slot, world.now)
            case (prompt, run_id, priority, answer):
                one = Call(next(ids), prompt, length(prompt[:-1]), answer, run_id, priority)
                waiting[one.id] = one
                world.ask(one)
        assert prefixes.active == len(world._events) <= slots
    world.run()
    assert {number for number, _ in world.ended} == set(waiting) - stopped
    assert (prefixes.active, prefixes.queued) == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.lists(PROMPTS, min_size=1, max_size=3), st.integers(-3, 3))
def test_a_stream_of_others_starves_nobody(slots, prompts, priority):
    """Others come without end, some of higher priority; still the one begins after a bounded number of them."""
    world, ids = World(Prefixes(slots)), itertools.count(1)
    world.ask(Call(0, ("", f"mine {LONG}", "go"), 0, 40, "mine", min(priority, 0)))
    others = itertools.cycle(prompts)
    for n in range(200):
        if any(step.call.id == 0 for step in world.steps):
            break
        world.ask(Call(next(ids), next(others), 0, 40, f"run {n % 5}", max(priority, 0)))
        world.turn()
    assert any(step.call.id == 0 for step in world.steps)

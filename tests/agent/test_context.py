"""The prompt always fits, keeps role and task whole, says what it left out, and can be put together again."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alma.agent.context import Prompt, build
from alma.agent.prompt import Material, as_sent, gather, shortened
from alma.agent.role import Role, WorkedExample, load_role, parse_role
from alma.agent.task import Reply, Result, Summary, Task, ToolUse, Turn
from alma.errors import ContextOverflow, StartupError
from alma.events import (
    KINDS,
    AgentMessage,
    BoardWritten,
    ErrorFacts,
    MessageFinished,
    QuestionAsked,
    ToolCalled,
    ToolReturned,
)
from alma.model_call import CallFacts, Timing, Usage
from alma.models.chat import ToolCall
from alma.models.scripted import ScriptedModel
from alma.plan import PlanTask
from alma.recollection import RecalledMemory

MODEL = ScriptedModel()
ROLE = Role("writer", "writes", "Be kind.", "v1", "", sections={"synthesis": "Join them."})
TEXT = st.text(max_size=900)
WORDS = st.text(min_size=1, max_size=300)
TURNS = st.lists(st.builds(Turn, st.uuids().map(str), WORDS, TEXT), max_size=8)
ARGUMENTS = st.sampled_from(["{}", '{"of": "' + "long " * 400 + '"}'])
STATUS = st.sampled_from(["completed", "failed", "rejected"])


def results(task_ids: list[str]) -> st.SearchStrategy[list[Result]]:
    error = st.none() | st.builds(ErrorFacts, st.just("code"), WORDS)
    return st.tuples(
        *(st.builds(Result, st.just(one), st.just("analyst"), WORDS, STATUS, TEXT, error) for one in task_ids)
    ).map(list)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """A task of any shape: of a plan or the run's own, with history, results, mail, board, replies, tools."""
    planned = draw(st.booleans())
    task_id = "7" if planned else "main"
    steps: dict[str, MessageFinished] = {}
    calls: list[ToolUse] = []
    of = Task("r", "t", "o", draw(WORDS), task_id)
    for number in range(1, draw(st.integers(0, 3)) + 1):
        step = "answer" if number == 1 else f"answer.{number}"
        asked = [CallFacts(f"m{at}", "sum", draw(ARGUMENTS)) for at in range(draw(st.integers(1, 2)))]
        steps[step] = MessageFinished(
            at=1,
            message_id=step,
            attempt=1,
            text=draw(TEXT),
            finish_reason="tool_calls",
            usage=Usage(),
            timing=Timing(),
            step=step,
            tool_calls=asked,
        )
        for at in range(1, len(asked) + 1):
            call_id = of.call_id(step, at)
            called = ToolCalled(at=1, call_id=call_id, name="sum", arguments="{}")
            calls.append(ToolUse(called, None, ToolReturned(at=1, call_id=call_id, ok=True, text=draw(TEXT))))
    mail = [
        (seq, AgentMessage(at=1, task_id="2", sender="critic", recipient="team", kind="inform", text=text))
        for seq, text in enumerate(draw(st.lists(TEXT, max_size=2)), 5)
    ]
    board = {key: BoardWritten(at=1, key=key, version=2, text=draw(TEXT)) for key in draw(st.sets(WORDS, max_size=2))}
    replies = [Reply(QuestionAsked(at=1, question_id="q", text=draw(WORDS)), draw(WORDS))][: draw(st.integers(0, 1))]
    return replace(
        of,
        spec=PlanTask("7", "writer", draw(WORDS), expected=draw(TEXT)) if planned else None,
        history=[] if planned else draw(TURNS),
        older=0 if planned else draw(st.sampled_from([0, 0, 3])),
        summary=None if planned else draw(st.none() | st.just(Summary("before", "They spoke of much."))),
        memories=[RecalledMemory(f"m{at}", text, 1.0) for at, text in enumerate(draw(st.lists(TEXT, max_size=12)))],
        results=draw(results(["1", "2", "3"][: draw(st.integers(0, 3))])),
        steps=steps,
        calls=calls,
        mail=mail,
        board=board,
        replies=replies,
        problem=draw(st.just("") | WORDS),
    )


@given(tasks(), st.booleans(), st.booleans(), st.integers(1024, 8192), st.integers(1, 4096))
@settings(max_examples=300)
async def test_any_prompt_fits_says_what_it_left_out_and_can_be_put_together_again(
    task: Task, synthesis: bool, examples: bool, window: int, max_tokens: int
) -> None:
    mode = "synthesis" if synthesis else "answer"
    role = replace(ROLE, examples=[WorkedExample("What is 1?", "A number." * 200)]) if examples else ROLE
    material = gather(task, role, mode)
    try:
        prompt = await build(MODEL, material, window=window, max_tokens=max_tokens)
    except ContextOverflow as error:
        must = [part for part in material.last if part.name in ("task", "expected", "problem", "reply", "call", "tool")]
        whole = sum([await MODEL.count_tokens(_said(part.text, part.calls)) + 8 for part in must])
        assert whole > window // 3, "what was refused was small"
        assert error.expected
        return
    assert prompt.tokens + prompt.max_tokens <= window
    assert 1 <= prompt.max_tokens <= max_tokens
    carried = sum([await MODEL.count_tokens(_said(one.content, one.tool_calls)) for one in prompt.messages])
    assert carried <= prompt.tokens, "what is sent is counted, arguments of calls with it"
    assert prompt.messages[0].content == ("Be kind.\n\nJoin them." if synthesis else "Be kind."), "the role is whole"
    assert any(task.goal in one.content for one in prompt.messages if one.role == "user"), "the task is whole"
    turns = [turn.run_id for turn in task.history]
    assert prompt.turns == turns[len(turns) - len(prompt.turns) :], "the newest turns, in order, none dropped between"
    assert prompt.left_out == task.older + len(turns) - len(prompt.turns)
    _check_that_all_is_accounted_for(material, prompt)
    kept = replace(task, history=[turn for turn in task.history if turn.run_id in prompt.turns])
    assert as_sent(gather(kept, role, mode), prompt.sections, prompt.turns, prompt.answered) == prompt.messages


def _said(text: str, calls: list[ToolCall] | None) -> str:
    return text + "".join(call.name + call.arguments for call in calls or [])


def _check_that_all_is_accounted_for(material: Material, prompt: Prompt) -> None:
    """Every part is in the prompt whole, or cut as its section says, or named by a rung."""
    sections = {(section.name, section.ref): section for section in prompt.sections}
    named = {ref for trim in prompt.trims for ref in trim.refs}
    for part in (*material.first, *material.last):
        name = f"{part.name} {part.ref}".rstrip()
        section = sections.get((part.name, part.ref))
        if section is None:
            dropped_with_its_call = part.name == "tool" and any(ref.startswith("call ") for ref in named)
            assert name in named or dropped_with_its_call, f"{name} is gone without a word"
        elif section.chars != part.chars:
            assert name in named, f"{name} was cut without a word"
    assert bool(prompt.left_out) == any(trim.rung == "summary" for trim in prompt.trims)
    rungs = [trim.rung for trim in prompt.trims]
    order = ["duplicates", "memories", "summary", "results"]
    firsts = [rungs.index(rung) for rung in order if rung in rungs]
    assert firsts == sorted(firsts), "the rungs are taken in their order"


@given(tasks(), st.booleans())
async def test_speakers_alternate_and_every_tool_result_follows_its_call(task: Task, synthesis: bool) -> None:
    material = gather(task, ROLE, "synthesis" if synthesis else "answer")
    prompt = await build(MODEL, material, window=100_000, max_tokens=100)
    assert prompt.trims == [] or (task.older and [trim.rung for trim in prompt.trims] == ["summary"])
    spoken = [message.role for message in prompt.messages]
    assert all(one != "user" or other != "user" for one, other in itertools.pairwise(spoken))
    asked: list[str] = []
    for message in prompt.messages:
        if message.role == "tool":
            assert asked.pop(0) == message.tool_call_id
        else:
            assert not asked, "a call without its result"
            asked = [call.id for call in message.tool_calls or []]
    assert not asked


async def test_duplicates_go_first_and_nothing_else_when_that_is_enough() -> None:
    again = "The launch is on the ninth of May. " * 40
    task = Task(
        "r",
        "t",
        "o",
        "When is it?",
        memories=[
            RecalledMemory("m1", again, 1.0),
            RecalledMemory("m2", again.upper(), 1.0),
            RecalledMemory("m3", "x", 1.0),
        ],
    )
    prompt = await _built(task, window=1024)
    assert [(trim.rung, trim.refs) for trim in prompt.trims] == [("duplicates", ["memory m2"])]


async def test_the_least_useful_memories_go_before_the_conversation() -> None:
    memories = [RecalledMemory(f"m{number}", f"fact {number} " * 60, 1.0) for number in range(1, 9)]
    history = [Turn("r1", "Hello", "Good day.")]
    prompt = await _built(Task("r", "t", "o", "And?", memories=memories, history=history), window=1024)
    dropped = prompt.trims[0].refs
    assert prompt.trims[0].rung == "memories"
    assert dropped == [f"memory m{number}" for number in range(8, 8 - len(dropped), -1)]
    assert prompt.turns == ["r1"]


async def test_a_summary_stands_for_the_turns_that_it_speaks_of() -> None:
    history = [Turn(f"r{number}", f"question {number} " * 12, "answer " * 30) for number in range(1, 21)]
    task = Task("r", "t", "o", "Go on", history=history, summary=Summary("r15", "They spoke of fifteen things."))
    prompt = await _built(task, window=2048)
    assert prompt.turns == [f"r{number}" for number in range(16, 21)]
    assert "They spoke of fifteen things." in prompt.messages[1].content
    trim = next(trim for trim in prompt.trims if trim.rung == "summary")
    assert trim.refs == [f"r{number}" for number in range(15, 15 - len(trim.refs), -1)]
    assert "summary" in trim.detail
    assert prompt.left_out == 15


async def test_while_a_conversation_grows_its_prompts_begin_alike() -> None:
    """So that a server's prompt cache serves most of each."""
    history = [Turn(f"r{number}", f"question {number} " * 8, "answer " * 20) for number in range(1, 61)]
    firsts: list[str] = []
    for length in range(30, 61):
        firsts.append((await _built(Task("r", "t", "o", "Go on", history=history[:length]), window=2048)).turns[0])
    changes = sum(one != other for one, other in itertools.pairwise(firsts))
    assert changes <= 31 // 3


async def test_results_are_cut_to_one_length_and_short_ones_stay_whole() -> None:
    results = [
        Result(str(n), "a", "Part", "completed", text) for n, text in enumerate(["x " * 2000, "y " * 900, "z"], 1)
    ]
    prompt = await build(
        MODEL, gather(Task("r", "t", "o", "Join it", results=results), ROLE, "synthesis"), window=1024, max_tokens=200
    )
    chars = {section.ref: section.chars for section in prompt.sections if section.name == "result"}
    assert chars["3"] == 0
    assert chars["2"] > 80
    assert abs(chars["1"] - chars["2"]) < 50
    assert "characters left out, from" in prompt.messages[1].content
    assert "The request: Join it" in prompt.messages[1].content
    assert [trim.rung for trim in prompt.trims] == ["results"]


async def test_what_is_kept_short_for_a_small_model_is_said_too() -> None:
    results = [Result("1", "a", "Part", "completed", "It is so. " * 200), Result("2", "a", "Part", "completed", "Yes.")]
    material = gather(Task("r", "t", "o", "Join it", results=results), ROLE, "notes")
    prompt = await build(MODEL, material, window=4096, max_tokens=200)
    assert [(trim.rung, trim.refs) for trim in prompt.trims] == [("results", ["result 1"])]


async def test_the_answer_has_a_quarter_of_the_window_also_when_all_else_is_too_much() -> None:
    results = [Result(str(number), "a", "Part", "completed", "word " * 3000) for number in range(5)]
    material = gather(Task("r", "t", "o", "Join it", results=results), ROLE, "synthesis")
    prompt = await build(MODEL, material, window=4096, max_tokens=4096)
    assert prompt.reserve == 1024
    assert prompt.max_tokens >= 1024


async def _built(task: Task, window: int) -> Prompt:
    return await build(MODEL, gather(task, ROLE, "answer"), window=window, max_tokens=256)


@given(st.text(max_size=3000), st.integers(200, 1000))
def test_a_shortened_text_says_how_much_is_missing(text: str, chars: int) -> None:
    short = shortened(text, chars)
    if len(text) <= chars:
        assert short == text
        return
    said = re.search(r"\n… (\d+) characters left out, from (\d+) on …\n", short)
    assert said is not None
    head, tail = short[: said.start()], short[said.end() :]
    assert (text.startswith(head), text.endswith(tail)) == (True, True)
    assert len(head) + int(said[1]) + len(tail) == len(text)
    assert int(said[2]) == len(head), "where to read on"
    assert len(head) + len(tail) <= chars


async def test_a_task_that_cannot_fit_is_refused_with_what_would() -> None:
    with pytest.raises(ContextOverflow) as refused:
        await build(MODEL, gather(Task("r", "t", "o", "word " * 4000), ROLE, "answer"), window=512, max_tokens=100)
    assert "512" in refused.value.message
    assert refused.value.expected is not None
    assert refused.value.expected.startswith("at most")


def test_the_shipped_role_has_a_prompt_sampling_and_examples_for_every_kind() -> None:
    role = load_role("manager")
    for kind in KINDS:
        assert role.kinds[kind].prompt.startswith("You are a helpful AI assistant named Alma")
        assert len(role.kinds[kind].examples) >= 20
    assert role.kinds["creative"].sampling.temperature > role.kinds["analytical"].sampling.temperature
    assert len(role.version) == 12


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (("---\n", "", 1), "no front matter"),
        (("purpose:", "porpoise:", 1), "porpoise"),
        (("temperature: 0.2", "temperature: warm", 1), "temperature"),
        (("# creative\n", "# poetic\n", 1), "creative"),
        (("name: manager", "name: [", 1), "front matter"),
    ],
)
def test_a_wrong_role_file_says_where_and_what(change: tuple[str, str, int], names: str) -> None:
    source = load_role("manager").source.replace(*change)
    with pytest.raises(StartupError) as refused:
        parse_role(source, "agents/manager.md")
    assert "agents/manager.md" in refused.value.message
    assert names in refused.value.message + str(refused.value.actual)

"""The prompt always fits, keeps role and task whole, says what it left out, and can be put together again."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alma.agent.prompt import as_sent, fit, gather, shortened
from alma.agent.role import Role, WorkedExample, load_role, parse_role
from alma.agent.task import Reply, Result, Task, ToolUse, Turn
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
from alma.models.scripted import ScriptedModel
from alma.plan import PlanTask

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
        results=draw(results(["1", "2", "3"][: draw(st.integers(0, 3))])),
        steps=steps,
        calls=calls,
        mail=mail,
        board=board,
        replies=replies,
        problem=draw(st.just("") | WORDS),
    )


@given(tasks(), st.booleans(), st.booleans(), st.integers(256, 8192), st.integers(1, 4096))
@settings(max_examples=100)
async def test_any_prompt_fits_and_can_be_put_together_again(
    task: Task, synthesis: bool, examples: bool, window: int, max_tokens: int
) -> None:
    mode = "synthesis" if synthesis else "answer"
    role = replace(ROLE, examples=[WorkedExample("What is 1?", "A number.")]) if examples else ROLE
    parts = gather(task, role, mode)
    try:
        prompt = await fit(MODEL, parts, window=window, max_tokens=max_tokens)
    except ContextOverflow as error:
        assert error.expected
        return
    assert prompt.tokens + prompt.max_tokens <= window
    assert 1 <= prompt.max_tokens <= max_tokens
    carried = sum([await MODEL.count_tokens(_whole(one)) for one in prompt.messages])
    assert carried <= prompt.tokens, "what is sent is counted, arguments of calls with it"
    assert prompt.messages[0].content == ("Be kind.\n\nJoin them." if synthesis else "Be kind.")
    assert any(task.goal in one.content for one in prompt.messages if one.role == "user"), "the task is whole"
    turns = [turn.run_id for turn in task.history]
    assert prompt.turns == turns[prompt.left_out :], "the newest turns, in order, none dropped between"
    kept = replace(task, history=[turn for turn in task.history if turn.run_id in prompt.turns])
    assert as_sent(gather(kept, role, mode), prompt.sections, prompt.turns, prompt.answered) == prompt.messages


def _whole(message: object) -> str:
    calls = getattr(message, "tool_calls", None) or []
    return getattr(message, "content", "") + "".join(call.name + call.arguments for call in calls)


@given(tasks(), st.booleans())
async def test_speakers_alternate_and_every_tool_result_follows_its_call(task: Task, synthesis: bool) -> None:
    prompt = await fit(
        MODEL, gather(task, ROLE, "synthesis" if synthesis else "answer"), window=100_000, max_tokens=100
    )
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


@given(st.text(max_size=3000), st.integers(200, 1000))
def test_a_shortened_text_says_how_much_is_missing(text: str, chars: int) -> None:
    short = shortened(text, chars)
    if len(text) <= chars:
        assert short == text
        return
    said = re.search(r"\n… (\d+) characters left out …\n", short)
    assert said is not None
    head, tail = short[: said.start()], short[said.end() :]
    assert (text.startswith(head), text.endswith(tail)) == (True, True)
    assert len(head) + int(said[1]) + len(tail) == len(text)
    assert len(head) + len(tail) <= chars


async def test_long_results_are_cut_and_the_sections_say_to_what() -> None:
    task = Task("r", "t", "o", "Join it", results=[Result("1", "a", "One", "completed", "x" * 9000)])
    prompt = await fit(MODEL, gather(task, ROLE, "synthesis"), window=1024, max_tokens=200)
    result = next(section for section in prompt.sections if section.name == "result")
    assert 200 <= result.chars < 9000
    assert "characters left out" in prompt.messages[1].content
    assert "The request: Join it" in prompt.messages[1].content


async def test_a_task_that_cannot_fit_is_refused_with_what_would() -> None:
    with pytest.raises(ContextOverflow) as refused:
        await fit(MODEL, gather(Task("r", "t", "o", "word " * 4000), ROLE, "answer"), window=512, max_tokens=100)
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

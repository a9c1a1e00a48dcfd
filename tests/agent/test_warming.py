"""What is read in advance is what the real prompt begins with."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.agent.context import build
from alma.agent.prompt import gather
from alma.agent.role import load_role as read_role
from alma.agent.task import Task, Turn
from alma.agent.tooling import Tooling
from alma.agent.warming import Warming
from alma.events import KINDS, RouteChosen
from alma.models.chat import ChatRequest
from alma.models.local_slots import prompt_of
from alma.models.prefixes import length, shared
from alma.models.remote import ModelInfo
from alma.models.scripted import ScriptedModel
from alma.tools.toolbox import SHIPPED, Toolbox

MODEL = ScriptedModel()
load_role = functools.cache(read_role)
COMPARE = "Compare heating a house with gas and with a heat pump: cost, climate, comfort; recommend one"
TURNS = [
    Turn("r1", "Who wrote the Odyssey?", "Homer, as far as anybody knows."),
    Turn("r2", "And the Aeneid?", "Virgil."),
]


class Shipped:
    """The roles that ship, on one model."""

    def __init__(self, *, kind: str = "embedded", tiny: bool = True, window: int = 4096) -> None:
        self.info = ModelInfo("embedded/tiny", "embedded", "tiny", window, tiny, kind)

    def get(self, name):
        return load_role(name)

    def resolve(self, _model_id):
        return MODEL, self.info

    def report(self, _model_id):
        return None


def warming(**how) -> Warming:
    toolbox = Toolbox()
    toolbox.load_folder(SHIPPED)
    models = Shipped(**how)
    return Warming(models, models, Tooling(toolbox))


def route(kind: str) -> RouteChosen:
    role = load_role("manager")
    return RouteChosen(
        at=1.0,
        kind=kind,
        source="examples",
        scores={},
        neighbours=[],
        role="manager",
        prompt_version=role.version,
        sampling=role.kinds[kind].sampling,
    )


def missing(warmed: ChatRequest, real: ChatRequest) -> int:
    """Characters of what was read in advance that the real prompt does not begin with."""
    return length(prompt_of(warmed)) - shared(prompt_of(warmed), prompt_of(real))


TEXTS = st.text(min_size=1, max_size=60)


@settings(deadline=None)
@given(
    st.sampled_from(KINDS),
    TEXTS,
    st.lists(st.builds(Turn, st.uuids().map(str), TEXTS, st.text(max_size=60)), max_size=5),
)
async def test_the_real_prompt_begins_with_it(kind, text, turns):
    role = load_role("manager")
    (warmed,) = warming().requests(text, kind, turns=turns)[-1:]
    task = Task("r", "t", "o", text, role="manager", history=turns, route=route(kind))
    prompt = await build(MODEL, gather(task, role, "answer"), window=4096, max_tokens=512)
    assert missing(warmed, ChatRequest("tiny", prompt.messages)) == 0


def test_of_a_plan_by_pattern_the_roles_are_read_that_work_on_it():
    asked = warming().requests(COMPARE, "analytical")
    begins = {load_role(name).prompt for name in ("analyst", "researcher", "writer", "critic", "coder")}
    assert {one.messages[0].content for one in asked} <= begins
    assert len(asked) == len({one.messages[0].content for one in asked}) >= 1
    assert not any(COMPARE in message.content for one in asked for message in one.messages)


def test_what_needs_no_plan_is_answered_by_the_manager_itself():
    (asked,) = warming().requests("Why is the sky blue?", "chat", turns=TURNS)
    assert asked.messages[0].content == load_role("manager").kinds["chat"].prompt
    assert [one.content for one in asked.messages[1:]] == [text for turn in TURNS for text in (turn.text, turn.answer)]


def test_a_strong_model_is_asked_for_a_plan_first_and_has_tools():
    plan, answer = warming(tiny=False).requests(COMPARE, "analytical")
    assert load_role("manager").sections["plan"] in plan.messages[0].content
    assert not any(COMPARE in message.content for message in plan.messages)
    assert {tool.name for tool in answer.tools} == {"clock", "calculator"}
    assert not plan.tools


def test_a_conversation_that_may_be_cut_is_not_read():
    (asked,) = warming(window=64).requests("Why?", "chat", turns=TURNS)
    assert [message.role for message in asked.messages] == ["system"]


@pytest.mark.parametrize(("kind", "gains"), [("embedded", True), ("remote", False), ("scripted", False)])
def test_only_the_embedded_model_gains(kind, gains):
    assert warming(kind=kind).gains(None) is gains
    assert bool(warming(kind=kind).requests("Why?", "chat")) is gains

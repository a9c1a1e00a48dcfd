"""The prompt always fits, keeps role and task whole, and says what it left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.prompt import build
from alma.agent.role import load_role, parse_role
from alma.agent.task import Turn
from alma.errors import ContextOverflow, StartupError
from alma.events import KINDS
from alma.models.scripted import ScriptedModel

MODEL = ScriptedModel()
TURNS = st.lists(
    st.builds(Turn, st.uuids().map(str), st.text(min_size=1, max_size=400), st.text(max_size=800)), max_size=15
)


@given(TURNS, st.text(min_size=1, max_size=3000), st.integers(256, 8192), st.integers(1, 4096))
async def test_any_prompt_fits_its_window(history: list[Turn], text: str, window: int, max_tokens: int) -> None:
    try:
        prompt = await build(MODEL, "Be kind.", history, text, window=window, max_tokens=max_tokens)
    except ContextOverflow as error:
        assert error.expected
        assert await MODEL.count_tokens(text) + 200 > window
        return
    assert sum(section.tokens for section in prompt.sections) + prompt.max_tokens <= window
    assert prompt.messages[0].content == "Be kind."
    assert prompt.turns == history[prompt.left_out :], "the newest turns, in order, none dropped between"
    said = "\n\n".join(message.content for message in prompt.messages[1:])
    assert said == "\n\n".join(part for turn in [*prompt.turns, Turn("", text, "")] for part in turn_parts(turn))
    roles = [message.role for message in prompt.messages[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    assert 1 <= prompt.max_tokens <= max_tokens


def turn_parts(turn: Turn) -> list[str]:
    return [turn.text, turn.answer] if turn.answer else [turn.text]


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

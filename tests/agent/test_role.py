"""A role file: what may stand in it, and how everything that is wrong is said at once, with its line and field."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.role import Budgets, MemoryPolicy, Role, parse_role, read_role, shipped_folder
from alma.errors import RoleInvalid, StartupError
from alma.events import KINDS
from alma.model_call import Sampling

FULL = """\
---
name: translator
purpose: Turns text into another language.
when: [Translate this letter, Say it in Spanish]
model: ollama/qwen3:4b
sampling: {temperature: 0.1, max_tokens: 300}
tools: [clock]
delegates_to: [critic]
stand_ins: [writer]
stand_in_models: [embedded/smollm2-135m]
memory: {recall: [owner], write: [], tokens: 50}
budgets: {tokens: 900, seconds: 2.5, tool_calls: 1, depth: 2, children: 3, parallel: 4}
output_schema:
  type: object
  properties: {text: {type: string}, doubts: {type: array, items: {type: string}}}
  required: [text]
examples:
  - {task: "Good day, in Spanish", answer: Buenos días}
---
You are a translator.

## Tone
Keep it.

# synthesis
Join the parts.
"""


def wrong(source: str, called: str | None = None) -> list[str]:
    with pytest.raises(RoleInvalid) as caught:
        parse_role(source, "t.md", called)
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> list[str]:
    assert old in FULL
    return wrong(FULL.replace(old, new, 1))


def test_every_field_is_read() -> None:
    role = parse_role(FULL, "t.md")
    assert (role.name, role.model) == ("translator", "ollama/qwen3:4b")
    assert role.sampling == Sampling(temperature=0.1, max_tokens=300)
    assert (role.tools, role.delegates_to, role.stand_ins) == (["clock"], ["critic"], ["writer"])
    assert role.stand_in_models == ["embedded/smollm2-135m"]
    assert role.memory == MemoryPolicy(["owner"], [], 50)
    assert role.budgets == Budgets(900, 2.5, 1, 2, 3, 4)
    assert role.output_schema is not None
    assert role.output_schema["required"] == ["text"]
    assert (role.examples[0].task, role.examples[0].answer) == ("Good day, in Spanish", "Buenos días")
    assert role.when == ["Translate this letter", "Say it in Spanish"]
    assert role.prompt == "You are a translator.\n\n## Tone\nKeep it."
    assert role.sections == {"synthesis": "Join the parts."}
    assert role.version == hashlib.sha256(FULL.encode()).hexdigest()[:12]
    assert role.source == FULL


def test_a_variant_names_its_role_and_models_to_choose_from() -> None:
    more = "variant_of: writer\nmodels: [ollama/qwen3:4b, pool/big]\n"
    role = parse_role(FULL.replace("delegates_to", f"{more}delegates_to", 1), "t.md")
    assert (role.variant_of, role.models) == ("writer", ["ollama/qwen3:4b", "pool/big"])
    nothing = parse_role(FULL, "t.md")
    assert (nothing.variant_of, nothing.models) == (None, [])


def test_name_purpose_and_prompt_are_enough() -> None:
    role = parse_role("---\nname: a\npurpose: b\n---\nDo it.", "a.md")
    assert role == Role("a", "b", "Do it.", role.version, role.source)
    assert role.budgets == Budgets(tokens=0, seconds=0, tool_calls=8, depth=3, children=12, parallel=16)


WHOLE = "expected a whole number from 0 to 100,000,000, came"
TYPES = "object, array, string, number, integer, boolean, null"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tokens: 900", "tokens: many", f"12: budgets.tokens: {WHOLE} 'many'"),
        ("tokens: 900", "tokens: -1", f"12: budgets.tokens: {WHOLE} '-1'"),
        ("tokens: 900", "tokens: ", f"12: budgets.tokens: {WHOLE} nothing"),
        ("tokens: 900", "tokens: [1]", f"12: budgets.tokens: {WHOLE} a list"),
        ("seconds: 2.5", "seconds: .nan", "12: budgets.seconds: expected a number from 0 to 86,400, came '.nan'"),
        ("tool_calls", "toolcalls", "12: budgets.toolcalls: unknown field; did you mean 'tool_calls'?"),
        ("temperature: 0.1", "temperature: 9", "6: sampling.temperature: expected a number from 0 to 2, came '9'"),
        ("tools: [clock]", "tools: clock", "7: tools: expected a list, came 'clock'"),
        ("tools: [clock]", "tools: [clock, clock]", "7: tools[1]: 'clock' is in the list twice"),
        (
            "recall: [owner]",
            "recall: [onwer]",
            "11: memory.recall[0]: expected one of private, team, owner, came 'onwer'; did you mean 'owner'?",
        ),
        ("[critic]", "[translator]", "8: delegates_to[0]: a role cannot name itself here"),
        ("tools:", "variant_of: translator\ntools:", "7: variant_of: a role cannot name itself here"),
        (
            "tools:",
            "variant_of: No\ntools:",
            "7: variant_of: expected a role's name (small letters, digits, - and _), came 'No'",
        ),
        ("tools:", "models: [a/b, a/b]\ntools:", "7: models[1]: 'a/b' is in the list twice"),
        (
            "name: translator",
            "name: Translator",
            "2: name: expected a role's name (small letters, digits, - and _), came 'Translator'",
        ),
        ("purpose: Turns", "porpoise: Turns", "3: porpoise: unknown field; did you mean 'purpose'?"),
        (
            "purpose: Turns text into another language.",
            "purpose: 12",
            "3: purpose: expected text, came '12', which YAML takes for something else: put it in quotes",
        ),
        ("  type: object", "  type: string", "14: output_schema.type: expected object, came 'string'"),
        (
            "required: [text]",
            "required: [txt]",
            "16: output_schema.required[0]: 'txt' is not among the properties; did you mean 'text'?",
        ),
        (
            "items: {type: string}",
            "items: {type: strin}",
            "15: output_schema.properties.doubts.items.type: "
            f"expected one of {TYPES}, came 'strin'; did you mean 'string'?",
        ),
        ("items: {type: string}", "itmes: {}", "15: output_schema.properties.doubts.itmes: unknown keyword"),
        ('{task: "Good day, in Spanish", ', "{", "18: examples[0].task: is missing"),
        (
            "# synthesis",
            "# synthesys",
            "25: # synthesys: unknown section; did you mean 'synthesis'?; a heading inside a prompt begins with ##",
        ),
        (
            "You are a translator.\n\n## Tone\nKeep it.",
            "",
            "23: the prompt is missing: expected text below the front matter",
        ),
        ("model: ollama/qwen3:4b", "name: again", "5: name: is given twice, first in line 2"),
    ],
)
def test_what_is_wrong_is_said_with_line_field_expectation_and_value(old: str, new: str, said: str) -> None:
    assert any(one.startswith(f"t.md:{said}") for one in changed(old, new)), changed(old, new)


def test_all_problems_come_at_once_in_the_order_of_their_lines() -> None:
    said = wrong("---\ntools: 3\nbudgets: {depth: x, foo: 1}\nmemory: []\n---\n", called="x")
    assert [one.split(": ")[1] for one in said] == [
        *("tools", "name", "purpose", "budgets.depth", "budgets.foo", "memory", "the prompt is missing"),
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "t.md:1: no front matter: expected a first line ---, came ''"),
        ("Hello", "t.md:1: no front matter: expected a first line ---, came 'Hello'"),
        ("---\nname: x\n", "t.md:2: the front matter has no end: expected a second line ---"),
        ("---\nname: x\na: [\n---\nhi", "t.md:3: the front matter is no YAML"),
        ("---\nname: \x01\n---\nhi", "t.md:2: the front matter is no YAML: a control character"),
        (
            "---\na: &a [1]\nb: *a\n---\nhi",
            "t.md:3: the front matter is no YAML: an alias (*name); write the value out",
        ),
        (f"---\na: {'[' * 5000}\n---\nhi", "t.md:2: the front matter is nested too deeply"),
        ("---\n- a\n---\nhi", "t.md:2: expected a mapping (name: value), came a list"),
        ("---\n? [a]\n: b\n---\nhi", "t.md:2: expected text for a field's name, came a list"),
        ("---\nname: !!python/name:os.system x\n---\nhi", "t.md:2: name: expected a role's name"),
        (f"---\n{'x: 1' * 20_000}\n---\nhi", "t.md:2: expected at most 65,536 characters of front matter, came 80,000"),
    ],
)
def test_what_is_no_role_at_all_is_said_too(source: str, said: str) -> None:
    assert any(one.startswith(said) for one in wrong(source)), wrong(source)


@given(st.one_of(st.text(), st.text(alphabet="-:[]{}#&*!|>'\" \nab01").map(lambda text: f"---\n{text}\n---\nhi")))
def test_any_text_is_a_role_or_is_refused(source: str) -> None:
    try:
        parse_role(source, "t.md")
    except RoleInvalid as error:
        assert error.problems
        assert all(problem.line for problem in error.problems)


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    role = parse_role("\ufeff" + FULL.replace("\n", "\r\n"), "t.md")
    assert role.prompt == parse_role(FULL, "t.md").prompt
    assert "t.md:3: porpoise" in wrong(FULL.replace("purpose", "porpoise", 1).replace("\n", "\r\n"))[-1]


def test_a_heading_in_fenced_code_is_text() -> None:
    body = "Write code:\n```python\n# synthesis\n```\nand\n~~~~\n```\n# plan\n~~~~\n# plan\nThink."
    role = parse_role(f"---\nname: a\npurpose: b\n---\n{body}", "a.md")
    assert role.sections == {"plan": "Think."}
    assert "# synthesis" in role.prompt


def test_a_role_with_kinds_needs_a_section_for_each() -> None:
    kinds = "".join(f"  {kind}: {{sampling: {{}}, examples: [x]}}\n" for kind in KINDS)
    source = f"---\nname: a\npurpose: b\nkinds:\n{kinds}---\nAll.\n# chat\n# creative\nBe vivid.\n"
    assert wrong(source) == ["t.md:12: # analytical: is missing: expected a section with the prompt of this kind"]
    role = parse_role(source + "# analytical\nReason.", "a.md")
    assert {kind: spec.prompt for kind, spec in role.kinds.items()} == {
        "chat": "All.",
        "creative": "All.\nBe vivid.",
        "analytical": "All.\nReason.",
    }
    assert any("kinds.analytical: is missing" in one for one in wrong(source.replace("  analytical", "  analytic")))


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def refused(path: Path) -> str:
    with pytest.raises(StartupError) as caught:
        read_role(path)
    assert isinstance(caught.value, RoleInvalid)
    return str(caught.value.problems[0])


def test_the_file_is_called_as_the_role(tmp_path: Path) -> None:
    path = tmp_path / "interpreter.md"
    path.write_text(FULL)
    assert refused(path) == f"{path}:2: name: expected 'interpreter', as the file is called, came 'translator'"


def test_what_cannot_be_read_as_a_role_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    assert "No such file" in refused(path)
    path.write_bytes(b" \n")
    assert "is empty" in refused(path)
    path.write_bytes(b"---\nname: \xff")
    assert refused(path) == f"{path}:2: expected UTF-8 text"
    path.write_bytes(b"---\n\0")
    assert refused(path) == f"{path}:2: expected text, came a zero byte"
    path.write_bytes(b"x" * 300_000)
    assert "expected at most 262,144 bytes, came 300,000" in refused(path)
    path.unlink()
    path.mkdir()
    assert "expected a file" in refused(path)
    path.rmdir()
    os.mkfifo(path)
    assert "expected a file" in refused(path)


def test_links_stay_in_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "agents"
    inside.mkdir()
    (tmp_path / "translator.md").write_text(FULL)
    link = inside / "translator.md"
    link.symlink_to(tmp_path / "translator.md")
    assert "leads out of its folder" in refused(link)
    (inside / "other.txt").write_text(FULL)
    link.unlink()
    link.symlink_to(inside / "other.txt")
    assert read_role(link).name == "translator"
    link.unlink()
    link.symlink_to(link)
    assert "cannot be read" in refused(link)


# ── what ships ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_six_roles_ship_with_short_prompts() -> None:
    roles = [read_role(path) for path in sorted(shipped_folder().glob("*.md"))]
    assert [role.name for role in roles] == ["analyst", "coder", "critic", "manager", "researcher", "writer"]
    for role in roles:
        # The embedded model reads some 250 tokens a second; English prose has about 4 characters a token.
        assert len(role.prompt) <= 250, role.name
        assert role.name == "manager" or role.when, role.name
    manager = roles[3]
    assert manager.delegates_to == ["researcher", "analyst", "writer", "coder", "critic"]
    assert set(manager.kinds) == set(KINDS)
    assert len(manager.sections["synthesis"]) <= 280
    assert len(manager.sections["plan"]) <= 1000
    critic = roles[2].output_schema
    assert critic is not None
    assert critic["properties"]["verdict"] == {"enum": ["accept", "revise"]}

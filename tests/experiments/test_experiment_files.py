"""Files of experiments and data sets: all that is wrong is said at once, by line; what a variant makes of a role."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.agent.role import Role, parse_role
from alma.agent.roles import Roles
from alma.errors import InvalidRequest, NotFound
from alma.experiments.beforehand import notes_beforehand
from alma.experiments.dataset import Row, of_threads, read_rows, written
from alma.experiments.example import DATA, SPEC
from alma.experiments.spec import MemoryPolicy, Variant, read_spec, spec_json
from alma.experiments.variants import Acting, Made, file_of, make, notes_of

MANAGER = Roles(None).get("manager")
CRITIC = Roles(None).get("critic").source + "\n"
OTHER = MANAGER.source + "\n"
NOTES = '[{"id":"n","text":"Say so."}]'
NOTHING = Acting()
SCHEMA = "name: x\nvariants: [{{name: a}}]\nevaluators: [{{type: schema, schema: {}}}]\n"


def refused(text: str, format: str = "yaml") -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_spec(text, format)  # type: ignore[arg-type]
    assert caught.value.code == "experiment_invalid"
    return caught.value.actual or ""


def test_the_example_can_be_read() -> None:
    spec = read_spec(SPEC)
    assert [one.name for one in spec.variants] == ["as usual", "brief"]
    assert read_spec(spec_json(spec), "json") == spec
    assert len(read_rows(DATA)) == 4


def test_the_patterns_of_the_example_find_no_number_within_another() -> None:
    minutes, legs = (row.expected or "" for row in read_rows(DATA)[2:])
    assert all(re.search(legs, right) for right in ("8", "Eight legs.", "It has eight."))
    assert not any(re.search(legs, wrong) for wrong in ("80 legs", "18", "eighty"))
    assert re.search(minutes, "There are 60 minutes.")
    assert not re.search(minutes, "There are 600.")


def test_every_commented_line_of_the_example_holds_too() -> None:
    lines = [line.replace("# ", "", 1) if line.lstrip().startswith("# ") else line for line in SPEC.split("\n")[1:]]
    text = "\n".join(lines).replace("  - type: human", "  - {type: human, name: people}")
    spec = read_spec(text)
    assert {one.type for one in spec.evaluators} == {
        "regex", "exact", "numeric", "schema", "similarity", "judge", "human", "plugin",
    }  # fmt: skip
    assert spec.variants[1].stand_in == {"critic": "analyst"}


def test_all_that_is_wrong_is_said_with_its_line() -> None:
    said = refused(
        "name: x\n"
        "variants:\n"
        "  - name: a\n"
        "    temperature: 7\n"
        "  - name: b\n"
        "    colour: red\n"
        "    settings: {PATH: x}\n"
        "evaluators:\n"
        "  - type: regex\n"
        "    pattern: '('\n"
        "seeds: 0\n"
    )
    for line, words in ((4, "temperature"), (6, "no such field"), (7, "PATH"), (10, "regular"), (11, "seeds")):
        assert any(one.startswith(f"line {line},") and words in one for one in said.split("\n")), (line, said)


@pytest.mark.parametrize(
    ("text", "format", "words"),
    [
        ("name: [", "yaml", "no YAML"),
        ("a: &x 1\nb: *x\n", "yaml", "alias"),
        ("- 1\n", "yaml", "came a list"),
        ("name = ", "toml", "no TOML"),
        ("", "yaml", "came nothing"),
        ("name: x\nvariants: [{name: a}, {name: a}]\nevaluators: [{type: exact}]\n", "yaml", "two variants"),
        ("name: x\nvariants: [{name: a}]\nevaluators: [{type: exact}, {type: exact}]\n", "yaml", "two evaluators"),
        ("name: x\nbaseline: z\nvariants: [{name: a}]\nevaluators: [{type: exact}]\n", "yaml", "baseline"),
        ("name: x\nvariants: [{name: a}]\nevaluators: [{type: judge, name: human}]\n", "yaml", "as people are"),
        ("name: x\nvariants: []\nevaluators: [{type: odd}]\n", "yaml", "odd"),
        ('name = "x"\nseeds = 0\n[[variants]]\nname = "a"\n[[evaluators]]\ntype = "exact"\n', "toml", "line 2, seeds"),
        ("[" * 2000, "json", "no JSON"),
        (SCHEMA.format("{$ref: 'http://127.0.0.1:9/x'}"), "yaml", "outside of it"),
        (SCHEMA.format("{$ref: 'file:///etc/passwd'}"), "yaml", "outside of it"),
        (SCHEMA.format("{$id: 'ftp://x/y', properties: {a: {$ref: b}}}"), "yaml", "outside of it"),
        (SCHEMA.format("{type: 7}"), "yaml", "no JSON schema"),
        (SCHEMA.format("{pattern: '('}"), "yaml", "no JSON schema"),
        (SCHEMA.format("{minimum: .nan}"), "yaml", "no JSON schema"),
        (SCHEMA.format("{const: !!binary gICA}"), "yaml", "no JSON schema"),
        (SCHEMA.format("{properties: 3}"), "yaml", "no JSON schema"),
        ("name: x\nvariants: [{name: a, notes: odd}]\nevaluators: [{type: exact}]\n", "yaml", "notes"),
    ],
)
def test_what_is_no_experiment_is_refused(text: str, format: str, words: str) -> None:
    assert words in refused(text, format)


def test_what_is_wrong_between_fields_is_said_beside_what_is_wrong_in_them() -> None:
    lines = refused(
        "name: ''\nvariants: [{name: a}, {name: a}, {name: ''}]\nbaseline: z\nseeds: many\n"
        "evaluators: [{type: exact}, {type: odd}]\nlimits: {seconds: 0, parallel: 1.5}\n"
    ).split("\n")
    for words in (
        "line 1, name: expected a text that is not empty, came none",
        "variants[2].name: expected a name of letters",
        "line 2, variants: two variants are called 'a'",
        "line 3, baseline: the baseline 'z' is none of the variants a, a",
        "line 4, seeds: expected a whole number, came 'many'",
        "evaluators[1]: expected a type, one of 'exact', 'regex'",
        "line 6, limits.seconds: expected a number above 0",
        "line 6, limits.parallel: expected a whole number, came 1.5",
    ):
        assert any(words in line for line in lines), (words, lines)
    assert "this is missing" in refused("name: x\nvariants: [{}]\nevaluators: []\n")


@pytest.mark.parametrize(
    "found",
    [None, 7, "x", [], [1], {}, {"": 1}, {"name": 1, "variants": {"a": 1}}, {"variants": [1], "evaluators": [[]]}],
)
def test_no_json_is_a_bug(found: object) -> None:
    with pytest.raises(InvalidRequest):
        read_spec(json.dumps(found), "json")


def test_a_data_set_with_wrong_lines_names_them() -> None:
    text = (
        '{"task": "a"}\nnot json\n{"expected": "b"}\n\n{"task": "c", "colour": 1}\n[1]\n{"task": ""}\n{"task": NaN}\n'
    )
    with pytest.raises(InvalidRequest) as caught:
        read_rows(text)
    said = (caught.value.actual or "").split("\n")
    starts = ["line 2: this is no JSON", "line 3: the field `task` is missing", "line 5: there is no field 'colour'"]
    starts += ["line 6: expected an object", "line 7: expected a text", "line 8: NaN"]
    assert [one.startswith(start) for one, start in zip(said, starts, strict=True)] == [True] * 6


def test_no_rows_are_refused_and_one_is_taken() -> None:
    with pytest.raises(InvalidRequest, match="no rows"):
        read_rows("\n\n")
    assert read_rows('{"task": "a", "expected": 4}') == [Row("a", "4")]


def test_slices_are_few_and_nothing_of_a_row_is_half_of_a_character() -> None:
    rows = [json.dumps({"task": "a", "slice": f"s{at}"}) for at in range(51)]
    assert len(read_rows("\n".join(rows[:50]))) == 50
    for text, words in (("\n".join(rows), "50 slices"), ('{"task": "a", "note": "\\ud800"}', "half of a character")):
        with pytest.raises(InvalidRequest) as caught:
            read_rows(text)
        assert words in (caught.value.actual or "")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1, max_size=5)
)
def test_a_written_data_set_is_read_as_it_was(tasks: list[str]) -> None:
    rows = [Row(task, task[::-1], "s") for task in tasks]
    assert read_rows(written(rows)) == rows


@given(st.text())
def test_no_text_is_a_bug_of_the_reader(text: str) -> None:
    try:
        assert read_rows(text)
    except InvalidRequest as error:
        assert error.code == "data_set_invalid"


def test_threads_give_each_task_once_with_its_approved_answer() -> None:
    assert of_threads([("a", ""), ("b", "yes"), ("a", "good"), ("b", "")]) == [Row("a", "good"), Row("b", "yes")]


class Known:
    """Roles of one owner: their own files, but for what acts in place of them."""

    def __init__(self, acting: Acting = NOTHING) -> None:
        self._acting = acting

    def active(self, owner: str, name: str) -> Role:
        source = self._acting.prompts.get(name)
        return parse_role(source, f"{name}.md", name) if source is not None else Roles(None).get(name)

    def acting(self, owner: str) -> Acting:
        return self._acting

    def file(self, owner: str, hash: str) -> str | None:
        return OTHER if hash == "0" * 12 else None

    def notes(self, owner: str, hash: str) -> str | None:
        return '[{"id":"k","text":"Kept."}]' if hash == "0" * 12 else None


def made(acting: Acting = NOTHING, **fields: object) -> Made:
    variant = Variant.model_validate({"name": "v", **fields})
    roles = Known(acting)
    return make("e", variant, file_of("ada", variant, roles), notes_of("ada", variant, roles), acting)


def test_a_prompt_takes_the_place_of_the_roles_and_leaves_the_rest() -> None:
    one = made(prompt="Be brief.")
    file = one.told.prompts["manager"]
    assert "Be brief." in file
    assert file.startswith(MANAGER.source.split("---")[0] + "---")
    assert "# synthesis" in file or "# plan" in file
    assert MANAGER.prompt.split("\n")[0] not in file
    assert one.trial.roles == {"manager": parse_role(file, "manager.md", "manager").version}


def test_a_memory_policy_changes_the_front_matter_only() -> None:
    one = made(memory=MemoryPolicy(hits=1, tokens=50))
    assert one.trial.memory
    assert one.told.prompts["manager"].split("---", 2)[2] == MANAGER.source.split("---", 2)[2]
    assert made().told.prompts == {"manager": MANAGER.source}
    assert not made().trial.memory


def test_as_usual_is_what_acts_for_the_owner_and_another_variant_changes_only_what_it_says() -> None:
    acting = Acting({"manager": OTHER, "critic": CRITIC}, {"manager": NOTES, "critic": NOTES})
    usual, brief, silent = made(acting), made(acting, prompt="Be brief."), made(acting, notes=[])
    assert usual.told == acting
    assert set(usual.trial.roles) == set(usual.trial.notes) == {"manager", "critic"}
    assert brief.trial.roles["critic"] == usual.trial.roles["critic"]
    assert brief.trial.roles["manager"] != usual.trial.roles["manager"]
    assert (brief.trial.notes, silent.trial.roles) == (usual.trial.notes, usual.trial.roles)
    assert silent.trial.notes == {**usual.trial.notes, "manager": ""}
    assert silent.told.notes == {"critic": NOTES}


def test_a_version_is_found_by_its_hash_or_refused() -> None:
    one = made(version="0" * 12, notes="0" * 12)
    assert one.told.prompts == {"manager": OTHER}
    assert "Kept." in one.told.notes["manager"]
    for field in ("version", "notes"):
        with pytest.raises(NotFound, match="no version with the hash 1"):
            made(**{field: "1" * 12})


def test_a_file_that_is_no_role_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no usable file"):
        made(file="Hello")


def test_variants_that_say_the_same_are_noted() -> None:
    variants = "[{name: a}, {name: b, role: manager}, {name: c, temperature: 0}]"
    text = f"name: x\nvariants: {variants}\nevaluators: [{{type: regex}}]\n"
    told = notes_beforehand(read_spec(text), [Row("t", "e"), Row("u", "e")])
    assert told == ["a and b are the same way to do a task: what they differ by is chance."]

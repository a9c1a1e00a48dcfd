"""What an experiment is to try: variants, data, evaluators, how often, within which limits. Checked whole at the edge.

It comes as YAML, TOML or JSON; all that is wrong with it is said at once, with the lines where that is known.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Annotated, Any, Literal, cast

import yaml
from msgspec import Struct
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from yaml.composer import ComposerError

from alma.agent.output import check_schema
from alma.agent.role import NAME
from alma.errors import InvalidRequest
from alma.events import Kind
from alma.experiments.wording import HASH_PATTERN, NAME_PATTERN, kind_of, said

Format = Literal["yaml", "toml", "json"]
MOST_BYTES = 4 * 1024 * 1024
_MOST_YAML = 256 * 1024  # characters; Python reads some 80,000 a second at worst
MOST_CELLS = 20_000
_SHOWN = 20
_SETTING = re.compile(r"ALMA_[A-Z][A-Z0-9_]*")
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Role = Annotated[str, Field(pattern=f"^{NAME}$")]
Hash = Annotated[str, Field(pattern=HASH_PATTERN)]


class Problem(Struct, frozen=True):
    """`where`: the field, as `variants[1].model`; `line`: 0 where it is not known."""

    where: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        at = f"line {self.line}, " if self.line else ""
        return f"{at}{self.where}: {self.message}" if self.where else f"{at}{self.message}"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MemoryPolicy(_Part):
    """In place of what the role's file says; what is left out stays."""

    enabled: bool = True
    tokens: int | None = Field(None, ge=0, le=100_000)
    hits: int | None = Field(None, ge=0, le=100)
    recall: list[Literal["private", "team", "owner"]] | None = None
    kinds: list[Literal["working", "episodic", "semantic", "procedural"]] | None = None


class Variant(_Part):
    """One way to do the tasks. All that is left out is as usual. `role`: whose prompt, notes, memory these are;
    `version`: the hash of a version of its file, or `file`: the file itself, or `prompt`: another text in place of its
    prompt. `settings`: other settings, for which an Alma of its own is started."""

    name: Name
    model: str | None = Field(None, min_length=1, max_length=200)
    role: Role = "manager"
    version: Hash | None = None
    file: str | None = Field(None, min_length=1, max_length=256 * 1024)
    prompt: str | None = Field(None, min_length=1, max_length=64 * 1024)
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    pattern: str = Field("", max_length=40, pattern="^[a-z_]*$")
    stand_in: dict[Role, Role] = Field({}, max_length=100)
    memory: bool | MemoryPolicy = False
    examples: bool = False
    notes: list[Annotated[str, Field(min_length=1, max_length=2000)]] | Hash | None = Field(None, max_length=100)
    settings: dict[str, str | int | float | bool] = Field({}, max_length=100)

    @model_validator(mode="after")
    def _one_prompt(self) -> Variant:
        given = [name for name in ("version", "file", "prompt") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of version, file and prompt, came {' and '.join(given)}")
        if self.version is not None and isinstance(self.memory, MemoryPolicy):
            raise ValueError("a memory policy goes with a file or a prompt, not with a version, which has its own")
        return self

    @field_validator("settings")
    @classmethod
    def _known(cls, settings: dict[str, object]) -> dict[str, object]:
        odd = [name for name in settings if not _SETTING.fullmatch(name)]
        if odd:
            raise ValueError(f"expected names of settings as ALMA_CACHE, came {odd[0]!r}")
        return settings


class _Evaluator(_Part):
    name: Name = ""


class Exact(_Evaluator):
    """The answer is what is expected, but for spaces around it and, unless `case`, upper and lower case."""

    type: Literal["exact"]
    case: bool = False


class Regex(_Evaluator):
    """The pattern is found in the answer; without one, what is expected is the pattern."""

    type: Literal["regex"]
    pattern: str | None = Field(None, min_length=1, max_length=2000)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(f"no regular expression: {error}") from None
        return pattern


class Schema(_Evaluator):
    """The answer is JSON that fits the JSON schema, which refers to nothing outside of itself."""

    type: Literal["schema"]
    schema_: dict[str, Any] = Field(alias="schema", max_length=1000)

    @field_validator("schema_")
    @classmethod
    def _usable(cls, schema: dict[str, Any]) -> dict[str, Any]:
        check_schema(schema)
        return schema


class Numeric(_Evaluator):
    """The last number in the answer is the expected one, within `tolerance` or `relative` of it."""

    type: Literal["numeric"]
    tolerance: float = Field(0.0, ge=0, allow_inf_nan=False)
    relative: float = Field(0.0, ge=0, allow_inf_nan=False)


class Similarity(_Evaluator):
    """How near the answer's meaning is to what is expected: the cosine of both, 0 at least."""

    type: Literal["similarity"]


class Judge(_Evaluator):
    """A model says which of two answers is better, the variant's or the baseline's; asked twice, in both orders."""

    type: Literal["judge"]
    model: str | None = Field(None, min_length=1, max_length=200)
    question: str = Field("Which answer serves the task better?", min_length=1, max_length=4000)


class Human(_Evaluator):
    """People say it in the page, without being told which is which."""

    type: Literal["human"]


class Plugin(_Evaluator):
    """A function of a Python file in the folder `evaluators` of Alma's data."""

    type: Literal["plugin"]
    file: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,60}\.py$")
    function: str = Field("score", pattern="^[A-Za-z_][A-Za-z0-9_]{0,60}$")


Evaluator = Annotated[
    Exact | Regex | Schema | Numeric | Similarity | Judge | Human | Plugin, Field(discriminator="type")
]


class Limits(_Part):
    """`seconds`: for each run; `parallel`: runs at once; `money`: US dollars at which it stops, 0 is no limit."""

    seconds: float = Field(120.0, gt=0, le=86_400, allow_inf_nan=False)
    parallel: int = Field(2, ge=1, le=16)
    money: float = Field(0.0, ge=0, le=1_000_000, allow_inf_nan=False)


class Spec(_Part):
    """`data`: the file of tasks, for who reads this; its rows come beside it. `kind` None: found for each task."""

    name: str = Field(min_length=1, max_length=120)
    data: str = Field("", max_length=1000)
    variants: list[Variant] = Field(min_length=1, max_length=20)
    evaluators: list[Evaluator] = Field(min_length=1, max_length=10)
    seeds: int = Field(1, ge=1, le=50)
    baseline: str = ""
    kind: Kind | None = None
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}))

    @model_validator(mode="after")
    def _consistent(self) -> Spec:
        if found := _conflicts(self.model_dump(by_alias=True)):
            raise ValueError("; ".join(one.message for one in found))
        return self

    @property
    def base(self) -> str:
        """The variant that the others are compared with: the first, if none is named."""
        return self.baseline or self.variants[0].name

    def variant(self, name: str) -> Variant:
        return next(one for one in self.variants if one.name == name)


def label_of(evaluator: Evaluator) -> str:
    return evaluator.name or evaluator.type


def _conflicts(given: dict[str, Any]) -> list[Problem]:
    """What is wrong between fields, as far as each of them can be read."""
    variants, evaluators = _parts(given.get("variants")), _parts(given.get("evaluators"))
    names = [str(one["name"]) for one in variants if one.get("name")]
    labels = [str(label) for one in evaluators if (label := one.get("name") or one.get("type"))]
    found = [Problem("variants", f"two variants are called {name!r}") for name in _twice(names)]
    found += [
        Problem("evaluators", f"two evaluators are called {name!r}: give one another name") for name in _twice(labels)
    ]
    if any(one.get("type") == "judge" and one.get("name") == "human" for one in evaluators):
        found.append(Problem("evaluators", "a judge cannot be called 'human', as people are: give it another name"))
    baseline = given.get("baseline")
    if isinstance(baseline, str) and baseline and names and baseline not in names:
        found.append(Problem("baseline", f"the baseline {baseline!r} is none of the variants {', '.join(names)}"))
    return found


def _parts(given: object) -> list[dict[str, Any]]:
    return (
        [cast("dict[str, Any]", one) for one in cast("list[object]", given) if isinstance(one, dict)]
        if isinstance(given, list)
        else []
    )


def _twice(names: list[str]) -> list[str]:
    return sorted({one for one in names if names.count(one) > 1})


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_spec(text: str, format: Format = "yaml") -> Spec:
    """Raises `InvalidRequest` (experiment_invalid) with every problem in it."""
    most = _MOST_YAML if format == "yaml" else MOST_BYTES
    if len(text) > most:
        raise invalid([Problem("", f"expected at most {most:,} characters of {format.upper()}, came {len(text):,}")])
    try:
        found = _load(text, format)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        raise invalid([Problem("", f"this is no {format.upper()}: {error.problem}", line)]) from None
    except (yaml.YAMLError, tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise invalid([Problem("", f"this is no {format.upper()}: {error}"[:500])]) from None
    if not isinstance(found, dict):
        raise invalid([Problem("", f"expected fields as name, variants, evaluators, came {kind_of(found)}")])
    return check_spec(cast("dict[str, object]", found), text)


def _load(text: str, format: Format) -> object:
    match format:
        case "toml":
            return tomllib.loads(text)
        case "json":
            return json.loads(text)
        case "yaml":
            return yaml.load(text, _Loader)


def check_spec(given: dict[str, object], text: str = "") -> Spec:
    """`text`: where it was read from, for the numbers of lines."""
    try:
        return Spec.model_validate(given)
    except ValidationError as error:
        lines = _Lines(text)
        between = [replace(one, line=lines.of((one.where,))) for one in _conflicts(given)]
        fields = [_problem(one["loc"], said(one), lines) for one in error.errors() if one["loc"] or not between]
        raise invalid(fields + between) from None


def invalid(problems: list[Problem]) -> InvalidRequest:
    shown = [str(one) for one in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        shown.append(f"and {len(problems) - _SHOWN} more")
    return InvalidRequest(
        "experiment_invalid",
        "The experiment cannot be run as it is written.",
        expected="name, variants, data, evaluators as docs/experiments.md has them",
        actual="\n".join(shown),
        hint="`alma experiment new` writes an example with all fields.",
    )


_TAGS = frozenset(("exact", "regex", "schema", "numeric", "similarity", "judge", "human", "plugin"))


def _problem(loc: tuple[int | str, ...], message: str, lines: _Lines) -> Problem:
    if len(loc) > 2 and loc[0] == "evaluators" and loc[2] in _TAGS:
        loc = (*loc[:2], *loc[3:])
    path = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in loc).lstrip(".")
    return Problem(path, message, lines.of(loc))


class _Loader(yaml.SafeLoader):
    """Without aliases, which could make much of little."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportUnknownMemberType]  # the stubs leave it open
            mark = cast("yaml.Mark", self.peek_event().start_mark)  # pyright: ignore[reportUnknownMemberType]
            raise ComposerError(None, None, "an alias (*name); write the value out", mark)
        return super().compose_node(parent, index)


class _Lines:
    """Where a field stands. In TOML: where its name does, the first time."""

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            text = text if len(text) <= _MOST_YAML else ""
            self._root = cast("yaml.Node | None", yaml.compose(text, yaml.SafeLoader) if text else None)  # pyright: ignore[reportUnknownMemberType]
        except (yaml.YAMLError, RecursionError):
            self._root = None

    def of(self, loc: tuple[int | str, ...]) -> int:
        node, line = self._root, 0
        if not isinstance(node, yaml.MappingNode):
            return self._named(loc)
        for one in loc:
            if isinstance(node, yaml.MappingNode):
                pair = next(((key, value) for key, value in node.value if key.value == one), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(one, int) and one < len(node.value):
                node = node.value[one]
                line = node.start_mark.line + 1
            else:
                break
        return line

    def _named(self, loc: tuple[int | str, ...]) -> int:
        names = [one for one in loc if isinstance(one, str)]
        if not names:
            return 0
        found = re.search(rf"^[\s\[]*{re.escape(names[-1])}\b", self._text, re.MULTILINE)
        return self._text.count("\n", 0, found.end()) + 1 if found is not None else 0


def spec_json(spec: Spec) -> str:
    return json.dumps(spec.model_dump(mode="json", by_alias=True, exclude_defaults=True))

"""What learning says in a journal: choices with their odds, lessons that stood in a prompt, signals. Frozen data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

# What is chosen for a task. `pattern`: whether and by which pattern it is split. `prompt`: the version of its role.
ChoiceWhat = Literal["arm", "prompt", "notes", "policy"]
ChoiceBy = Literal["learned", "explored", "canary", "user", "trial"]
SignalName = Literal["thumb", "edited", "preferred", "passed_over", "retried", "resent", "copied", "corrected"]
SIGNALS: tuple[SignalName, ...] = (
    "thumb",
    "edited",
    "preferred",
    "passed_over",
    "retried",
    "resent",
    "copied",
    "corrected",
)


class Option(Struct, frozen=True, omit_defaults=True):
    """One of those that could have been chosen, and what was believed of it then. `mean`: of its reward (0 to 1);
    `low`, `high`: in which it lies with 90 %; `weight`: of the evidence behind that, in runs; `cost`: what it loses for
    time and money; `share`: how often it would be chosen."""

    id: str
    mean: float = 0.0
    low: float = 0.0
    high: float = 1.0
    weight: float = 0.0
    cost: float = 0.0
    share: float = 0.0


class Choice(Struct, frozen=True, omit_defaults=True):
    """One choice for a task. An `arm` is `role|model|pattern`, each empty where it is as usual; a `prompt` the version
    of a role's file, `notes` a set of learned notes, a `policy` one of routes. `context`: the kind of task that it was
    made for. `propensity`: how likely just this was, by all that was known. `version`: of what is on trial."""

    what: ChoiceWhat
    chosen: str
    propensity: float = 1.0
    by: ChoiceBy = "learned"
    context: str = ""
    options: list[Option] = []
    version: str = ""


class LearnedExample(Struct, frozen=True, omit_defaults=True):
    """A task of before with the answer that its owner approved, as it stood in a prompt. `similarity`: cosine of the
    two tasks; `utility`: what is believed of it (−1 to 1); `score`: by which it was picked."""

    id: str
    task: str
    answer: str
    score: float = 0.0
    similarity: float = 0.0
    utility: float = 0.0
    tokens: int = 0


class LearnedNote(Struct, frozen=True, omit_defaults=True):
    """A sentence that was learned for a role. `version`: the set of notes that it is in."""

    id: str
    text: str
    version: str = ""
    tokens: int = 0


class Trial(Struct, frozen=True, omit_defaults=True):
    """The run is not asked by a user: it is a cell of an experiment, or shows what a version would do. Nothing that
    comes of it feeds beliefs or memories.

    `id`: of the experiment or the version; `arm`: of the variant, or `candidate` and `base`; `row`: of the data set, or
    the run that is done again. `roles`: by name of a role, the version of its file that is used instead; `notes`: by
    role, the version of a set of notes (empty: none). `pattern`: as in an arm. `examples`: whether learned examples may
    be told; `memory`: whether memories may; `kinds` of memory, None: as the role says. `temperature` None: as the role
    says. `stand_in`: by role, the one that does its tasks instead. `seed`: of the repetition, which experiments give to
    the model."""

    of: Literal["experiment", "replay", "shadow"]
    id: str
    arm: str = ""
    row: str = ""
    seed: int = 0
    roles: dict[str, str] = {}
    notes: dict[str, str] = {}
    pattern: str = ""
    examples: bool = False
    memory: bool = False
    temperature: float | None = None
    stand_in: dict[str, str] = {}

    @property
    def purpose(self) -> str:
        """What shares a hidden thread: an experiment, or all that does one run again for one version."""
        return f"{self.of}:{self.id}" if self.of == "experiment" else f"{self.of}:{self.id}:{self.row}"

"""What is known of an experiment before it runs: what is wrong with it, and about what it is going to cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from alma.agent.run import Models
from alma.errors import AlmaError, InvalidRequest
from alma.experiments.dataset import Row
from alma.experiments.place import Annexes
from alma.experiments.spec import MOST_CELLS, Human, Judge, Plugin, Problem, Spec, Variant, label_of
from alma.experiments.variants import Roles, file_of, notes_of
from alma.models.tokens import estimate

_JUDGED_CHARS = 1500  # of an answer, as it is guessed for what judges read


class Check(Struct, frozen=True):
    """`runs`: with those of judges at most; `tokens`, `money`: about, as far as prompts can be known beforehand, if
    every answer is as long as its role allows."""

    problems: list[Problem]
    notes: list[str]
    cells: int
    runs: int
    tokens: int
    money: float


class Beforehand:
    """`annexes` None: no other Alma is started; `folder`: of plug-ins."""

    def __init__(self, roles: Roles, models: Models, annexes: Annexes | None, folder: Path) -> None:
        self._roles = roles
        self._models = models
        self._annexes = annexes
        self._folder = folder

    def check(self, owner: str, spec: Spec, rows: Sequence[Row], *, admin: bool) -> Check:
        """What is wrong with it, and what it is going to cost about."""
        problems: list[Problem] = []
        for number, variant in enumerate(spec.variants):
            problems += self._problems(owner, variant, f"variants[{number}]", admin=admin)
        for number, evaluator in enumerate(spec.evaluators):
            where = f"evaluators[{number}]"
            if isinstance(evaluator, Plugin) and not admin:
                problems.append(Problem(where, "plug-ins are for administrators of this Alma"))
            elif isinstance(evaluator, Plugin):
                problems += self._plugin(where, evaluator)
            elif isinstance(evaluator, Judge):
                problems += _refusal(f"{where}.model", lambda model=evaluator.model: self._models.resolve(model))
        cells = len(spec.variants) * len(rows) * spec.seeds
        if cells > MOST_CELLS:
            problems.append(Problem("", f"expected at most {MOST_CELLS:,} runs, came {cells:,}"))
        if problems:
            return Check(problems, [], cells, cells, 0, 0.0)
        tokens, money = self._estimate(owner, spec, rows)
        judges = 2 * sum(isinstance(one, Judge) for one in spec.evaluators)
        runs = cells + judges * (len(spec.variants) - 1) * len(rows) * spec.seeds
        return Check([], notes_beforehand(spec, rows), cells, runs, tokens, money)

    def _problems(self, owner: str, variant: Variant, where: str, *, admin: bool) -> list[Problem]:
        problems = _refusal(f"{where}.role", lambda: self._roles.active(owner, variant.role))
        if problems:
            return problems
        problems += _refusal(where, lambda: file_of(owner, variant, self._roles))
        problems += _refusal(f"{where}.notes", lambda: notes_of(owner, variant, self._roles))
        for name, stand_in in variant.stand_in.items():
            for one in (name, stand_in):
                problems += _refusal(f"{where}.stand_in", lambda one=one: self._roles.active(owner, one))
        if not variant.settings:
            problems += _refusal(f"{where}.model", lambda: self._models.resolve(variant.model))
        elif not admin:
            problems.append(Problem(f"{where}.settings", "other settings are for administrators of this Alma"))
        elif self._annexes is None:
            problems.append(Problem(f"{where}.settings", "this Alma starts no other one"))
        else:
            changes = {name: str(value) for name, value in variant.settings.items()}
            problems += [Problem(f"{where}.settings", one) for one in self._annexes.problems(changes)]
        return problems

    def _plugin(self, where: str, plugin: Plugin) -> list[Problem]:
        """As far as can be told without running it."""
        try:
            names = compile((self._folder / plugin.file).read_bytes(), plugin.file, "exec").co_names
        except OSError:
            why = f"there is no file {plugin.file} in the folder {self._folder.name}"
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = f"it is no Python: {error}"
        else:
            if plugin.function in names:
                return []
            why = f"there is no function {plugin.function}(task, expected, answer) in it"
        return [Problem(where, f"the plug-in {plugin.file} cannot be used: {why}")]

    def _estimate(self, owner: str, spec: Spec, rows: Sequence[Row]) -> tuple[int, float]:
        tokens, money = 0, 0.0
        asked = sum(estimate(row.task) for row in rows) * spec.seeds
        times = len(rows) * spec.seeds
        for variant in spec.variants:
            role = self._roles.active(owner, variant.role)
            read = asked + times * estimate(variant.prompt or role.prompt)
            written = times * role.sampling.max_tokens
            tokens, money = self._priced(variant.model, read, written, tokens, money)
        for judge in (one for one in spec.evaluators if isinstance(one, Judge)):
            pairs = 2 * times * (len(spec.variants) - 1)
            read = 2 * (len(spec.variants) - 1) * asked + pairs * (estimate(judge.question) + 2 * _JUDGED_CHARS // 3)
            tokens, money = self._priced(judge.model, read, pairs * 30, tokens, money)
        return tokens, money

    def _priced(self, model: str | None, read: int, written: int, tokens: int, money: float) -> tuple[int, float]:
        try:
            price = self._models.resolve(model)[1].price
        except AlmaError:  # of an Alma with other settings, whose models are its own
            return tokens + read + written, money
        return tokens + read + written, money + (read * price.input + written * price.output) / 1e6


def _refusal(where: str, work: Callable[[], object]) -> list[Problem]:
    try:
        work()
    except InvalidRequest as error:
        return [Problem(where, f"{error.message} {error.actual or ''}".strip())]
    except AlmaError as error:
        return [Problem(where, error.message)]
    return []


def notes_beforehand(spec: Spec, rows: Sequence[Row]) -> list[str]:
    notes: list[str] = []
    if len(rows) == 1:
        notes.append("The data set has one row: it runs, but nothing can be concluded of it.")
    without = sum(row.expected is None for row in rows)
    asking = [label_of(one) for one in spec.evaluators if one.type in ("exact", "numeric", "similarity")]
    if without and asking:
        notes.append(
            f"{without} of {len(rows)} rows do not say what is expected; {', '.join(asking)} cannot score them."
        )
    for same in _alike(spec):
        notes.append(f"{' and '.join(same)} are the same way to do a task: what they differ by is chance.")
    if len(spec.variants) == 1:
        notes.append("There is one variant, so there is nothing to compare it with.")
        if any(isinstance(one, Judge | Human) for one in spec.evaluators):
            notes.append("Judges and people compare two answers: with one variant they have nothing to do.")
    return notes


def _alike(spec: Spec) -> list[list[str]]:
    """Names of variants that say the same."""
    names: dict[str, list[str]] = {}
    for one in spec.variants:
        names.setdefault(one.model_copy(update={"name": ""}).model_dump_json(), []).append(one.name)
    return [same for same in names.values() if len(same) > 1]

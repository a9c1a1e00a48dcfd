"""What is refused of versions, in words."""

from __future__ import annotations

from alma.errors import Conflict
from alma.learner.version_records import NEXT, Stage, Version


def wrong_stage(version: Version, stage: Stage) -> Conflict:
    hint = "Make a new draft of it." if version.stage == "retired" else None
    return Conflict(
        "wrong_stage",
        f"A version that is {_in_words(version.stage)} cannot become {_in_words(stage)}.",
        expected=" or ".join(_in_words(one) for one in NEXT[version.stage]),
        actual=_in_words(stage),
        hint=hint,
    )


def same_as_base(version: Version) -> Conflict:
    return Conflict(
        "same_as_base",
        "This version says just what acts now.",
        expected="another content than that of what acts",
        actual=version.hash,
        hint="Change the draft first.",
    )


def _in_words(stage: Stage) -> str:
    return stage.replace("_", " ")

"""What is refused of versions, in words."""

from __future__ import annotations

from alma.errors import Conflict, InvalidRequest
from alma.learner.version_records import LEAST_SHARE, MOST_SHARE, NEXT, Stage, Version


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


def too_many(of: str, most: int) -> Conflict:
    return Conflict(
        "too_many_versions",
        f"There are as many versions for {of} as are kept.",
        expected=f"at most {most}",
        actual=f"{most + 1}",
        hint="Delete drafts or versions that were rolled back.",
    )


def wrong_share(share: float) -> InvalidRequest:
    return InvalidRequest(
        "invalid_field",
        "A candidate cannot have that share.",
        expected=f"{LEAST_SHARE:g} to {MOST_SHARE:g}",
        actual=f"{share:g}",
    )


def trial_running(version: Version, other: Version) -> Conflict:
    return Conflict(
        "trial_running",
        f"Another version of the {version.what} of {version.of} is on trial.",
        expected="one on trial at a time",
        actual=other.title or other.id,
        hint="Stop that one first.",
    )


def _in_words(stage: Stage) -> str:
    return stage.replace("_", " ")

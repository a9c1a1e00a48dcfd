"""What a variant means for its runs: the file of its role, its notes, and the trial that names them. Pure."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import msgspec
import yaml
from msgspec import Struct

from alma.agent.role import Role, parse_role
from alma.errors import InvalidRequest, RoleInvalid
from alma.experiments.spec import MemoryPolicy, Problem, Variant
from alma.learned import Trial


class Made(Struct, frozen=True):
    """`prompt`, `notes`: contents of versions, empty where the variant has none of its own; `trial`: for each run."""

    prompt: str = ""
    notes: str = ""
    trial: Trial = Trial("experiment", "")


def make(experiment_id: str, variant: Variant, role: Role) -> Made:
    """`role`: the file that acts for `variant.role`. Raises `InvalidRequest` (role_invalid)."""
    prompt = _file(variant, role)
    notes = _notes(variant)
    roles: dict[str, str] = {}
    if variant.version is not None:
        roles[variant.role] = variant.version
    elif prompt:
        roles[variant.role] = _read(variant, prompt).version
    of_notes: dict[str, str] = {}
    if isinstance(variant.notes, str):
        of_notes[variant.role] = variant.notes
    elif notes:
        of_notes[variant.role] = hashlib.sha256(notes.encode()).hexdigest()[:12]
    memory = variant.memory.enabled if isinstance(variant.memory, MemoryPolicy) else variant.memory
    trial = Trial(
        of="experiment",
        id=experiment_id,
        arm=variant.name,
        roles=roles,
        notes=of_notes,
        pattern=variant.pattern,
        examples=variant.examples,
        memory=memory,
        temperature=variant.temperature,
        stand_in=dict(variant.stand_in),
    )
    return Made(prompt, notes, trial)


def problems_of(variant: Variant, where: str, role: Role) -> list[Problem]:
    """What is wrong with the files that it would make."""
    try:
        make("", variant, role)
    except InvalidRequest as error:
        return [Problem(where, f"{error.message} {error.actual or ''}".strip())]
    return []


def _notes(variant: Variant) -> str:
    """As a version of notes says them."""
    if not isinstance(variant.notes, list) or not variant.notes:
        return ""
    notes = [{"id": f"n{number}", "text": text} for number, text in enumerate(variant.notes, 1)]
    return msgspec.json.encode(notes).decode()


def _file(variant: Variant, role: Role) -> str:
    """The role's file as the variant has it; empty where it is as usual."""
    source = variant.file or role.source
    if variant.prompt is not None:
        source = _with_prompt(source, variant.prompt)
    if isinstance(variant.memory, MemoryPolicy):
        source = _with_memory(source, variant.memory)
    return "" if source == role.source else source


def _read(variant: Variant, source: str) -> Role:
    try:
        return parse_role(source, f"{variant.role}.md", variant.role)
    except RoleInvalid as error:
        raise InvalidRequest(
            "role_invalid",
            f"The variant {variant.name} has no usable file of the role {variant.role}.",
            expected="a role file: front matter with name and purpose, then the prompt",
            actual="\n".join(map(str, error.problems[:10])),
            hint="docs/roles.md has all fields.",
        ) from None


def _parts(source: str) -> tuple[str, str, str]:
    """The front matter with its fences, the prompt, and the named sections after it."""
    lines = source.split("\n")
    close = next((at for at, line in enumerate(lines) if at and line.rstrip() == "---"), 0)
    heading = next((at for at in range(close + 1, len(lines)) if lines[at].startswith("# ")), len(lines))
    return "\n".join(lines[: close + 1]), "\n".join(lines[close + 1 : heading]), "\n".join(lines[heading:])


def _with_prompt(source: str, prompt: str) -> str:
    """`prompt` in place of all that stands before the first named section."""
    front, _, sections = _parts(source)
    return f"{front}\n{prompt.strip()}\n" + (f"\n{sections}" if sections else "")


def _with_memory(source: str, policy: MemoryPolicy) -> str:
    front, prompt, sections = _parts(source)
    found = yaml.safe_load(front.strip().removeprefix("---").removesuffix("---"))
    fields = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    fields["memory"] = {**(fields.get("memory") or {}), **policy.model_dump(exclude={"enabled"}, exclude_none=True)}
    written = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)
    return f"---\n{written}---\n{prompt}" + (f"\n{sections}" if sections else "")

"""What a variant means for its runs: the file of its role, its notes, and the trial that names them. Pure."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol, cast

import msgspec
import yaml
from msgspec import Struct

from alma.agent.role import Role, parse_role
from alma.errors import InvalidRequest, NotFound, RoleInvalid
from alma.experiments.spec import MemoryPolicy, Variant
from alma.learned import Trial


class Acting(Struct, frozen=True, omit_defaults=True):
    """What acts for an owner in place of roles' own files: by role, the content of a version of its file, of notes."""

    prompts: dict[str, str] = {}
    notes: dict[str, str] = {}


class Roles(Protocol):
    """`active`: the role as it acts for an owner now; raises `NotFound` (unknown_role). `acting`: all that acts in
    place of files. `file`: what a version of a role's file says, `notes`: what one of notes does; None where the owner
    has none of this hash."""

    def active(self, owner: str, name: str) -> Role: ...

    def acting(self, owner: str) -> Acting: ...

    def file(self, owner: str, hash: str) -> str | None: ...

    def notes(self, owner: str, hash: str) -> str | None: ...


class Made(Struct, frozen=True):
    """`told`: the contents that the `trial` of each run names by their hashes."""

    told: Acting
    trial: Trial


def file_of(owner: str, variant: Variant, roles: Roles) -> str:
    """The file of the variant's role, as it is now and as the variant has it. Raises `InvalidRequest` (role_invalid),
    `NotFound` (unknown_role, unknown_version)."""
    source = variant.file or roles.active(owner, variant.role).source
    if variant.version is not None:
        source = _known(roles.file(owner, variant.version), variant.version)
    if variant.prompt is not None:
        source = _with_prompt(source, variant.prompt)
    if isinstance(variant.memory, MemoryPolicy):
        source = _with_memory(source, variant.memory)
    _read(variant, source)
    return source


def notes_of(owner: str, variant: Variant, roles: Roles) -> str | None:
    """Its notes, as a version of notes says them; empty for none at all, None where it says nothing of notes. Raises
    `NotFound` (unknown_version)."""
    if isinstance(variant.notes, str):
        return _known(roles.notes(owner, variant.notes), variant.notes)
    if not variant.notes:
        return None if variant.notes is None else ""
    notes = [{"id": f"n{number}", "text": text} for number, text in enumerate(variant.notes, 1)]
    return msgspec.json.encode(notes).decode()


def make(experiment_id: str, variant: Variant, file: str, notes: str | None, acting: Acting) -> Made:
    """`file`, `notes`: the variant's; `acting`: what acts for its owner otherwise."""
    prompts = {**acting.prompts, variant.role: file}
    of_notes = acting.notes if notes is None else {**acting.notes, variant.role: notes}
    trial = Trial(
        of="experiment",
        id=experiment_id,
        arm=variant.name,
        roles={name: _hash(content) for name, content in prompts.items()},
        notes={name: _hash(content) if content else "" for name, content in of_notes.items()},
        pattern=variant.pattern,
        examples=variant.examples,
        memory=variant.memory.enabled if isinstance(variant.memory, MemoryPolicy) else variant.memory,
        temperature=variant.temperature,
        stand_in=dict(variant.stand_in),
    )
    return Made(Acting(prompts, {name: content for name, content in of_notes.items() if content}), trial)


def own_file(variant: Variant) -> bool:
    """Whether it has a file that is no version yet."""
    return variant.prompt is not None or variant.file is not None or isinstance(variant.memory, MemoryPolicy)


def own_notes(variant: Variant) -> bool:
    return isinstance(variant.notes, list) and bool(variant.notes)


def _hash(content: str) -> str:
    """As the hash of a version is made of its content."""
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _known(content: str | None, hash: str) -> str:
    if content is None:
        raise NotFound(
            "unknown_version", f"There is no version with the hash {hash}.", hint="It may have been deleted."
        )
    return content


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

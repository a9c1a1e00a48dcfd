"""A role: one Markdown file that says what an agent is, what it may use, how much, and whom it may ask.

The file has YAML front matter and a prompt. A top-level heading (`# synthesis`) begins a named section; the text
before the first one is the prompt. Its version is the hash of its bytes, so a prompt can always be found again. Which
files there are, and when they change, is `roles.py`'s.
"""

from __future__ import annotations

import functools
import hashlib
import stat
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct, field

from alma.agent.front_matter import (
    Check,
    Notes,
    Section,
    choice,
    guess,
    items,
    list_of,
    number,
    optional,
    pairs,
    read_yaml,
    record,
    split,
    text,
    whole,
)
from alma.agent.output_schema import object_schema
from alma.errors import RoleInvalid, RoleProblem
from alma.events import KINDS, Kind
from alma.model_call import Sampling

Scope = Literal["private", "team", "owner"]
MemoryKind = Literal["working", "episodic", "semantic", "procedural"]
Keep = Literal["speech", "results", "facts"]
NAME = "[a-z][a-z0-9_-]{0,39}"
MAX_BYTES = 256 * 1024
_MAX_FRONT = 64 * 1024  # characters; Python reads some 80,000 a second at worst
_SECTIONS = ("synthesis", "plan")
_ITSELF = "a role cannot name itself here"


class KindSpec(Struct, frozen=True):
    """How a role treats one kind of task. `examples`: sentences that are of this kind."""

    sampling: Sampling
    examples: list[str]
    prompt: str


class MemoryPolicy(Struct, frozen=True):
    """Whose memories an agent is reminded of, where it may leave some, and how many tokens of its prompt they may take.
    private: its own; team: all roles'; owner: all that is known of the user. `kinds`: which of them; `hits`: at most so
    many; `keep`: what of its own work becomes memories: what it says while it says it, its results, facts about the
    user."""

    recall: list[Scope] = field(default_factory=lambda: ["private", "team", "owner"])
    write: list[Scope] = field(default_factory=lambda: ["private"])
    tokens: int = 200
    kinds: list[MemoryKind] = field(default_factory=lambda: ["working", "episodic", "semantic", "procedural"])
    hits: int = 6
    keep: list[Keep] = field(default_factory=lambda: ["speech", "results", "facts"])


class Budgets(Struct, frozen=True):
    """What one task of a role may use. `tokens`, `seconds`: 0 takes a share of the parent's. `depth`: the deepest level
    of a run, whose own task is 0, to which it may delegate; `children`: tasks in one plan; `parallel`: tasks of this
    role that run at once."""

    tokens: int = 0
    seconds: float = 0.0
    tool_calls: int = 8
    depth: int = 3
    children: int = 12
    parallel: int = 16


class WorkedExample(Struct, frozen=True):
    """A task, and the answer that one would wish for."""

    task: str
    answer: str


class Role(Struct, frozen=True):
    """`prompt`: what every task of the role begins with; `sections`: the text under its headings. `model`: None for the
    default one. `stand_ins`, `stand_in_models`: who takes over when it fails, in this order. `variant_of`: the role
    whose tasks it may do in its place; `models`: between which, and its usual one, learning may choose. `when`: how
    work for it is put. `version`: first 12 hex digits of the file's SHA-256; `source`: the file's text."""

    name: str
    purpose: str
    prompt: str
    version: str
    source: str
    kinds: dict[Kind, KindSpec] = {}
    sections: dict[str, str] = {}
    model: str | None = None
    sampling: Sampling = Sampling()
    tools: list[str] = []
    delegates_to: list[str] = []
    stand_ins: list[str] = []
    stand_in_models: list[str] = []
    variant_of: str | None = None
    models: list[str] = []
    memory: MemoryPolicy = MemoryPolicy()
    budgets: Budgets = Budgets()
    output_schema: dict[str, Any] | None = None
    examples: list[WorkedExample] = []
    when: list[str] = []


# ── the fields ────────────────────────────────────────────────────────────────────────────────────────────────────

_ROLE_NAME = text(40, NAME, "a role's name (small letters, digits, - and _)")
_ROLE_NAMES = list_of(_ROLE_NAME, 64, distinct=True)
_MODEL = text(300, r"\S+", "a model's id such as ollama/qwen3:4b")
_SCOPES = list_of(choice("private", "team", "owner"), 3, distinct=True)
_SAMPLING = record({"temperature": number(0, 2), "top_p": number(0, 1), "max_tokens": whole(1, 1_000_000)})
_KIND = record({"sampling": _SAMPLING, "examples": list_of(text(2000), 1000)}, required=("sampling", "examples"))
_FIELDS: dict[str, Check] = {
    "name": _ROLE_NAME,
    "purpose": text(300),
    "when": list_of(text(300), 200, distinct=True),
    "model": optional(_MODEL),
    "sampling": _SAMPLING,
    "tools": list_of(text(64, r"\*|[A-Za-z_][\w-]*", "a tool's name, or * for all"), 200, distinct=True),
    "delegates_to": _ROLE_NAMES,
    "stand_ins": _ROLE_NAMES,
    "stand_in_models": list_of(_MODEL, 16, distinct=True),
    "variant_of": optional(_ROLE_NAME),
    "models": list_of(_MODEL, 16, distinct=True),
    "memory": record(
        {
            "recall": _SCOPES,
            "write": _SCOPES,
            "tokens": whole(0, 100_000),
            "kinds": list_of(choice("working", "episodic", "semantic", "procedural"), 4, distinct=True),
            "hits": whole(0, 100),
            "keep": list_of(choice("speech", "results", "facts"), 3, distinct=True),
        }
    ),
    "budgets": record(
        {
            "tokens": whole(0, 100_000_000),
            "seconds": number(0, 86_400),
            "tool_calls": whole(0, 1000),
            "depth": whole(0, 16),
            "children": whole(0, 1000),
            "parallel": whole(1, 1000),
        }
    ),
    "output_schema": optional(object_schema),
    "examples": list_of(record({"task": text(8000), "answer": text(8000)}, required=("task", "answer")), 32),
    "kinds": record(dict.fromkeys(KINDS, _KIND), required=KINDS),
}
_FRONT = record(_FIELDS, required=("name", "purpose"))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


def shipped_folder() -> Path:
    """Where Alma's own roles are: `agents/` of the clone, or inside the installed package."""
    installed = Path(__file__).parent / "roles"
    return installed if (installed / "manager.md").is_file() else Path(__file__).parents[3] / "agents"


def load_role(name: str, folder: Path | None = None) -> Role:
    """Read `name`.md from `folder`, else the one that ships. Raises `RoleInvalid`."""
    path = (folder or shipped_folder()) / f"{name}.md"
    return read_role(path if path.exists() else shipped_folder() / f"{name}.md")


def read_role(path: Path) -> Role:
    """Read a role file, whose name must be the role's. Raises `RoleInvalid`, also for what cannot be read."""
    try:
        source = _bytes_of(path).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _refused(path, "expected UTF-8 text", line) from None
    except (OSError, RuntimeError) as error:  # the latter: links in a circle
        raise _refused(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse_role(source, str(path), path.stem)


def _bytes_of(path: Path) -> bytes:
    """Looks before it opens: a pipe would be waited for."""
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise _refused(path, "leads out of its folder; put the file itself here")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "expected a file")
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise _refused(path, f"expected at most {MAX_BYTES:,} bytes, came {status.st_size:,}")
    if not raw.strip():
        raise _refused(path, "is empty")
    if (at := raw.find(b"\0")) >= 0:
        raise _refused(path, "expected text, came a zero byte", raw.count(b"\n", 0, at) + 1)
    return raw


def _refused(path: Path, message: str, line: int = 0) -> RoleInvalid:
    return RoleInvalid(str(path), [RoleProblem(str(path), line, "", message)])


@functools.lru_cache(64)  # to read YAML takes long, and the same texts are read again by each Alma in a process
def parse_role(source: str, where: str, called: str | None = None) -> Role:
    """The role in a file's text; `where` names the file, `called` is what the role's name must be. Raises
    `RoleInvalid` with every problem in it."""
    notes = Notes(where, first_line=2)

    def check(node: yaml.Node, path: str, notes: Notes) -> None:
        _FRONT(node, path, notes)
        found = {str(key.value): value for key, value in pairs(node)} if isinstance(node, yaml.MappingNode) else {}
        _check_sections(prompt, sections, "kinds" in found, notes)
        _check_names(found, called, notes)

    try:
        front_text, prompt, sections = split(source, notes)
        if len(front_text) > _MAX_FRONT:
            notes.at(2, "", f"expected at most {_MAX_FRONT:,} characters of front matter, came {len(front_text):,}")
            notes.check()
        front = read_yaml(front_text, check, notes)
    except RecursionError:
        raise RoleInvalid(where, [RoleProblem(where, 2, "", "the front matter is nested too deeply")]) from None
    texts = {section.name: section.text for section in sections}
    for kind, spec in front.get("kinds", {}).items():
        spec["prompt"] = f"{prompt}\n{texts[kind]}".strip()
    version = hashlib.sha256(source.encode()).hexdigest()[:12]
    return msgspec.convert({**front, "prompt": prompt, "sections": texts, "version": version, "source": source}, Role)


def _check_sections(prompt: str, sections: list[Section], has_kinds: bool, notes: Notes) -> None:
    """Kinds, where the role has them, each need a section: that is their prompt."""
    known = (*KINDS, *_SECTIONS) if has_kinds else _SECTIONS
    lines: dict[str, int] = {}
    for section in sections:
        heading = f"# {section.name}"
        if section.name not in known:
            hint = guess(section.name, known) or f"; expected one of {', '.join(known)}"
            notes.at(section.line, heading, f"unknown section{hint}; a heading inside a prompt begins with ##")
        elif section.name in lines:
            notes.at(section.line, heading, f"is given twice, first in line {lines[section.name]}")
        lines.setdefault(section.name, section.line)
    for kind in KINDS if has_kinds else ():
        if kind not in lines:
            notes.at(notes.last_line, f"# {kind}", "is missing: expected a section with the prompt of this kind")
    if not prompt and not has_kinds:
        notes.at(notes.last_line, "", "the prompt is missing: expected text below the front matter")


def _check_names(found: dict[str, yaml.Node], called: str | None, notes: Notes) -> None:
    name = found.get("name")
    if name is None:
        return
    if called is not None and name.value != called:
        notes.wrong(name, "name", f"{called!r}, as the file is called")
    for names in ("delegates_to", "stand_ins"):
        listed = found.get(names)
        for at, item in enumerate(items(listed) if isinstance(listed, yaml.SequenceNode) else ()):
            if item.value == name.value:
                notes.say(item, f"{names}[{at}]", _ITSELF)
    variant_of = found.get("variant_of")
    if variant_of is not None and variant_of.value == name.value:
        notes.say(variant_of, "variant_of", _ITSELF)

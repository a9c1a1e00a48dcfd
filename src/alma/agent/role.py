"""A role: one Markdown file that says what an agent is, how it samples, and by which examples tasks are told apart.

The file has YAML front matter (name, purpose, kinds) and a prompt per kind under `# kind` headings; text before the
first such heading is common to all. Its version is the hash of its bytes, so a prompt can always be found again.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
import yaml

from alma.errors import StartupError
from alma.events import KINDS, Kind, Sampling

_SHIPPED = Path(__file__).parent / "roles"


class KindSpec(msgspec.Struct, frozen=True):
    """How a role treats one kind of task. `examples`: sentences that are of this kind."""

    sampling: Sampling
    examples: list[str]
    prompt: str


class Role(msgspec.Struct, frozen=True):
    """`version`: first 12 hex digits of the file's SHA-256; `source`: the file's text."""

    name: str
    purpose: str
    kinds: dict[Kind, KindSpec]
    version: str
    source: str


class _FrontKind(msgspec.Struct, forbid_unknown_fields=True):
    sampling: Sampling
    examples: list[str]


class _Front(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    purpose: str
    kinds: dict[Kind, _FrontKind]


def load_role(name: str, folder: Path | None = None) -> Role:
    """Read `name`.md from `folder`, else the one that ships. Raises `StartupError` naming file and field."""
    path = (folder or _SHIPPED) / f"{name}.md"
    if not path.exists():
        path = _SHIPPED / f"{name}.md"
    return parse_role(path.read_text(encoding="utf-8"), str(path))


def parse_role(source: str, where: str) -> Role:
    parts = re.match(r"---\n(.*?)\n---\n(.*)", source, re.DOTALL)
    if parts is None:
        raise StartupError(f"{where}: no front matter.", expected="YAML between two lines of ---")
    try:
        front = msgspec.convert(yaml.safe_load(parts[1]), _Front)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise StartupError(f"{where}: the front matter is wrong.", actual=str(error)) from error
    common, prompts = _split(parts[2])
    kinds: dict[Kind, KindSpec] = {}
    for kind in KINDS:
        if kind not in front.kinds or kind not in prompts:
            raise StartupError(f"{where}: kind {kind!r} is missing.", expected=f"kinds.{kind} and a heading '# {kind}'")
        spec = front.kinds[kind]
        kinds[kind] = KindSpec(spec.sampling, spec.examples, f"{common}\n{prompts[kind]}".strip())
    version = hashlib.sha256(source.encode()).hexdigest()[:12]
    return Role(front.name, front.purpose, kinds, version, source)


def _split(body: str) -> tuple[str, dict[str, str]]:
    """The text before the first `# kind` heading, and the text under each."""
    pieces = re.split(r"^# (\w+)\s*$", body, flags=re.MULTILINE)
    return pieces[0].strip(), {name: text.strip() for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}

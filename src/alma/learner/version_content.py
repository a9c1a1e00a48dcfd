"""Whether what somebody wrote can be a version, and the hash that it goes by. Pure."""

from __future__ import annotations

import hashlib
import re

import msgspec

from alma.agent.role import Role, parse_role
from alma.errors import InvalidRequest, RoleInvalid
from alma.learner.version_records import Note, Policy, What

MOST_BYTES = 256 * 1024
MOST_NOTES = 100
_SHOWN_PROBLEMS = 20
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_NOTES = msgspec.json.Decoder(list[Note])
_POLICY = msgspec.json.Decoder(Policy)


def check(what: What, of: str, content: str) -> str:
    """The hash of a content that can be used. Raises `InvalidRequest`: role_invalid with the numbers of the lines,
    version_invalid."""
    if _NO_TEXT.search(content) is not None:
        raise InvalidRequest(
            "version_invalid", "This is no text.", expected="text without zero bytes and half characters"
        )
    if (size := len(content.encode())) > MOST_BYTES:
        raise InvalidRequest(
            "version_too_large",
            "A version cannot be as large as that.",
            expected=f"at most {MOST_BYTES:,} bytes",
            actual=f"{size:,}",
        )
    match what:
        case "prompt":
            return read_prompt(of, content).version
        case "notes":
            read_notes(content)
        case "policy":
            read_policy(content)
    return hash_of(content)


def hash_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def read_prompt(of: str, content: str) -> Role:
    try:
        return parse_role(content, f"{of}.md", of)
    except RoleInvalid as error:
        shown = error.problems[:_SHOWN_PROBLEMS]
        more = len(error.problems) - len(shown)
        raise InvalidRequest(
            "role_invalid",
            f"This is no file of the role {of}.",
            expected="a role file: front matter with name and purpose, then the prompt",
            actual="\n".join(map(str, shown)) + (f"\nand {more} more" if more else ""),
            hint="The number after the file's name is the line; docs/roles.md has all fields.",
        ) from None


def read_notes(content: str) -> list[Note]:
    try:
        notes = _NOTES.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _invalid("notes", 'a list as [{"id": "n1", "text": "Name your sources."}]', str(error)) from None
    if len(notes) > MOST_NOTES:
        raise _invalid("notes", f"at most {MOST_NOTES} notes", f"{len(notes)}")
    if twice := sorted({one.id for one in notes if sum(other.id == one.id for other in notes) > 1}):
        raise _invalid("notes", "each id once", f"{twice[0]!r} twice")
    return notes


def read_policy(content: str) -> Policy:
    try:
        policy = _POLICY.decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        expected = 'an object with any of "exploration", "arms", "pinned", "priors"'
        raise _invalid("policy", expected, str(error)) from None
    for arm in (*policy.arms, *policy.priors, *([policy.pinned] if policy.pinned else ())):
        if arm.count("|") != 2 or len(arm) > 400:
            raise _invalid("policy", "arms as role|model|pattern, each part empty where it is as usual", arm[:100])
    if policy.pinned and policy.arms and policy.pinned not in policy.arms:
        raise _invalid("policy", "a pinned arm that is one of those allowed", policy.pinned)
    return policy


def _invalid(what: str, expected: str, actual: str) -> InvalidRequest:
    return InvalidRequest("version_invalid", f"These {what} cannot be read.", expected=expected, actual=actual[:500])

"""Takes secrets out of whatever is told of Alma: log records, tracebacks, errors, traces.

Three nets, one behind the other: values under a name that says "secret"; words that look like one (access tokens,
bearer headers, keys of well-known services, passwords in addresses); and the exact secrets that this process was given,
however they are quoted. What is no secret may be hidden by mistake; the reverse is what must not happen.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "[redacted]"
SHORTEST = 6  # characters of a known secret; a shorter one stands in too many innocent words
_DEEPEST = 8
_WORDS = re.compile(
    "authorization|bearer|cookies?|credentials?|dsn|passphrase|passwd|passwords?|pwd|secrets?|token|apikey"
)
_PAIRS = frozenset({("api", "key"), ("private", "key"), ("access", "key"), ("signing", "key")})
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_SECRET_NAME = r"(?:passw(?:or)?d|passphrase|pwd|secret|api[_-]?key|private[_-]?key|access[_-]?key|credentials?|dsn)"
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]"']+)"""
_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), HIDDEN),
    (re.compile(r"(?i)\b((?:set-)?cookie\w*[\"']?\s*[=:]\s*)[^\r\n]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic|digest)(\s+)[\w.~+/=-]{6,}"), rf"\1\2{HIDDEN}"),
    (re.compile(r"\balma_[\w-]{12,}"), HIDDEN),
    (re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{8,}"), HIDDEN),
    (re.compile(r"\b(?:gh[pousr]|github_pat|glpat|hf|gsk|xai|xox[abprs])[-_][\w-]{12,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), HIDDEN),
    (re.compile(r"(://[^\s/:@'\"]*:)[^\s/'\"]*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(://)[^\s/:@'\"]{16,}@"), rf"\1{HIDDEN}@"),
    # Names may begin anyhow, so only how they end is looked for: whatever is searched, it takes time in proportion.
    (re.compile(rf"(?i)({_SECRET_NAME}\w{{0,60}}[\"']?\s*[=:]\s*){_VALUE}"), rf"\1{HIDDEN}"),
    # A number of tokens is no token.
    (
        re.compile(rf"(?i)((?:token|authorization)[\"']?\s*[=:]\s*)(?!-?\d+(?:\.\d+)?(?![\w.-])){_VALUE}"),
        rf"\1{HIDDEN}",
    ),
)


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is not to be shown: `api_key`, `X-Auth-Token`, `smtpPassword`; but not
    `tokens` or `token_id`."""
    parts = [part.lower() for part in _PART.findall(name)]
    if parts and parts[-1] in ("id", "env", "name", "hint", "file", "path", "dir"):
        return False
    return any(map(_WORDS.fullmatch, parts)) or any(pair in _PAIRS for pair in itertools.pairwise(parts))


def secrets_in(environ: Mapping[str, str]) -> set[str]:
    """Values of the environment that its names call secret, and the passwords of its addresses."""
    found = {value for name, value in environ.items() if is_secret_name(name) and name not in ("PWD", "OLDPWD")}
    for value in environ.values():
        found |= passwords_in(value)
    return found


def passwords_in(address: str) -> set[str]:
    """The password in an address; of one that has only a user (as a DSN has its key), the user."""
    try:
        parts = urlsplit(address)
        given = parts.password or parts.username or ""
    except ValueError:
        return set()
    return {given, unquote(given)} if len(given) >= SHORTEST else set()


class Redactor:
    """`secrets`: exact values that are hidden wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            if len(secret) >= SHORTEST:
                forms |= {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        ordered = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, instead in _LOOKS:
            text = pattern.sub(instead, text)
        return text

    def value(self, value: Any, name: str = "", depth: int = 0) -> Any:
        """The same of text, numbers, lists and mappings; anything else as its `str`, redacted. `name`: under which it
        stands."""
        if value is None or isinstance(value, bool):
            return value
        secret = bool(name) and is_secret_name(name)
        if isinstance(value, int | float):
            return HIDDEN if secret and "token" not in name.lower() else value
        if secret:
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if depth >= _DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {self.text(str(key)): self.value(one, str(key), depth + 1) for key, one in items}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(one, name, depth + 1) for one in cast("Iterable[object]", value)]
        return self.text(_said(value))


def _said(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # somebody else's `__str__`: a record must not fail on it
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"

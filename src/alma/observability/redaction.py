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
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?)"""  # one that does not end goes to the end of the text
_VALUE = rf"(?:{_QUOTED}|\S+)"  # without quotes up to a space: passwords have commas and brackets in them too
# Whatever is searched, it takes time in proportion: of names it is only looked for how they end, what repeats is
# bounded or gives nothing back, and no pattern begins anew within what another try of it has read.
_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), HIDDEN),
    (re.compile(r"(?i)((?:authorization|cookie)\w{0,60}[\"']?\s*[=:]\s*)[^\r\n]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic|digest)(\s+)[\w.~+/=-]{6,}"), rf"\1\2{HIDDEN}"),
    (re.compile(r"\balma_[\w-]{12,}"), HIDDEN),
    (re.compile(r"\b(?:sk|pk|rk)[-_][\w-]{8,}"), HIDDEN),
    (re.compile(r"\b(?:gh[pousr]|github_pat|glpat|hf|gsk|xai|xox[abprs])[-_][\w-]{12,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"), HIDDEN),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*"), HIDDEN),
    # Addresses that are the secret: of webhooks (Slack, Discord, Teams), and of bots (Telegram).
    (re.compile(r"(?i)(hooks\.slack(?:-gov)?\.com/)[^\s\"'<>]+"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(?i)(discord(?:app)?\.com/api/(?:v\d{1,3}/)?webhooks/|webhook\.office\.com/)[^\s\"'<>]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)(?<![a-z0-9])(bot)?(?<!\d)\d{6,12}:[\w-]{30,}"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)({_SECRET_NAME}\w{{0,60}}[\"']?\s*[=:]\s*){_VALUE}", re.S), rf"\1{HIDDEN}"),
    # A number of tokens is no token.
    (
        re.compile(rf"(?i)(token[\"']?\s*[=:]\s*)(?!-?\d+(?:\.\d+)?(?:[,;]?(?:\s|\Z)|[)}}\]&])){_VALUE}", re.S),
        rf"\1{HIDDEN}",
    ),
    # A name and its value side by side: `('x-api-key', 'abc')`, `{"name": "x-api-key", "value": "abc"}`.
    (
        re.compile(
            rf"(?i)((?:(?:{_SECRET_NAME}|authorization|cookie)\w{{0,60}}|token)[\"']\s*,\s*"
            rf"(?:[\"']value[\"']\s*:\s*)?b?){_QUOTED}",
            re.S,
        ),
        rf"\1{HIDDEN}",
    ),
)
_END_OF_ADDRESS = re.compile(r"[\s'\"]")


def _without_passwords(text: str) -> str:
    """The passwords of addresses, which have any sign but spaces and quotes in them, also `/` and `@`. Each stretch of
    text is looked at once, however many addresses are in it."""
    at = text.find("://")
    if at < 0 or "@" not in text:
        return text
    pieces: list[str] = []
    done = 0
    while at >= 0:
        begin = at + 3
        end = found.start() if (found := _END_OF_ADDRESS.search(text, begin)) is not None else len(text)
        user, colon, _ = text[begin : max(text.rfind("@", begin, end), begin)].partition(":")
        if colon or (len(user) >= 16 and "/" not in user):  # without a password the user is a key: of a DSN
            pieces += [text[done:begin], user if colon else "", colon, HIDDEN]
            done = text.rfind("@", begin, end)
        at = text.find("://", end)
    return "".join([*pieces, text[done:]])


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
        return _without_passwords(text)

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
            given = cast("Mapping[object, object]", value)
            items = (_pair_hidden(given) if "value" in given else given).items()
            return {self.text(str(key)): self.value(one, str(key), depth + 1) for key, one in items}
        if isinstance(value, list | tuple | set | frozenset):
            ones = [*cast("Iterable[object]", value)]
            if len(ones) == 2 and isinstance(value, list | tuple) and _is_secret(ones[0]):
                return [self.value(ones[0], name, depth + 1), HIDDEN]  # a header and what it says
            return [self.value(one, name, depth + 1) for one in ones]
        return self.text(_said(value))


def _is_secret(name: object) -> bool:
    """Of a header's name, which servers give as bytes."""
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    return isinstance(name, str) and len(name) < 100 and is_secret_name(name)


def _pair_hidden(given: Mapping[object, object]) -> Mapping[object, object]:
    """Of a name and a value that are told as such."""
    if any(_is_secret(given.get(key)) for key in ("name", "key", "header")):
        return {**given, "value": HIDDEN}
    return given


def _said(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001  # somebody else's `__str__`: a record must not fail on it
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"

"""No secret gets out, however it stands in what is told; and what is none stays readable."""

from __future__ import annotations

import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.choices import recorder_of
from alma.observability.redaction import HIDDEN, Redactor, is_secret_name, passwords_in, secrets_in
from alma.settings import Settings

SECRETS = st.text(string.ascii_letters + string.digits + "-_.!$%/+=#", min_size=6, max_size=60)
AROUND = st.text(max_size=60)
TOKENS = st.from_regex(r"alma_[0-9a-f]{10}_[0-9a-f]{64}", fullmatch=True)
KEYS = st.from_regex(r"sk-[A-Za-z0-9]{20,48}", fullmatch=True)
NAMES = ["token", "ACCESS_TOKEN", "password", "dbPassword", "secret", "client_secret", "api_key", "apiKey", "X-API-Key"]
NAMES += ["authorization", "Cookie", "Set-Cookie", "sentry_dsn", "private_key", "smtp-password", "credentials"]


@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_a_known_secret_is_nowhere_in_any_quoting(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret]).text
    for form in (secret, quote(secret), quote(secret, safe=""), json.dumps(secret), repr(secret)):
        assert secret not in redact(before + form + after).replace(HIDDEN, "\0")


@given(token=TOKENS | KEYS, before=st.sampled_from(["", " ", "token ", "(", '"', "=", "/?x=", "\n"]), after=AROUND)
def test_what_looks_like_a_token_is_hidden(token: str, before: str, after: str) -> None:
    assert token not in Redactor().text(f"{before}{token} {after}")


@given(secret=SECRETS, scheme=st.sampled_from(["Bearer", "bearer", "Basic"]))
def test_a_header_that_carries_a_secret_is_hidden(secret: str, scheme: str) -> None:
    word = "".join(letter for letter in secret if letter.isalnum()) + "tail77"
    for line in (f"Authorization: {scheme} {word}", f"{{'authorization': '{scheme} {word}'}}", f"{scheme} {word}"):
        assert word not in Redactor().text(line)


@given(
    password=st.text(string.ascii_letters + string.digits + "@:!-_", min_size=1, max_size=30),
    scheme=st.sampled_from(["postgresql", "redis", "https", "smtp"]),
)
def test_the_password_of_an_address_is_hidden_and_the_rest_stays(password: str, scheme: str) -> None:
    said = Redactor().text(f"cannot reach {scheme}://ada:{password}@db.example.org/alma now")
    assert said == f"cannot reach {scheme}://ada:{HIDDEN}@db.example.org/alma now"


@given(secret=SECRETS, name=st.sampled_from(NAMES))
def test_a_value_under_a_name_that_says_so_is_hidden_at_any_depth(secret: str, name: str) -> None:
    value: Any = {"a": [{"b": {name: secret}}], name: [secret], "c": {name: {"inner": secret}}}
    assert secret not in str(Redactor().value(value)).replace(HIDDEN, "\0")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["{}={}", "{}: {}", '"{}": "{}"', "'{}': '{}'", "?{}={}&x=1"])
def test_a_pair_of_name_and_value_in_a_text_is_hidden(name: str, form: str) -> None:
    assert "Zw9xQ2" not in Redactor().text(form.format(name, "Zw9xQ2-k"))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Token Zw9xQ2",
        "proxy-authorization: AWS4-HMAC-SHA256 Credential=a, Signature=Zw9xQ2",
        "session_cookie=a; b=Zw9xQ2",
        "[('x-api-key','Zw9xQ2')]",
        "[(b'Authorization', b'Token Zw9xQ2'), (b'host', b'here')]",
        '["x-api-key", "Zw9xQ2"]',
        '{"name": "x-api-key", "value": "Zw9xQ2"}',
        "password=ab,Zw9xQ2",
        "password=ab)Zw9xQ2 failed",
        'password="ab Zw9xQ2',
        "token=123,Zw9xQ2",
        "postgresql://user:pa/Zw9xQ2@host/db",
        "redis://user:a://Zw9xQ2@host",
        "https://hooks.slack.com/services/T00000000/B00000000/Zw9xQ2",
        "https://api.telegram.org/bot123456789:AAZw9xQ2-aaaaaaaaaaaaaaaaaaaaaaaaaaaa/sendMessage",
        "https://discord.com/api/webhooks/1234/Zw9xQ2",
    ],
)
def test_a_secret_is_hidden_to_its_end(text: str) -> None:
    assert "Zw9xQ2" not in Redactor().text(text)
    assert "Zw9xQ2" not in str(Redactor().value({"told": [text]}))


@pytest.mark.parametrize(
    "value",
    [
        [("x-api-key", "Zw9xQ2")],
        [(b"authorization", b"Zw9xQ2"), (b"host", b"here")],
        [["cookie", {"a": "Zw9xQ2"}]],
        {"headers": [{"name": "X-Api-Key", "value": "Zw9xQ2"}]},
    ],
)
def test_a_name_and_its_value_side_by_side_are_a_pair(value: Any) -> None:
    assert "Zw9xQ2" not in str(Redactor().value(value))


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 120, first_token_ms: 12, token: 5",
        "the run r-1 was stopped by its owner",
        "GET /api/threads/{thread_id}: 200 in 3.1 ms",
        "http://127.0.0.1:8000/api/health",
        "'keyboard': 'QWERTZ', tokenizer=bpe",
        "read https://medium.example/@ada and http://127.0.0.1:8000/ for ada@example.org",
        '{"token": 5} and (token=7)',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor(["abc", ""]).text(text) == text  # too short to be told from a word


def test_names_that_only_speak_of_secrets_are_none() -> None:
    for name in ("token_id", "tokens", "api_key_env", "max_tokens", "tokenizer", "secret_name", "key", "monkey"):
        assert not is_secret_name(name)
    assert Redactor().value({"tokens": 5, "token": 7, "password": 12345}) == {
        "tokens": 5,
        "token": 7,
        "password": HIDDEN,
    }


def test_secrets_are_found_where_the_process_was_given_them() -> None:
    environ = {"HF_TOKEN": "hf-value", "PATH": "/bin", "DATABASE": "postgresql://a:p%40ss-word@h/d", "PWD": "/home/ada"}
    assert secrets_in(environ) == {"hf-value", "p%40ss-word", "p@ss-word"}
    assert passwords_in("https://0123456789abcdef@sentry.example.org/1") == {"0123456789abcdef"}
    assert passwords_in("http://[broken") == set()


def test_what_cannot_be_shown_is_said_so() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert "cannot be shown" in Redactor().value({"x": Odd()})["x"]
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    assert "…" in str(Redactor().value(deep))


@pytest.mark.parametrize(
    "word",
    [
        "a",
        "a-",
        "token",
        "secret",
        "password",
        "cookie",
        "://a:",
        "://",
        "eyJ-",
        "eyJaaaaaaaa.",
        "password='",
        '"token",',
        "password=\\",
        'secret="\\',
        "bot1",
        "1:",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "basic ",
        "pwd  ",
        "dsn\n",
    ],
)
def test_a_long_line_costs_no_more_than_its_length(word: str) -> None:
    """Texts are searched on the event loop too: with a search in square time this would take hours."""
    assert len(Redactor().text(word * (1_000_000 // len(word)))) <= 1_000_000 * len(HIDDEN)


def test_the_address_of_a_webhook_is_a_secret() -> None:
    hook = "https://hooks.example.org/services/T0/B0/Wq8"
    choice = recorder_of(Settings(alert_webhook=hook))
    assert choice.facts["alert_webhook"] == hook
    assert Redactor(choice.secrets).value(choice.facts)["alert_webhook"] == HIDDEN

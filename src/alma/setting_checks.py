"""What a setting may be, where a type alone does not say it: each check with what it expects, in words."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic.fields import FieldInfo


def _listen_address(host: str) -> str:
    if host == "localhost" or ipaddress.ip_address(host):
        return host
    raise ValueError


def _database_url(url: str) -> str:
    if re.match(r"(sqlite:///.|postgresql(\+psycopg)?://.)", url):
        return url
    raise ValueError


def _origin(origin: str) -> str:
    if re.fullmatch(r"https?://[^/\s]+", origin):
        return origin
    raise ValueError


def _web_address(address: str) -> str:
    if re.fullmatch(r"(https?://)?[^/\s]+(/\S*)?", address):
        _ = urlsplit(address if "://" in address else f"http://{address}").port  # raises where it is none
        return address
    raise ValueError


def _http_address(address: str) -> str:
    if re.fullmatch(r"https?://[^/\s].*", address):
        return _web_address(address)
    raise ValueError


def _gguf(path: Path) -> Path:
    with contextlib.suppress(OSError), path.open("rb") as file:
        if file.read(4) == b"GGUF":
            return path
    raise ValueError


def _folder(path: Path) -> Path:
    if path.is_dir():
        return path
    raise ValueError


def split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def says(words: str, reason: str = "") -> FieldInfo:
    return Field(json_schema_extra={"expected": words, "reason": reason})


ListenAddress = Annotated[
    str,
    AfterValidator(_listen_address),
    says(
        "an address of this machine: 127.0.0.1, ::1, localhost, 0.0.0.0 (all of them) or one of its own",
        "On any other than loopback Alma starts only when there are access tokens (`alma tokens add`).",
    ),
]
DatabaseUrl = Annotated[
    str, AfterValidator(_database_url), says("sqlite:///path or postgresql://user:password@host/name")
]
Origins = Annotated[
    list[Annotated[str, AfterValidator(_origin)]],
    BeforeValidator(split),
    says("origins such as http://localhost:3000, separated by commas"),
]
GgufFile = Annotated[Path, AfterValidator(_gguf), says("the path of a model file in GGUF format")]
Folder = Annotated[Path, AfterValidator(_folder), says("a folder that exists")]
HttpAddress = Annotated[
    str,
    AfterValidator(_http_address),
    says("an address that begins with http:// or https://, as https://example.org/in"),
]
WebAddress = Annotated[str, AfterValidator(_web_address), says("an address such as http://127.0.0.1:11434")]


def _addresses(words: list[str]) -> list[str]:
    for word in words:
        ipaddress.ip_network(word, strict=False)
    return words


def _rates(text: str) -> str:
    if text.strip().lower() == "off":
        return ""
    for part in filter(None, re.split(r"[;,]", text)):
        if not re.fullmatch(r"\s*[1-9]\d{0,15}\s*(/|per)\s*(\d+\s*)?(second|minute|hour|day)s?\s*", part):
            raise ValueError
    return text.strip()


def _storage(url: str) -> str:
    if re.fullmatch(r"(redis|rediss|valkey|valkeys)://\S+", url):
        return url
    raise ValueError


def _mail_server(url: SecretStr) -> SecretStr:
    if re.fullmatch(r"smtps?://([^\s/@]+@)?[^\s/@]+(:\d+)?", url.get_secret_value()):
        return url
    raise ValueError


Addresses = Annotated[
    list[str],
    BeforeValidator(split),
    AfterValidator(_addresses),
    says("IP addresses or networks such as 10.0.0.0/8, separated by commas"),
]
Names = Annotated[list[str], BeforeValidator(split), says("names, separated by commas")]
Rates = Annotated[
    str,
    AfterValidator(_rates),
    says("rates such as `20/second; 600/minute`, of which all hold, or `off`"),
]
RateStorage = Annotated[str, AfterValidator(_storage), says("redis://host:6379/0 or valkey://…")]
MailServer = Annotated[SecretStr, AfterValidator(_mail_server), says("smtp://user:password@host:587 or smtps://…")]

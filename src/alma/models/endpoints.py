"""`models.toml`: the endpoints a user connected, the default model, the chosen GGUF. Read, checked, written in place.

Comments and order survive a write. The file holds keys, so only its owner may read it, and a write is one rename.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import tomlkit
from msgspec import Struct
from tomlkit.exceptions import ParseError
from tomlkit.items import AoT

from alma.errors import SettingsInvalid
from alma.model_call import Usage

DEFAULT_CONCURRENCY = 8
LEAST_WEIGHT = 0.01
RESERVED = ("embedded", "scripted", "pool")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_URL = "http(s)://host[:port][/path], mostly ending in /v1"


class Price(Struct, frozen=True):
    """US dollars for a million tokens. `cached_input`: of those that the endpoint had read before; None: as others."""

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None

    def of(self, usage: Usage | None) -> float:
        """What a call cost, in US dollars; 0 when its endpoint did not say what it used."""
        if usage is None:
            return 0.0
        cached = min(usage.cached_tokens, usage.input_tokens)
        of_cached = self.input if self.cached_input is None else self.cached_input
        read = (usage.input_tokens - cached) * self.input + cached * of_cached
        return (read + usage.output_tokens * self.output) / 1e6


class Endpoint(Struct, frozen=True):
    """An OpenAI-compatible address. `models` empty: ask the endpoint. `context_window` None: what the endpoint says, or
    a cautious guess. `tokenizer`: it has llama.cpp's /tokenize. `weight`: its part of the calls where several endpoints
    have a model. `aliases`: its name of a model → the name under which that is offered. `source`: who named it."""

    name: str
    base_url: str
    api_key: str | None = None
    api_key_env: str | None = None
    models: tuple[str, ...] = ()
    context_window: int | None = None
    concurrency: int = DEFAULT_CONCURRENCY
    first_token_timeout: float | None = None
    stall_timeout: float | None = None
    tokenizer: bool = False
    price: Price = Price()
    weight: float = 1.0
    aliases: dict[str, str] = {}
    source: str = "file"

    def offered(self, served: str) -> str:
        """The name under which a model of this endpoint is known."""
        return self.aliases.get(served, served)

    def served(self, offered: str) -> str:
        """What the endpoint calls a model that is known as `offered`."""
        return next((served for served, name in self.aliases.items() if name == offered), offered)

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r}, {self.base_url!r})"  # never the key: this may be logged

    def key(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """The key to send, if any. Without the line break that a key read from a file often ends in."""
        key = self.api_key or (environ.get(self.api_key_env) if self.api_key_env else None) or ""
        return key.strip() or None


class ModelsFile(Struct, frozen=True):
    """What the file says. `default` is a model id, `gguf` the path of the embedded model's file."""

    endpoints: tuple[Endpoint, ...] = ()
    default: str | None = None
    gguf: str | None = None


def check(path: Path) -> list[str]:
    """All problems of the file, one line each; none when it is fine or not there."""
    return _read(path)[1]


def load(path: Path) -> ModelsFile:
    """The file, or an empty one when there is none. Raises SettingsInvalid with every problem."""
    found, problems = _read(path)
    if problems:
        raise SettingsInvalid(problems)
    return found


def put_endpoint(path: Path, endpoint: Endpoint) -> None:
    """Add an endpoint, or replace the one of that name."""
    document = _document(path)
    table = tomlkit.table()
    usual = msgspec.to_builtins(Endpoint(endpoint.name, endpoint.base_url))
    fields: dict[str, Any] = msgspec.to_builtins(endpoint)
    for name, value in fields.items():
        if name in ("name", "base_url") or (name != "source" and value != usual[name]):
            table.add(name, _inline(value) if name in ("price", "aliases") else value)
    _drop(document, endpoint.name)
    _as_tables(document).append(table)
    _write(path, document)


def drop_endpoint(path: Path, name: str, *, orphan: bool = False) -> None:
    """Remove an endpoint, and with `orphan` the default, which was one of its models."""
    document = _document(path)
    _drop(document, name)
    if orphan:
        cast("Any", document).pop("default", None)
    _write(path, document)


def put_choice(path: Path, *, default: str | None = None, gguf: str | None = None) -> None:
    """Note the default model, the embedded model's file, or both."""
    document = _document(path)
    for name, value in (("default", default), ("gguf", gguf)):
        if value is None:
            continue
        if name in document:
            document[name] = value
        else:  # before the first table, where TOML wants top-level keys
            body = tomlkit.document()
            body.add(name, value)
            document = tomlkit.parse(tomlkit.dumps(body) + tomlkit.dumps(document))
    _write(path, document)


def _inline(fields: Mapping[str, Any]) -> Any:
    """An inline table of those fields that say something."""
    table = tomlkit.inline_table()
    for name, value in fields.items():
        if value is not None:
            table.append(name, value)
    return table


def _drop(document: tomlkit.TOMLDocument, name: str) -> None:
    """Without an endpoint the key goes too: `endpoint = []` would forbid the [[endpoint]] that a user writes below."""
    tables: Any = cast("Any", document).get("endpoint", [])
    for index in reversed(range(len(tables))):
        if tables[index].get("name") == name:
            del tables[index]
    if not tables:
        cast("Any", document).pop("endpoint", None)


def _as_tables(document: tomlkit.TOMLDocument) -> Any:
    """The document's [[endpoint]] tables, to append to; a plain array of them is rewritten as such."""
    within = cast("Any", document)
    given: Any = within.get("endpoint")
    if not isinstance(given, AoT):
        within.pop("endpoint", None)
        tables: Any = tomlkit.aot()
        for one in cast("list[Any]", given.unwrap() if given is not None else []):
            tables.append(tomlkit.item(one))
        within.add("endpoint", tables)
    return within["endpoint"]


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except ParseError as error:
        raise SettingsInvalid([f"{path}: expected TOML, came {error}"]) from None


def _write(path: Path, document: tomlkit.TOMLDocument) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp's mode is 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(tomlkit.dumps(document))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


# ── reading, with every problem named ─────────────────────────────────────────────────────────────────────────────


def _read(path: Path) -> tuple[ModelsFile, list[str]]:
    try:
        document = tomlkit.parse(path.read_text("utf-8")).unwrap()
    except FileNotFoundError:
        return ModelsFile(), []
    except (OSError, UnicodeDecodeError) as error:
        return ModelsFile(), [f"{path}: expected a readable text file in UTF-8, came {error}"]
    except ParseError as error:
        return ModelsFile(), [f"{path}: expected TOML, came {error}"]
    reader = _Reader(str(path))
    default = reader.text(document, "default", str(path))
    gguf = reader.text(document, "gguf", str(path))
    if default is not None and "/" not in default:
        reader.problem(f"{path}: default", "endpoint/model", default)
    reader.unknown(document, {"default", "gguf", "endpoint"}, str(path))
    tables = document.get("endpoint", [])
    endpoints: list[Endpoint] = []
    if isinstance(tables, list):
        for index, table in enumerate(cast("list[Any]", tables), 1):
            endpoint = reader.endpoint(table, index)
            if endpoint is not None:
                if any(other.name == endpoint.name for other in endpoints):
                    reader.problem(f"{path}: endpoint {index} name", "a name of its own", endpoint.name)
                endpoints.append(endpoint)
    else:
        reader.problem(f"{path}: endpoint", "[[endpoint]] tables", tables)
    return ModelsFile(tuple(endpoints), default, gguf), reader.problems


class _Reader:
    """Takes fields out of tables and collects what is wrong with them."""

    FIELDS = frozenset(Endpoint.__struct_fields__) - {"source"}

    def __init__(self, path: str) -> None:
        self._path = path
        self.problems: list[str] = []

    def problem(self, where: str, expected: str, actual: object) -> None:
        shown = "a secret" if where.endswith("api_key") else repr(actual)
        self.problems.append(f"{where}: expected {expected}, came {shown}")

    def unknown(self, table: Mapping[str, Any], known: set[str] | frozenset[str], where: str) -> None:
        for name in table:
            if name not in known:
                self.problem(f"{where}: {name}", f"one of {', '.join(sorted(known))}", name)

    def text(self, table: Mapping[str, Any], name: str, where: str) -> str | None:
        value = table.get(name)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.problem(f"{where}: {name}", "a text", value)
        return None

    def number(self, table: Mapping[str, Any], name: str, where: str, least: float, *, whole: bool) -> Any:
        value = table.get(name)
        kinds = (int,) if whole else (int, float)
        if value is None or (isinstance(value, kinds) and not isinstance(value, bool) and least <= value < math.inf):
            return value
        self.problem(f"{where}: {name}", f"a {'whole ' if whole else ''}number of at least {least:g}", value)
        return None

    def endpoint(self, given: Any, index: int) -> Endpoint | None:
        if not isinstance(given, dict):
            self.problem(f"{self._path}: endpoint {index}", "a table", given)
            return None
        table = cast("dict[str, Any]", given)
        count = len(self.problems)
        where = f"{self._path}: endpoint {index}" + (
            f" ({table['name']})" if isinstance(table.get("name"), str) else ""
        )
        self.unknown(table, self.FIELDS, where)
        name, base_url = self.text(table, "name", where), self.text(table, "base_url", where)
        for field, value, fits, expected in (
            ("name", name, name_fits, f"lower-case letters, digits, '.', '_', '-'; not {', '.join(RESERVED)}"),
            ("base_url", base_url, url_fits, _URL),
        ):
            if field not in table or (value is not None and not fits(value)):
                self.problem(f"{where}: {field}", expected, value)
        if "api_key" in table and "api_key_env" in table:
            self.problem(f"{where}: api_key_env", "either api_key or api_key_env", "both")
        models = table.get("models", [])
        if not isinstance(models, list) or not all(isinstance(model, str) for model in cast("list[Any]", models)):
            self.problem(f"{where}: models", "a list of names", cast("object", models))
            models = []
        tokenizer = table.get("tokenizer", False)
        if not isinstance(tokenizer, bool):
            self.problem(f"{where}: tokenizer", "true or false", tokenizer)
        endpoint = Endpoint(
            name=name or "",
            base_url=base_url or "",
            api_key=self.text(table, "api_key", where),
            api_key_env=self.text(table, "api_key_env", where),
            models=tuple(cast("list[str]", models)),
            context_window=self.number(table, "context_window", where, 256, whole=True),
            concurrency=self.number(table, "concurrency", where, 1, whole=True) or DEFAULT_CONCURRENCY,
            first_token_timeout=self.number(table, "first_token_timeout", where, 0.1, whole=False),
            stall_timeout=self.number(table, "stall_timeout", where, 0.1, whole=False),
            tokenizer=bool(tokenizer),
            price=self._price(table, where),
            weight=self.number(table, "weight", where, LEAST_WEIGHT, whole=False) or 1.0,
            aliases=self._aliases(table, where),
        )
        return endpoint if len(self.problems) == count else None

    def _price(self, table: Mapping[str, Any], where: str) -> Price:
        given = table.get("price", {})
        if not isinstance(given, dict):
            self.problem(f"{where}: price", "{ input = …, output = … }", given)
            return Price()
        price = cast("dict[str, Any]", given)
        where = f"{where}: price"
        self.unknown(price, frozenset(Price.__struct_fields__), where)
        into, out = (self.number(price, name, where, 0, whole=False) or 0.0 for name in ("input", "output"))
        return Price(into, out, self.number(price, "cached_input", where, 0, whole=False))

    def _aliases(self, table: Mapping[str, Any], where: str) -> dict[str, str]:
        given = table.get("aliases", {})
        expected = '{ "its name of a model" = "the name to offer it under" }, each of them once'
        if isinstance(given, dict):
            names = list(cast("dict[str, Any]", given).values())
            if all(isinstance(name, str) and name.strip() for name in names) and len(set(names)) == len(names):
                return cast("dict[str, str]", given)
        self.problem(f"{where}: aliases", expected, cast("object", given))
        return {}


def name_fits(name: str) -> bool:
    """Whether an endpoint may be called so."""
    return NAME.fullmatch(name) is not None and name not in RESERVED


def url_fits(url: str) -> bool:
    """Whether `url` can be an endpoint's base_url."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False

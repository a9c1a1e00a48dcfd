"""The settings: every variable with its type, bounds and meaning, and how they are read.

A value comes, the first one wins, from the command line, the environment, or `.env` in the working directory; an empty
one counts as not given. All that is wrong is said at once. Endpoints of models are not here but in the file that
`models_file` names. Only `alma.app` and `alma.cli` read settings; everything below them takes plain values.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from dotenv.main import DotEnv
from dotenv.parser import parse_stream
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from alma.errors import SettingsInvalid

PREFIX = "ALMA_"
MIB = 1024 * 1024


# ── the checks that a type alone cannot say; what each expects stands in the field's metadata ─────────────────────


def _loopback(host: str) -> str:
    if host == "localhost" or ipaddress.ip_address(host).is_loopback:
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
        return address
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


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _says(words: str, reason: str = "") -> FieldInfo:
    return Field(json_schema_extra={"expected": words, "reason": reason})


Loopback = Annotated[
    str,
    AfterValidator(_loopback),
    _says(
        "a loopback address (127.0.0.1, ::1 or localhost)",
        "Alma has no access tokens yet: whoever reaches its port can use it, so it listens to this machine only.",
    ),
]
DatabaseUrl = Annotated[
    str, AfterValidator(_database_url), _says("sqlite:///path or postgresql://user:password@host/name")
]
Origins = Annotated[
    list[Annotated[str, AfterValidator(_origin)]],
    BeforeValidator(_split),
    _says("origins such as http://localhost:3000, separated by commas"),
]
GgufFile = Annotated[Path, AfterValidator(_gguf), _says("the path of a model file in GGUF format")]
Folder = Annotated[Path, AfterValidator(_folder), _says("a folder that exists")]
WebAddress = Annotated[str, AfterValidator(_web_address), _says("an address such as http://127.0.0.1:11434")]


class Settings(BaseModel):
    """What a process of Alma is told. Constructed directly it reads nothing; `load_settings` reads the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Loopback = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    data_dir: Path = Field(
        default=Path(".alma"),
        description="Folder for all that Alma keeps: database, models, logs. Made if it is missing.",
    )
    database_url: DatabaseUrl | None = Field(
        default=None, description="Database of journal, threads and examples. Not given: `alma.db` in the data folder."
    )
    models_file: Path = Field(
        default=Path("models.toml"), description="File that lists model endpoints; it need not exist."
    )
    model: str | None = Field(
        default=None,
        description="Model that answers when a task names none, as `endpoint/name`. Not given: the last one chosen.",
    )
    gguf: GgufFile | None = Field(
        default=None,
        description="Model file that the embedded server loads instead of the small model that Alma brings.",
    )
    embedded: bool = Field(default=True, description="Whether to start the embedded model server.")
    scripted: bool = Field(
        default=False,
        description="Whether to offer the scripted model, which answers by rule: for trying out and for tests.",
    )
    agents_dir: Folder | None = Field(
        default=None, description="Folder of role files. Not given: the roles that Alma brings."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity to log."
    )
    allowed_origins: Origins = Field(
        default=[], description="Origins besides Alma's own whose pages may connect, for example a development server."
    )
    max_frame_bytes: int = Field(
        default=4 * MIB,
        ge=64 * 1024,
        le=64 * MIB,
        description="Largest WebSocket frame that a client may send, in bytes.",
    )
    max_body_bytes: int = Field(
        default=4 * MIB, ge=64 * 1024, le=64 * MIB, description="Largest body of an HTTP request, in bytes."
    )
    max_prompt_chars: int = Field(default=200_000, ge=1, le=16_000_000, description="Longest task, in characters.")
    max_unfinished_runs: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        description="Runs that may be waiting or working at once; one more is refused.",
    )
    outbox_bytes: int = Field(
        default=MIB, ge=64 * 1024, le=64 * MIB,
        description="What may wait to be sent to one slow client, in bytes; beyond it, text is sent in larger pieces.",
    )  # fmt: skip
    heartbeat_seconds: float = Field(
        default=15, ge=0.1, le=300, description="Pause between a server's signs of life, in seconds."
    )
    connect_timeout_s: float = Field(
        default=10, ge=0.05, le=300, description="How long connecting to a model endpoint may take, in seconds."
    )
    first_token_timeout_s: float = Field(
        default=120,
        ge=0.05,
        le=3600,
        description="How long an endpoint may take from request to first token, in seconds.",
    )
    stall_timeout_s: float = Field(
        default=60, ge=0.05, le=3600, description="How long an endpoint may pause between two tokens, in seconds."
    )
    max_attempts: int = Field(
        default=3, ge=1, le=20, description="How often a model call is tried before its run fails."
    )
    embedded_slots: int = Field(
        default=2, ge=1, le=64, description="Requests that the embedded model answers side by side."
    )
    embedded_threads: int = Field(
        default=0, ge=0, le=1024, description="Threads of the embedded model; 0 takes one per core."
    )
    embedded_context: int = Field(
        default=4096, ge=512, le=1_048_576, description="Context window of the embedded model, in tokens per request."
    )
    max_parallel_tasks: int = Field(
        default=1024, ge=1, le=100_000, description="Tasks that may be worked on at once, in all."
    )
    max_parallel_per_owner: int = Field(
        default=512, ge=1, le=100_000, description="Tasks of one owner that may be worked on at once."
    )
    max_parallel_per_model: int = Field(
        default=256, ge=1, le=100_000, description="Tasks of one model that may be worked on at once."
    )
    max_plan_tasks: int = Field(default=100, ge=1, le=1000, description="Tasks that a plan may have, and grow to.")
    max_reviews: int = Field(default=2, ge=0, le=20, description="How often a critic may send the same work back.")
    run_seconds: float = Field(
        default=900,
        ge=0,
        le=86_400,
        description="How long a run may take between two words of its user, in seconds; 0 is without bound.",
    )
    run_tokens: int = Field(
        default=0,
        ge=0,
        le=1_000_000_000,
        description="Tokens that all model calls of a run may read and write together; 0 is without bound.",
    )
    tools_dir: Folder | None = Field(
        default=None, description="Folder of Python files with tools of your own. They run with Alma's rights."
    )
    read_page_hosts: Annotated[list[str], BeforeValidator(_split), _says("host names, separated by commas")] = Field(
        default=[], description="Hosts whose pages agents may read (`.example.org` takes all below it). None: off."
    )
    python_tool: bool = Field(
        default=False, description="Whether agents may run Python in a restricted process, each time with your leave."
    )
    keep_runs_days: float = Field(
        default=0,
        ge=0,
        le=36_500,
        description="After how many days the steps of finished runs are given up; question and answer stay. 0: never.",
    )
    shutdown_grace_s: float = Field(
        default=5, ge=0, le=600, description="How long a stopping server waits for open requests, in seconds."
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        description="Key of the endpoint `openai`, which is offered when this is given.",
        json_schema_extra={"variable": "OPENAI_API_KEY"},
    )
    openai_base_url: WebAddress | None = Field(
        default=None,
        description="Address of the endpoint `openai`, where it is not OpenAI's own.",
        json_schema_extra={"variable": "OPENAI_BASE_URL"},
    )
    ollama_host: WebAddress | None = Field(
        default=None,
        description="Where to look for Ollama. Not given: its usual port on this machine.",
        json_schema_extra={"variable": "OLLAMA_HOST"},
    )

    @property
    def database(self) -> str:
        """The database's URL, whether given or not."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'alma.db'}"


# ── what a setting is called and what it expects: for messages and for the pages made from them ───────────────────


@dataclass(frozen=True)
class Described:
    """A setting as people know it. `expected`: type and bounds in words, `reason`: why, where one may wonder;
    `default`: as one would write it in `.env`."""

    name: str
    variable: str
    expected: str
    reason: str
    default: str
    description: str


@functools.cache
def described() -> dict[str, Described]:
    """Every setting by field name, from the schema."""
    result: dict[str, Described] = {}
    for name, schema in Settings.model_json_schema()["properties"].items():
        # An optional field's schema is `anyOf` of the real one and null.
        schema: dict[str, Any] = {**schema, **(schema["anyOf"][0] if "anyOf" in schema else {})}
        result[name] = Described(
            name=name,
            variable=schema.get("variable", PREFIX + name.upper()),
            expected=_expected(schema),
            reason=schema.get("reason", ""),
            default=written(schema.get("default")),
            description=schema["description"],
        )
    return result


def written(value: object) -> str:
    """A value as it would stand in `.env`; empty where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(str, cast("list[object]", value)))
        case _:
            return str(value)


def _expected(schema: Mapping[str, Any]) -> str:
    if "expected" in schema:
        return schema["expected"]
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if "minimum" in schema:
        kind = "whole number" if schema["type"] == "integer" else "number"
        return f"a {kind} from {schema['minimum']} to {schema['maximum']}"
    if schema["type"] == "boolean":
        return "true or false"
    return "a path" if schema.get("format") == "path" else "a text"


def variable(name: str) -> str:
    """The environment variable of a field: `port` → `ALMA_PORT`."""
    return described()[name].variable


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Given:
    """A value as it was found: `label` is what the person who gave it would call it."""

    label: str
    value: object


def environment(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> dict[str, str]:
    """The process's environment, with what only `.env` has."""
    from_file = DotEnv(dotenv).dict() if dotenv.is_file() else {}
    return {name: value for name, value in from_file.items() if value} | dict(
        os.environ if environ is None else environ
    )


def load_settings(
    overrides: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    dotenv: Path = Path(".env"),
    check_models: Callable[[Path], list[str]] | None = None,
) -> Settings:
    """Read the settings. `overrides`: what the command line says, by field name; None counts as not given.
    `check_models`: names the problems of the file of endpoints, so that they are said together with the others.

    Raises SettingsInvalid with every problem: of each variable, of `.env` itself, and of the file of endpoints.
    """
    environ = os.environ if environ is None else environ
    problems = _dotenv_problems(dotenv)
    from_file = {} if problems else {name: value for name, value in DotEnv(dotenv).dict().items() if value is not None}
    given: dict[str, Given] = {}
    for source, suffix in ((from_file, f" in {dotenv}"), (environ, "")):
        problems += _unknown(source, suffix)
        for name in Settings.model_fields:
            if source.get(variable(name), "").strip():
                given[name] = Given(variable(name) + suffix, source[variable(name)].strip())
    for name, value in (overrides or {}).items():
        if value is not None:
            given[name] = Given("--" + name.replace("_", "-"), value)
    models_file = Path(str(given["models_file"].value)) if "models_file" in given else Path("models.toml")
    models_problems = check_models(models_file) if check_models and models_file.is_file() else []
    try:
        settings = Settings.model_validate({name: item.value for name, item in given.items()})
    except ValidationError as error:
        problems += _invalid(error, given)
    else:
        problems += _contradictions(settings, given)
        if not problems and not models_problems:
            return settings
    raise SettingsInvalid(problems + models_problems)


def _dotenv_problems(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8") as stream:
            broken = [binding.original for binding in parse_stream(stream) if binding.error]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        return [f"{path}: expected a readable text file in UTF-8, came {error}"]
    return [f"{path} line {line.line}: expected NAME=value, came {line.string.strip()!r}" for line in broken]


def _unknown(source: Mapping[str, str], suffix: str) -> list[str]:
    known = {variable(name) for name in Settings.model_fields}
    by_rest = {name.removeprefix(PREFIX): name for name in known}  # the prefix that all share makes none alike
    problems: list[str] = []
    for name in source:
        if name.upper().startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), by_rest, n=1, cutoff=0.6)
            advice = f"did you mean {by_rest[near[0]]}?" if near else "see docs/settings.md"
            problems.append(f"{name}{suffix}: expected a variable that Alma knows, came an unknown one; {advice}")
    return problems


def _invalid(error: ValidationError, given: Mapping[str, Given]) -> list[str]:
    problems: list[str] = []
    for name in dict.fromkeys(str(detail["loc"][0]) for detail in error.errors()):
        setting, found = described()[name], given[name]
        problem = f"{found.label}: expected {setting.expected}, came {_shown(found.value)}"
        problems.append(f"{problem}. {setting.reason}" if setting.reason else problem)
    return problems


def _contradictions(settings: Settings, given: Mapping[str, Given]) -> list[str]:
    """What is right by itself and wrong together."""
    problems: list[str] = []
    if settings.max_frame_bytes < 4 * settings.max_prompt_chars:
        name = "max_prompt_chars" if "max_prompt_chars" in given else "max_frame_bytes"
        frame, prompt = variable("max_frame_bytes"), variable("max_prompt_chars")
        problems.append(
            f"{given[name].label}: expected {frame} to be at least four times {prompt}, so that the longest task fits"
            f" into a frame, came {settings.max_frame_bytes} and {settings.max_prompt_chars}"
        )
    if settings.models_file != Settings().models_file and not settings.models_file.is_file():
        problems.append(f"{given['models_file'].label}: expected a file that exists, came '{settings.models_file}'")
    return problems


def _shown(value: object) -> str:
    """The value as it came, without the password of a URL, and not endless."""
    text = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:…@", str(value))
    return repr(text if len(text) <= 120 else text[:119] + "…")

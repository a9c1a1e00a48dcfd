"""The settings: every variable with its type, bounds and meaning. Data and checks only; `config.py` reads them.

Who may enter and how much they may do is in `guard_settings.py`, what is watched and told in `watch_settings.py`, what
is learned in `learning_settings.py`.
Endpoints of models are not here but in the file that `models_file` names. Only `alma.app`, `alma.choices`, `alma.serve`
and `alma.cli` know settings; everything below them takes plain values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from alma.guard_settings import GuardSettings
from alma.learning_settings import LearningSettings
from alma.setting_checks import DatabaseUrl, Folder, GgufFile, ListenAddress, Origins, WebAddress, says, split
from alma.watch_settings import WatchSettings

MIB = 1024 * 1024


class MainSettings(BaseModel):
    """What Alma is told about answering, remembering and spending."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: ListenAddress = Field(default="127.0.0.1", description="Address to listen on.")
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
        default=4,
        ge=1,
        le=64,
        description="Requests that the embedded model answers side by side. A beginning that several share is read "
        "once for all of them; each slot takes memory for a context window (94 MB for the built-in model).",
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
    run_money: float = Field(
        default=0, ge=0, le=1_000_000, description="US dollars that the model calls of a run may cost; 0 is no bound."
    )
    thread_tokens: int = Field(
        default=0, ge=0, le=1_000_000_000_000, description="Tokens that all runs of a thread may use; 0 is no bound."
    )
    thread_seconds: float = Field(
        default=0, ge=0, le=1e9, description="Seconds of model calls that a thread may use; 0 is no bound."
    )
    thread_money: float = Field(
        default=0, ge=0, le=1_000_000, description="US dollars that a thread may cost; 0 is no bound."
    )
    owner_tokens: int = Field(
        default=0, ge=0, le=1_000_000_000_000, description="Tokens that an owner may use in all; 0 is no bound."
    )
    owner_seconds: float = Field(
        default=0, ge=0, le=1e9, description="Seconds of model calls that an owner may use in all; 0 is no bound."
    )
    owner_money: float = Field(
        default=0, ge=0, le=1_000_000, description="US dollars that an owner may spend in all; 0 is no bound."
    )
    day_tokens: int = Field(
        default=0, ge=0, le=1_000_000_000_000, description="Tokens that an owner may use in a day (UTC); 0 is no bound."
    )
    day_seconds: float = Field(
        default=0, ge=0, le=1e9, description="Seconds of model calls that an owner may use in a day; 0 is no bound."
    )
    day_money: float = Field(
        default=0, ge=0, le=1_000_000, description="US dollars that an owner may spend in a day (UTC); 0 is no bound."
    )
    budget_warning: float = Field(
        default=0.8, ge=0, le=1, description="Share of a budget at which its owner is warned."
    )
    cache: bool = Field(
        default=True, description="Whether an answer is given again when exactly the same is asked of the same model."
    )
    cache_semantic: bool = Field(
        default=False,
        description="Whether an answer is given again when the same is asked in other words.",
    )
    cache_threshold: float = Field(
        default=0.85, ge=0, le=1, description="Cosine similarity from which two questions count as the same."
    )
    cache_hours: float = Field(default=168, ge=0.001, le=87_600, description="How long an answer is kept for reuse.")
    cache_mib: int = Field(default=64, ge=1, le=65_536, description="Size of the kept answers in all, in MiB.")
    hedge: bool = Field(
        default=False,
        description="Whether to ask a second endpoint when the first has not begun after its own 95th percentile.",
    )
    memory: bool = Field(
        default=True, description="Whether agents remember: conversations and results are kept, and recalled later."
    )
    memory_backend: Literal["usearch", "pgvector", "qdrant", "chroma"] = Field(
        default="usearch",
        description="Where vectors of memories are searched: in the process, in PostgreSQL, or on a server of its own.",
    )
    memory_backend_url: WebAddress | None = Field(
        default=None, description="Address of the Qdrant or Chroma server, where one of them searches the vectors."
    )
    embedding_url: WebAddress | None = Field(
        default=None,
        description="Address of an OpenAI-compatible API whose /embeddings makes the vectors of memories, up to and "
        "with /v1. Not given: the small model that Alma brings.",
    )
    embedding_model: str | None = Field(default=None, description="Name of the embedding model at that address.")
    embedding_api_key: SecretStr | None = Field(default=None, description="Key for that address.")
    knowledge_dir: Folder | None = Field(
        default=None, description="Folder whose files are the knowledge base too: what changes there is read again."
    )
    max_document_mib: int = Field(
        default=64, ge=1, le=2048, description="Largest file that the knowledge base takes, in MiB."
    )
    tools_dir: Folder | None = Field(
        default=None, description="Folder of Python files with tools of your own. They run with Alma's rights."
    )
    read_page_hosts: Annotated[list[str], BeforeValidator(split), says("host names, separated by commas")] = Field(
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
        default=5,
        ge=0,
        le=600,
        description="How long a stopping server waits for work under way and open requests, in seconds.",
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


class Settings(LearningSettings, WatchSettings, GuardSettings, MainSettings):
    """What a process of Alma is told. Constructed directly it reads nothing; `load_settings` reads the environment."""

    @property
    def database(self) -> str:
        """The database's URL, whether given or not."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'alma.db'}"

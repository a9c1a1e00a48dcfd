"""The tables, once for SQLite and PostgreSQL. `entries` is the truth; `runs` is its index and holds each log's head.

Times are Unix seconds; texts are stored as they came. A change here needs a migration beside it
(`migrations/versions`): a test compares the two on both databases.
"""

from __future__ import annotations

import zlib

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

_LONG = 512  # characters from which zlib makes a text smaller by more than it costs to try

metadata = MetaData()


class Compact(TypeDecorator[str]):
    """Text that SQLite keeps compressed where it has `least` characters: a plan takes a third. PostgreSQL does so by
    itself."""

    impl = Text
    cache_ok = True

    def __init__(self, least: int = _LONG) -> None:
        super().__init__()
        self.least = least

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | bytes | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # SQLite stores either in any column
        if value is None or len(value) < self.least or dialect.name != "sqlite":
            return value
        return zlib.compress(value.encode())

    def process_result_value(self, value: str | bytes | None, dialect: Dialect) -> str | None:
        del dialect
        return zlib.decompress(value).decode() if isinstance(value, bytes) else value


threads = Table(
    "threads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("hidden", Boolean, nullable=False, server_default=false()),  # its runs were not asked by a user
    Index("threads_by_owner", "owner", "updated_at"),
)

# One row per run: where it hangs in its thread's tree, how far its journal goes, whether it is finished, and a copy of
# task and answer for history and search.
runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("thread_id", Text, nullable=False),
    Column("parent_run_id", Text),
    Column("owner", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("answer", Text, nullable=False, server_default=""),
    Column("outside", Text, nullable=False, server_default=""),  # what from outside its agent knew, a phrase a line
    Column("finished", Boolean, nullable=False, server_default=false()),
    Column("head", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Index("runs_by_thread", "thread_id", "created_at"),
    Index("runs_unfinished", "finished", "created_at"),
)

entries = Table(
    "entries",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("data", Compact, nullable=False),  # the entry as JSON, tagged by `type`
)

# The attempt epoch of a task: whoever claims the task raises it; an append with a lower one is refused.
leases = Table(
    "leases",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Idempotency: what a command with this key led to.
command_keys = Table(
    "command_keys",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    sqlite_with_rowid=False,
)

# Corrections of routes, kept as examples; the vector is float32 × 384, L2-normalised.
route_examples = Table(
    "route_examples",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("owner", "text", name="route_examples_once"),
)

# Every version of a role file that a run has used, so that its exact prompt can be shown later.
role_versions = Table(
    "role_versions",
    metadata,
    Column("version", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

# Answers of models that may be given again. `key`: a hash of the whole request, `likes`: of all but the question, for
# which `vector` (float32 × 384, length 1) stands; both null where the answer is only given for the same request.
# `data`: the answer as JSON. What an answer goes back to is in `cached_sources`.
cached_answers = Table(
    "cached_answers",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("likes", LargeBinary),
    Column("vector", LargeBinary),
    Column("bytes", Integer, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("used_at", Double, nullable=False),
    Column("data", Compact, nullable=False),
    Index("cached_answers_by_likes", "likes"),
    Index("cached_answers_by_run", "run_id"),
    Index("cached_answers_by_owner", "owner"),
)

cached_sources = Table(
    "cached_sources",
    metadata,
    Column("source", Text, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Index("cached_sources_by_key", "key"),
    sqlite_with_rowid=False,
)

# What an owner chose for the cache (null: as the settings say), and all that it has saved.
cache_owners = Table(
    "cache_owners",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("exact", Boolean),
    Column("semantic", Boolean),
    Column("threshold", Double),
    Column("hits", BigInteger, nullable=False, server_default="0"),
    Column("misses", BigInteger, nullable=False, server_default="0"),
    Column("saved_tokens", BigInteger, nullable=False, server_default="0"),
    Column("saved_ms", Double, nullable=False, server_default="0"),
    Column("saved_cost", Double, nullable=False, server_default="0"),
)

# What was said up to a turn, in short; `how`: written by `model`, or extracted from the turns themselves.
summaries = Table(
    "summaries",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("thread_id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("tokens", BigInteger, nullable=False),  # of the calls that wrote it
    Column("created_at", Double, nullable=False),
    Index("summaries_by_thread", "thread_id"),
)

# What model calls have used, by run, day and model: sums over entries, written in the transaction of the entries. They
# stay when the thread is deleted. `day`: days since 1970-01-01 (UTC); `ms`: of the calls; `cost`: US dollars.
spend = Table(
    "spend",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("saved_tokens", BigInteger, nullable=False),
    Column("ms", Double, nullable=False),
    Column("cost", Double, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Index("spend_by_owner", "owner", "day"),
    sqlite_with_rowid=False,
)

# Budgets that an owner has set; null: as the settings say, 0: no limit. `thread_id` is empty but for a thread's.
budgets = Table(
    "budgets",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("thread_id", Text, primary_key=True),
    Column("tokens", BigInteger),
    Column("seconds", Double),
    Column("money", Double),
    sqlite_with_rowid=False,
)

# Memories: the truth of them. Words (`memory_words`, a full-text table that a migration makes for each database) and
# the index of vectors are derived; `num` is the key of both. `stamp` rises with every change of any memory: what an
# index has not seen yet is above its own. `hash`: of the text as it is compared, for finding the same again.
# `source`: JSON of `records.Source`; the ids in it that are searched for are columns too.
_SAID_AGAIN_AND_GONE = text("count > 1 AND (valid_to IS NOT NULL OR forgotten_at IS NOT NULL)")
memories = Table(
    "memories",
    metadata,
    Column("num", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("key", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default="{}"),
    Column("thread_id", Text, nullable=False, server_default=""),
    Column("run_id", Text, nullable=False, server_default=""),
    Column("message_id", Text, nullable=False, server_default=""),
    Column("document_id", Text, nullable=False, server_default=""),
    Column("line", Text, nullable=False, server_default=""),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("parent", Text, nullable=False, server_default=""),
    Column("speaker", Text, nullable=False, server_default=""),
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("valid_from", Double, nullable=False),
    Column("valid_to", Double),
    Column("superseded_by", Text, nullable=False, server_default=""),
    Column("forgotten_at", Double),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("uses", Integer, nullable=False, server_default="0"),
    Column("used_at", Double, nullable=False, server_default="0"),
    Column("utility", Double, nullable=False, server_default="0"),
    Column("pinned", Boolean, nullable=False, server_default=false()),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("stamp", BigInteger, nullable=False),
    Column("archived_at", Double),  # it comes to mind no more, until it is wanted back
    Column("strength", Double, nullable=False, server_default="0"),  # of its evidence: how much `utility` rests on
    Index("memories_by_owner", "owner", "created_at"),
    Index("memories_by_hash", "owner", "hash"),
    Index("memories_by_key", "owner", "key"),
    Index("memories_by_run", "run_id"),
    Index("memories_by_thread", "thread_id"),
    Index("memories_by_document", "document_id"),
    Index("memories_by_line", "line", "position"),
    Index("memories_by_stamp", "stamp"),
    Index("memories_gone", "owner", sqlite_where=_SAID_AGAIN_AND_GONE, postgresql_where=_SAID_AGAIN_AND_GONE),
    sqlite_autoincrement=True,
)

# Vectors of memories, by the model that made them: little-endian float16 rows of length 1. Also the cache of vectors by
# content: two memories with the same hash have the same vector.
memory_vectors = Table(
    "memory_vectors",
    metadata,
    Column("model", Text, primary_key=True),
    Column("num", BigInteger, primary_key=True, autoincrement=False),
    Column("vector", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Every change of a memory but its being used: what it was before (JSON of the fields that changed), and who did it.
memory_history = Table(
    "memory_history",
    metadata,
    Column("num", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("before", Compact, nullable=False),
)

# Who used a memory where: derived from the journals, one row for each prompt or tool call that it came into.
memory_uses = Table(
    "memory_uses",
    metadata,
    Column("num", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("score", Double, nullable=False),
    Column("at", Double, nullable=False),
    Index("memory_uses_by_run", "run_id"),
)

# Finished runs whose words have become memories; what is finished and not here is taken up at the next start.
remembered_runs = Table(
    "remembered_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    sqlite_with_rowid=False,
)

# The knowledge base: files whose chunks are memories with this `document_id`. `origin`: `page` for one that was put
# in, else the path in the watched folder. `state`: waiting, reading, ready, failed; `error`: JSON of `ErrorFacts`.
documents = Table(
    "documents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("chunks", Integer, nullable=False, server_default="0"),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("text", Compact, nullable=False, server_default=""),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    UniqueConstraint("owner", "origin", "name", name="documents_by_name"),
)

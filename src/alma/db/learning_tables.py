"""Tables of what is learned. Outcomes follow from journals; versions, lessons, experiments are what owners made."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
)

from alma.db.tables import Compact, metadata

# What a run that has ended says of all that had a part in it: derived from its journal, made anew when a signal comes
# later. `num`: the order in which runs were first counted. `data`: JSON of `learning.outcome.Outcome`.
outcomes = Table(
    "outcomes",
    metadata,
    Column("num", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("thread_id", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("head", BigInteger, nullable=False),  # of the journal that it was made from
    Column("data", Compact(2048), nullable=False),  # of most runs less, and each run writes one
    Index("outcomes_by_owner", "owner", "num"),
    Index("outcomes_by_thread", "thread_id"),
    sqlite_autoincrement=True,
)

# What an owner chose for learning; JSON of `learner.preferences.Preferences`.
learning_owners = Table(
    "learning_owners",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

# Versions of what can be changed by learning: `what` is prompt, notes or policy; `of` the role. `hash`: of its content;
# that of a prompt is the version of a role's file. `content`: word for word. `stage`: draft, replay, shadow, canary,
# promoted, rolled_back, retired. `base`: the hash of what it is compared with. `evidence`: JSON of the gate's state.
versions = Table(
    "versions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("of", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("base", Text, nullable=False, server_default=""),
    Column("content", Compact, nullable=False),
    Column("title", Text, nullable=False, server_default=""),
    Column("made_by", Text, nullable=False),  # hand, reflection, gepa, distilled, routes
    Column("reason", Text, nullable=False, server_default=""),
    Column("stage", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("evidence", Compact, nullable=False, server_default="{}"),
    Index("versions_by_owner", "owner", "what", "of"),
)

# What became of each version, in order; `data`: JSON of what decided.
version_history = Table(
    "version_history",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("stage", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("data", Compact, nullable=False, server_default="{}"),
)

# One row for each task that a version was tried on: `phase` is replay, shadow, canary or watch, `arm` candidate or
# base, `pair` what was asked of both (a past run); `reward` null: not known yet; `share`: how likely the candidate was;
# `context`: the kind of task.
version_trials = Table(
    "version_trials",
    metadata,
    Column("version_id", Text, primary_key=True),
    Column("phase", Text, primary_key=True),
    Column("arm", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("pair", Text, nullable=False, server_default=""),
    Column("at", Double, nullable=False),
    Column("reward", Double),
    Column("error", Text, nullable=False, server_default=""),
    Column("ms", Double, nullable=False, server_default="0"),
    Column("cost", Double, nullable=False, server_default="0"),
    Column("share", Double, nullable=False, server_default="0"),
    Column("context", Text, nullable=False, server_default=""),
    Index("version_trials_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Answers that their owner approved: examples for tasks that are like theirs. `vector`: of the task, float32, length 1.
# `how`: thumb, edited, preferred or hand. `data`: JSON of the rest.
lessons = Table(
    "lessons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default=""),
    Column("run_id", Text, nullable=False, server_default=""),
    Column("task_id", Text, nullable=False, server_default=""),
    Column("thread_id", Text, nullable=False, server_default=""),
    Column("task", Text, nullable=False),
    Column("answer", Compact, nullable=False),
    Column("vector", LargeBinary),
    Column("how", Text, nullable=False),
    Column("on", Boolean, nullable=False, server_default=false()),
    Column("tokens", Integer, nullable=False, server_default="0"),
    Column("created_at", Double, nullable=False),
    Index("lessons_by_owner", "owner", "role"),
    Index("lessons_by_run", "run_id"),
    Index("lessons_by_thread", "thread_id"),
)

# Lessons of runs that their owner deleted: nothing is left of them but which they were, so that none comes back.
lessons_deleted = Table(
    "lessons_deleted",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Index("lessons_deleted_by_run", "run_id"),
)

# Experiments: `spec` JSON as it was given and checked; `state`: draft, running, paused, done, failed, canceled.
# `thread_id`: the hidden thread whose runs are its cells.
experiments = Table(
    "experiments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("spec", Compact, nullable=False),
    Column("state", Text, nullable=False),
    Column("thread_id", Text, nullable=False, server_default=""),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("error", Text, nullable=False, server_default=""),
    Column("data", Compact, nullable=False, server_default="{}"),
    Index("experiments_by_owner", "owner", "created_at"),
)

# One row for each run of an experiment. `scores`: JSON, by evaluator; `state`: waiting, running, answered, scored,
# failed.
experiment_cells = Table(
    "experiment_cells",
    metadata,
    Column("experiment_id", Text, primary_key=True),
    Column("variant", Text, primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("seed", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("run_id", Text, nullable=False, server_default=""),
    Column("answer", Compact, nullable=False, server_default=""),
    Column("scores", Compact, nullable=False, server_default="{}"),
    Column("error", Text, nullable=False, server_default=""),
    Column("ms", Double, nullable=False, server_default="0"),
    Column("tokens", BigInteger, nullable=False, server_default="0"),
    Column("cost", Double, nullable=False, server_default="0"),
    Column("at", Double, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

# What people and judges said of cells: `by` is `human` or a judge's name; `verdict`: JSON.
experiment_verdicts = Table(
    "experiment_verdicts",
    metadata,
    Column("experiment_id", Text, primary_key=True),
    Column("by", Text, primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("seed", Integer, primary_key=True, autoincrement=False),
    Column("left", Text, primary_key=True),
    Column("right", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("at", Double, nullable=False),
    sqlite_with_rowid=False,
)

# What resources follow, as it was last; JSON of `learner.shares.Kept`. `owner` empty: what all owners share.
shares = Table(
    "shares",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("data", Text, nullable=False),
)

# Passes of refinement over an owner's memories: what was done is in `memory_history` under `by` = `refinement:ID`.
refinement_passes = Table(
    "refinement_passes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("ms", Double, nullable=False),
    Column("undone_at", Double),
    Column("data", Compact, nullable=False),  # JSON: counts, and each act with its memories and why
    Index("refinement_passes_by_owner", "owner", "at"),
)

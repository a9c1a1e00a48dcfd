"""Every error that Alma raises on purpose, as one tree.

    AlmaError
    ├── RunFailure              the run failed, nobody misbehaved
    │   ├── EndpointError       a model endpoint did (see its subclasses)
    │   │   ├── EndpointUnreachable   no connection
    │   │   ├── EndpointTimeout       connected, then silence
    │   │   ├── EndpointUnauthorized  401, 403
    │   │   ├── EndpointRateLimited   429
    │   │   ├── EndpointRejected      another 4xx: the request itself is wrong
    │   │   ├── EndpointFailed        5xx
    │   │   ├── EndpointGarbled       an answer that is not the protocol
    │   │   └── EndpointCut           the stream ended before its end
    │   ├── ModelUnavailable    no endpoint can serve the model now
    │   ├── EmbedderUnavailable the embedding process cannot answer
    │   │   └── IndexUnavailable      nor can the index of vectors
    │   ├── ContextOverflow     the prompt cannot be made to fit the window
    │   ├── BudgetSpent         the task has used up what it may
    │   ├── StorageFailure      the database cannot write (full disk)
    │   └── ServerStopping      no new run is begun: it is about to end
    ├── Misuse                  a caller sent or asked something wrong
    │   ├── InvalidRequest      malformed, unknown or out of bounds
    │   ├── NotFound            no such thread, run, model
    │   ├── Conflict            right in form, wrong in the present state
    │   ├── Unauthorized        who asks is not known: no access token, or one that is over
    │   ├── Forbidden           who asks is known, and may not
    │   └── TooMany             a rate or a number of connections is used up; says when to come again
    ├── StartupError            the process must not start
    │   ├── SettingsInvalid · DatabaseNewer · PortInUse · DataDirBusy · Unguarded
    │   └── RoleInvalid         a role file is wrong; while running, the others and its last good version work on
    ├── FenceLost               this worker's lease was taken over; it must fall silent
    └── HeadMoved               the log grew before a decision about it was written; decide again

What reaches a user has a stable `code`, a sentence, what was expected, what came, and a hint what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class AlmaError(Exception):
    """Root of the tree. `message` is a sentence for a user; the other fields are optional facts."""

    code: ClassVar[str] = "internal"

    def __init__(
        self, message: str, *, expected: str | None = None, actual: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.actual = actual
        self.hint = hint

    def facts(self) -> dict[str, str]:
        """The error as it goes on the wire: code, message and those of expected, actual, hint that are known."""
        known = {"code": self.code, "message": self.message}
        for name in ("expected", "actual", "hint"):
            value = getattr(self, name)
            if value is not None:
                known[name] = value
        return known


# ── the run failed ────────────────────────────────────────────────────────────────────────────────────────────────


class RunFailure(AlmaError):
    """The run (or one attempt of it) failed; the caller did nothing wrong."""

    code = "run_failed"


class EndpointError(RunFailure):
    """A model endpoint misbehaved. `retryable`: another attempt may help. `retry_after`: seconds it asked for.
    `others`: how many other endpoints can take the call at once; a pool sets it. `sent`: False: Alma asked nobody,
    because of what came of earlier calls."""

    code = "endpoint_error"
    retryable: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        endpoint: str,
        status: int | None = None,
        retry_after: float | None = None,
        expected: str | None = None,
        actual: str | None = None,
        hint: str | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(message, expected=expected, actual=actual, hint=hint)
        self.endpoint = endpoint
        self.status = status
        self.retry_after = retry_after
        self.others = 0
        self.sent = sent


class EndpointUnreachable(EndpointError):
    code = "endpoint_unreachable"


class EndpointTimeout(EndpointError):
    code = "endpoint_timeout"


class EndpointUnauthorized(EndpointError):
    code = "endpoint_unauthorized"
    retryable = False


class EndpointRateLimited(EndpointError):
    code = "endpoint_rate_limited"


class EndpointRejected(EndpointError):
    code = "endpoint_rejected"
    retryable = False


class EndpointFailed(EndpointError):
    code = "endpoint_failed"


class EndpointGarbled(EndpointError):
    code = "endpoint_garbled"


class EndpointCut(EndpointError):
    code = "endpoint_cut"


class ModelUnavailable(RunFailure):
    code = "model_unavailable"


class EmbedderUnavailable(RunFailure):
    code = "embedder_unavailable"


class IndexUnavailable(EmbedderUnavailable):
    """The backend that searches vectors is not there or does not answer; words can still be searched."""

    code = "index_unavailable"


class ContextOverflow(RunFailure):
    code = "context_overflow"


class BudgetSpent(RunFailure):
    code = "budget_spent"


class StorageFailure(RunFailure):
    """The database could not write. What was acknowledged before is safe; this write was not acknowledged."""

    code = "storage_full"


class ServerStopping(RunFailure):
    """It is being stopped or restarted and begins nothing new. `retry_after_s`: when it may be back."""

    code = "server_stopping"
    retry_after_s: ClassVar[float] = 5.0


# ── a caller was wrong ────────────────────────────────────────────────────────────────────────────────────────────


class Misuse(AlmaError):
    """A caller asked for something that cannot be. `code` is given per case; `docs/protocol.md` lists them."""

    status: ClassVar[int] = 400

    def __init__(
        self,
        code: str,
        message: str,
        *,
        expected: str | None = None,
        actual: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, expected=expected, actual=actual, hint=hint)
        self.code = code  # pyright: ignore[reportAttributeAccessIssue]  # the instance's code narrows the class's


class InvalidRequest(Misuse):
    status = 400


class NotFound(Misuse):
    status = 404


class Conflict(Misuse):
    status = 409


class Unauthorized(Misuse):
    status = 401


class Forbidden(Misuse):
    status = 403


class TooMany(Misuse):
    """`policy`: the limit's name; `quota` in `window_s` seconds; `retry_after_s`: when it is worth while again."""

    status = 429

    def __init__(
        self, code: str, message: str, *, policy: str, quota: int, window_s: float, retry_after_s: float, hint: str
    ) -> None:
        super().__init__(code, message, hint=hint)
        self.policy = policy
        self.quota = quota
        self.window_s = window_s
        self.retry_after_s = retry_after_s


# ── the process must not start ────────────────────────────────────────────────────────────────────────────────────


class StartupError(AlmaError):
    code = "startup"


class SettingsInvalid(StartupError):
    """All problems of the settings at once; `problems` has one line each: variable, expected, actual."""

    code = "settings_invalid"

    def __init__(self, problems: list[str]) -> None:
        count = f"{len(problems)} problem" + ("" if len(problems) == 1 else "s")
        super().__init__(f"Alma cannot go on: {count} in the settings.\n" + "\n".join(f"  - {p}" for p in problems))
        self.problems = problems


class DatabaseNewer(StartupError):
    code = "database_newer"


class PortInUse(StartupError):
    code = "port_in_use"


class DataDirBusy(StartupError):
    code = "data_dir_busy"


class Unguarded(StartupError):
    """It was to listen to more than this machine, and nobody would be asked who they are."""

    code = "unguarded"


@dataclass(frozen=True, slots=True)
class RoleProblem:
    """One thing that is wrong in a role file. `line` counts from 1, 0: the file as such; `field` as `budgets.tokens`,
    empty where no field is meant."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class RoleInvalid(StartupError):
    """All problems of one role file at once."""

    code = "role_invalid"

    def __init__(self, where: str, problems: list[RoleProblem]) -> None:
        count = f"{len(problems)} problem" + ("" if len(problems) == 1 else "s")
        super().__init__(f"{where} is no role: {count}.\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems


# ── another worker took over ──────────────────────────────────────────────────────────────────────────────────────


class FenceLost(AlmaError):
    """An append carried an attempt epoch that is no longer the current one. The worker must stop without a word."""

    code = "fence_lost"


# ── somebody else was faster ──────────────────────────────────────────────────────────────────────────────────────


class HeadMoved(AlmaError):
    """A decision was made on a log that has grown since (compare-and-swap on its head). Read on, and decide again."""

    code = "head_moved"

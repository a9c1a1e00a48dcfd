"""GGUF files from the Hugging Face hub: what to load from where, and the downloads under way.

huggingface_hub finds the file (HF_ENDPOINT, tokens, gated repositories, redirects); `download.py` loads it, because it
resumes, can be canceled, and checks the SHA-256 that the hub publishes for large files.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from alma.errors import AlmaError, InvalidRequest, NotFound
from alma.events import ErrorFacts
from alma.models.download import DownloadCanceled, DownloadFailed, Progress, download, sha256_of
from alma.models.gguf import check_gguf, model_name

log = logging.getLogger(__name__)

REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
TELL_EVERY = 0.25  # seconds between two reports of progress


class HubFile(Struct, frozen=True):
    """Where a file is. `sha256` None: the hub tells it only of large files. `headers` carry the user's token."""

    url: str
    size: int | None
    sha256: str | None
    headers: dict[str, str]


class PullProgress(Struct, frozen=True):
    """How a download is; the fields are those of the wire's event. `model`: the id to choose it by, once it is done."""

    id: str
    file: str
    state: Literal["running", "done", "failed", "canceled"]
    done_bytes: int
    total_bytes: int = 0
    model: str | None = None
    error: ErrorFacts | None = None


def find(repo: str, file: str, *, hub_url: str | None = None) -> HubFile:
    """Ask the hub for a file (blocking). `hub_url` None: HF_ENDPOINT, else the public hub. Raises DownloadFailed."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    hub: Any = importlib.import_module("huggingface_hub")  # late: half a second; its types are partly unknown
    endpoint = hub_url or os.environ.get("HF_ENDPOINT") or None
    token = hub.get_token()
    try:
        url = hub.hf_hub_url(repo, file, endpoint=endpoint)
        metadata = hub.get_hf_file_metadata(url, token=token or False, endpoint=endpoint, timeout=15)
    except GatedRepoError as error:
        raise DownloadFailed(
            f"{repo} is given only to people who accepted its terms.",
            hint=f"Accept them on the page of {repo}, then set HF_TOKEN.",
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 404):  # the hub answers 401 for repositories that do not exist
            hint = "Check the names on the hub's page; a private one needs HF_TOKEN."
            raise DownloadFailed(f"The hub has no file {file} in {repo}.", hint=hint) from error
        raise DownloadFailed(f"The hub answered with HTTP {status}.", hint="Try again later.") from error
    except Exception as error:  # its HTTP library's errors are not part of its interface
        raise DownloadFailed(
            f"The hub cannot be reached: {error or type(error).__name__}.",
            hint="Check the network, HTTPS_PROXY and HF_ENDPOINT. A GGUF file can also be copied here and chosen.",
        ) from error
    etag = metadata.etag or ""
    same = urlsplit(str(metadata.location)).netloc == urlsplit(str(url)).netloc
    return HubFile(
        url=metadata.location,
        size=metadata.size,
        sha256=etag if re.fullmatch(r"[0-9a-f]{64}", etag) else None,
        headers={"Authorization": f"Bearer {token}"} if token and same else {},
    )


def fetch_gguf(
    repo: str,
    file: str,
    directory: Path,
    *,
    progress: Progress,
    canceled: Callable[[], bool] = lambda: False,
    hub_url: str | None = None,
) -> Path:
    """Load a GGUF into `directory` (blocking, resumable). A file that is there and right is not loaded again."""
    path = directory / file.rsplit("/", 1)[-1]
    found = find(repo, file, hub_url=hub_url)
    if path.is_file() and found.sha256 is not None and sha256_of(path) == found.sha256:
        progress(path.stat().st_size, path.stat().st_size)
        return path
    directory.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(directory).free
    if found.size and found.size > free:
        raise DownloadFailed(
            f"There is no space for {path.name}.",
            expected=f"{found.size / 1e9:.1f} GB free",
            actual=f"{free / 1e9:.1f} GB free",
            hint=f"Free some space on the disk of {directory}.",
        )
    download(found.url, path, sha256=found.sha256, headers=found.headers, progress=progress, canceled=canceled)
    try:
        check_gguf(path)
    except InvalidRequest:
        path.unlink()
        raise
    return path


class _Pull:
    def __init__(self, repo: str, file: str) -> None:
        self.id = secrets.token_hex(4)
        self.repo = repo
        self.file = file
        self.stop = threading.Event()
        self.done = self.total = 0
        self.told = 0.0


class Pulls:
    """The downloads under way; `run` owns them. `on_progress` is called on the loop, a few times a second and at the
    end; `on_done` with the file. There is one download per file: asking again gives the one that runs."""

    def __init__(
        self,
        directory: Path,
        *,
        on_progress: Callable[[PullProgress], object],
        on_done: Callable[[Path], object] = lambda path: None,  # noqa: ARG005
        hub_url: str | None = None,
    ) -> None:
        self._directory = directory
        self._on_progress = on_progress
        self._on_done = on_done
        self._hub_url = hub_url
        self._pulls: dict[str, _Pull] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled; downloads under way are stopped then, and can be resumed another time."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await asyncio.Event().wait()
        finally:
            self._group = None

    def start(self, repo: str, file: str) -> str:
        """Begin to load `file` of `repo`; returns the download's id. Raises InvalidRequest for impossible names."""
        if not REPO.fullmatch(repo):
            raise InvalidRequest("invalid_field", "This is no repository.", expected="owner/name", actual=repo)
        if not file.endswith(".gguf") or ".." in file.split("/") or file.startswith("/"):
            expected = "the name of a .gguf file in the repository"
            raise InvalidRequest("invalid_field", "This is no model file.", expected=expected, actual=file)
        if "-of-" in file:
            hint = "Choose a file that is not split into parts."
            raise InvalidRequest("invalid_field", "Models in several parts are not supported.", actual=file, hint=hint)
        if self._group is None:
            raise DownloadFailed("Downloads are not possible now: Alma is starting or stopping.", hint="Try again.")
        for pull in self._pulls.values():
            if (pull.repo, pull.file) == (repo, file):
                return pull.id
        pull = _Pull(repo, file)
        self._pulls[pull.id] = pull
        self._group.create_task(self._pull(pull))
        return pull.id

    def cancel(self, pull_id: str) -> None:
        """Stop a download; what is loaded stays for the next time. Raises NotFound."""
        if pull_id not in self._pulls:
            raise NotFound("unknown_pull", "There is no such download, or it has ended.", actual=pull_id)
        self._pulls[pull_id].stop.set()

    async def _pull(self, pull: _Pull) -> None:
        loop = asyncio.get_running_loop()
        self._tell(pull, "running")

        def progress(done: int, total: int | None) -> None:  # called in the thread
            pull.done, pull.total = done, total or 0
            now = time.monotonic()
            if now - pull.told > TELL_EVERY:
                pull.told = now
                loop.call_soon_threadsafe(self._tell, pull, "running")

        try:
            path = await asyncio.to_thread(
                fetch_gguf,
                pull.repo,
                pull.file,
                self._directory,
                progress=progress,
                canceled=pull.stop.is_set,
                hub_url=self._hub_url,
            )
        except DownloadCanceled:
            self._tell(pull, "canceled")
        except AlmaError as error:
            self._tell(pull, "failed", error=error)
        except Exception as error:  # the download's boundary: the disk's trouble must not reach the rest
            log.error("the download of %s failed", pull.file, exc_info=error)
            self._tell(pull, "failed", error=self._broken(pull, error))
        else:
            self._on_done(path)
            self._tell(pull, "done", model=f"embedded/{model_name(path)}")
        finally:
            pull.stop.set()  # on cancellation the thread is still there; it looks at this after every block
            del self._pulls[pull.id]

    def _broken(self, pull: _Pull, error: Exception) -> DownloadFailed:
        if isinstance(error, OSError):
            return DownloadFailed(
                f"{pull.file} could not be stored: {error.strerror or error}.",
                actual=str(error.filename2 or error.filename or error),
                hint=f"{self._directory} must be a folder that Alma may write, and have no folder of this name.",
            )
        return DownloadFailed(
            f"{pull.file} could not be loaded: {type(error).__name__}.", actual=str(error), hint="Alma's log has more."
        )

    def _tell(
        self,
        pull: _Pull,
        state: Literal["running", "done", "failed", "canceled"],
        *,
        model: str | None = None,
        error: AlmaError | None = None,
    ) -> None:
        if state == "running" and pull.id not in self._pulls:
            return  # a report of the thread that comes after the end
        facts = ErrorFacts(**error.facts()) if error is not None else None
        self._on_progress(PullProgress(pull.id, pull.file, state, pull.done, pull.total, model, facts))

"""One file over HTTP, resumable and verified. Blocking and stdlib only: it runs before the rest of Alma is set up.

A download grows in `NAME.part` beside its destination and is renamed when it is whole and its SHA-256 is right, so the
destination either does not exist or is good. What was loaded before a cut, a crash or a ^C is kept and resumed.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alma.errors import RunFailure

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all (None: not known)
BLOCK = 256 * 1024
SOCKET_TIMEOUT = 30.0  # seconds without a byte
MAX_TRIES = 5  # failures in a row without a new byte
MAX_CUTS = 100  # failures in all


def no_progress(done: int, total: int | None) -> None:
    """Tell nobody."""
    del done, total


class DownloadFailed(RunFailure):
    """A file could not be had. `hint` says what to do about it."""

    code = "download_failed"


class DownloadCanceled(DownloadFailed):
    """`canceled()` became true; what was loaded stays for the next time."""

    code = "download_canceled"


@dataclass(frozen=True, slots=True)
class _Source:
    url: str
    headers: dict[str, str]


def _source(url: str, headers: Mapping[str, str]) -> _Source:
    """User and password in an address become a header, as urllib does not."""
    parts = urllib.parse.urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at or parts.scheme == "file":
        return _Source(url, dict(headers))
    basic = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
    plain = urllib.parse.urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return _Source(plain, {"Authorization": f"Basic {basic}", **headers})


class _Cut(Exception):
    """The connection ended before the file did."""


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    headers: Mapping[str, str] | None = None,
    progress: Progress = no_progress,
    canceled: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Load `url` to `path`. Raises DownloadFailed; a file with the wrong hash is removed first. `headers` go to that
    address only, not where it may redirect to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    resumed = part.exists()

    def load() -> None:
        _load(_source(url, headers or {}), part, progress, canceled, pause)

    load()
    actual = sha256_of(part)
    if sha256 is not None and actual != sha256 and resumed:  # the rest may have come from another version of the file
        part.unlink()
        load()
        actual = sha256_of(part)
    _tag_file(part).unlink(missing_ok=True)
    if sha256 is not None and actual != sha256:
        part.unlink()
        raise wrong_hash(path.name, sha256, actual)
    part.replace(path)


def wrong_hash(name: str, expected: str, actual: str) -> DownloadFailed:
    """The error for a file that is not the one Alma knows."""
    return DownloadFailed(
        f"{name} is not the file that Alma expects; it was removed.",
        expected=f"sha256 {expected}",
        actual=f"sha256 {actual}",
        hint="Run it again. If it stays wrong, a proxy or mirror on the way changes files: use another one.",
    )


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load(
    source: _Source, part: Path, progress: Progress, canceled: Callable[[], bool], pause: Callable[[float], None]
) -> None:
    """Until `part` holds all of the file. Cuts are retried from where they happened, with growing pauses."""
    failures = cuts = 0
    while True:
        before = _size(part)
        try:
            _continue(source, part, progress, canceled)
            return
        except (_Cut, urllib.error.URLError, http.client.HTTPException, OSError) as error:
            _raise_if_final(source.url, error)
            failures = 1 if _size(part) > before else failures + 1
            cuts += 1
            if failures >= MAX_TRIES or cuts >= MAX_CUTS:
                raise DownloadFailed(
                    f"{_shown(source.url)} could not be loaded: {_reason(error)}.",
                    actual=f"{_size(part):,} bytes loaded",
                    hint="Check the network (and HTTPS_PROXY) and run it again: it goes on from there.",
                ) from error
        pause(min(8.0, 0.5 * 2**failures))


def _continue(source: _Source, part: Path, progress: Progress, canceled: Callable[[], bool]) -> None:
    """One request for what is missing. Raises _Cut when less came than was announced."""
    have = _size(part)
    with _open(source, part, have) as response:
        resumed = have > 0 and getattr(response, "status", 200) == 206
        if not resumed:
            have = 0
            _remember_tag(part, response.headers.get("ETag"))
        length = response.headers.get("Content-Length")
        total = have + int(length) if length is not None else None
        with part.open("ab" if resumed else "wb") as file:
            progress(have, total)
            while block := response.read(BLOCK):
                file.write(block)
                have += len(block)
                progress(have, total)
                if canceled():
                    raise DownloadCanceled(f"The download of {part.name.removesuffix('.part')} was canceled.")
            file.flush()
            os.fsync(file.fileno())
    if total is not None and have < total:
        raise _Cut(f"the connection ended after {have:,} of {total:,} bytes")


def _open(source: _Source, part: Path, have: int) -> Any:
    request = urllib.request.Request(source.url, headers={"User-Agent": "alma", "Accept-Encoding": "identity"})
    for name, value in source.headers.items():
        request.add_unredirected_header(name, value)
    tag = _tag(part)
    if have and source.url.startswith("http"):
        request.add_header("Range", f"bytes={have}-")
        if tag:
            request.add_header("If-Range", tag)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls_context()))
    try:
        return opener.open(request, timeout=SOCKET_TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 416:
                raise
        part.unlink(missing_ok=True)  # more than the file has, or exactly all of it: start over, hashes decide
        request.remove_header("Range")
        request.remove_header("If-range")
        return opener.open(request, timeout=SOCKET_TIMEOUT)


def tls_context() -> ssl.SSLContext:
    """Trusts the system's authorities and those in PIP_CERT, REQUESTS_CA_BUNDLE or SSL_CERT_FILE."""
    context = ssl.create_default_context()
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        bundle = os.environ.get(name)
        if bundle and Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    return context


def _raise_if_final(url: str, error: Exception) -> None:
    """Raise for what no retry helps: a refusal, a missing file, a full disk, an untrusted certificate."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code < 500 and error.code not in (408, 429):
            hint = (
                "Check the address, and the rights to read it." if error.code != 404 else "Check the name of the file."
            )
            raise DownloadFailed(f"{_shown(url)} was refused: HTTP {error.code} {error.reason}.", hint=hint) from error
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise DownloadFailed(
            f"The TLS certificate of {_shown(url)} is not trusted: {reason.verify_message}.",
            hint="If a proxy signs your traffic, name its authority's file in SSL_CERT_FILE.",
        ) from error
    if isinstance(reason, FileNotFoundError | PermissionError | IsADirectoryError):
        raise DownloadFailed(f"{reason.filename or _shown(url)}: {reason.strerror}.") from error
    if isinstance(reason, OSError) and reason.errno in (28, 122):  # ENOSPC, EDQUOT
        raise DownloadFailed(
            f"There is no space left for {Path(urllib.parse.urlsplit(url).path).name}.",
            hint="Free some space and run it again: it goes on from where it stopped.",
        ) from error


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".etag")


def _tag(part: Path) -> str | None:
    try:
        return json.loads(_tag_file(part).read_text())
    except (OSError, ValueError):
        return None


def _remember_tag(part: Path, tag: str | None) -> None:
    """The version that `part` is of. Only strong tags are good for If-Range."""
    if tag and not tag.startswith("W/"):
        _tag_file(part).write_text(json.dumps(tag))
    else:
        _tag_file(part).unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _shown(url: str) -> str:
    """The address without user, password and query, which may be secret."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(reason).__name__


def size_in_words(size: int) -> str:
    """`466 kB`, `23 MB`."""
    return f"{size / 1e3:.0f} kB" if size < 999_500 else f"{size / 1e6:.0f} MB"


class ConsoleProgress:
    """Tells a download's progress: a bar on a terminal, elsewhere a line every tenth."""

    WIDTH = 28

    def __init__(self, label: str, out: IO[str]) -> None:
        self._label = label
        self._out = out
        self._bar = out.isatty()
        self._next = 0.0
        self._tenth = -1

    def __call__(self, done: int, total: int | None) -> None:
        if self._bar:
            now = time.monotonic()
            if now >= self._next or done == total:
                self._next = now + 0.1
                self._out.write("\r" + self._line(done, total))
                self._out.flush()
            if done == total:
                self._out.write("\n")
        elif total:
            tenth = done * 10 // total
            if tenth > self._tenth:
                self._tenth = tenth
                self._out.write(f"{self._label}: {tenth * 10} % of {size_in_words(total)}\n")
                self._out.flush()

    def _line(self, done: int, total: int | None) -> str:
        if not total:
            return f"{self._label}  {size_in_words(done)}"
        filled = self.WIDTH * done // total
        bar = "█" * filled + "░" * (self.WIDTH - filled)
        return f"{self._label}  {bar} {done * 100 // total:3d} %  {size_in_words(done)} of {size_in_words(total)}"

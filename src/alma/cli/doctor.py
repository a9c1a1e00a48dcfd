"""`alma doctor`: what is missing or wrong, and how to mend it."""

from __future__ import annotations

import argparse
import asyncio
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alma.cli.options import Subparsers, add_command, add_data_dir, read_settings
from alma.errors import SettingsInvalid

if TYPE_CHECKING:
    from alma.cli.checks import Finding


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "doctor",
        run,
        help="say what is missing or wrong, and how to mend it",
        description="Looks at everything that Alma needs. Changes nothing.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma doctor
              alma doctor --deep    starts the embedded model too
              alma doctor --json    for programs

            exit code: 0 when Alma can run, 1 when something has to be mended"""
        ),
    )
    parser.add_argument("--deep", action="store_true", help="start the embedded model and ask it something")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    import msgspec

    findings: list[Finding] = []
    for finding in examine(arguments.data_dir, deep=arguments.deep):
        findings.append(finding)
        if not arguments.json:
            _print(finding)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(findings)).decode())
    return 1 if any(finding.state == "problem" for finding in findings) else 0


def examine(data_dir: str | None, *, deep: bool) -> Iterator[Finding]:
    """Every check, in the order in which the things are needed; each finding as soon as it is known."""
    from alma.cli import checks

    yield checks.check_python()
    root = checks.clone()
    if root is not None:
        yield checks.check_packages(root / "requirements.txt")
        yield checks.check_node(checks.page_is_built(root))
        yield checks.check_page(root)
        yield checks.check_set_up(root)
    try:
        settings = read_settings(data_dir=data_dir)
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            of_endpoints = problem.partition(":")[0].endswith(".toml")
            mend = "see models.example.toml" if of_endpoints else "see docs/settings.md, or `alma settings --env`"
            yield checks.Finding("settings", "problem", problem, mend)
        return
    yield checks.Finding("settings", "ok", "all valid")
    yield checks.check_data_dir(settings.data_dir)
    yield checks.check_disk(settings.data_dir)
    yield checks.check_database(settings.database)
    yield checks.check_port(settings)
    yield checks.check_access(settings)
    yield from checks.check_alert_rules(settings.alerts_file)
    from alma.cli import health_checks, memory_checks, model_checks

    yield memory_checks.check_memory(settings)
    yield from health_checks.check_health(settings)

    if settings.embedded:
        yield from model_checks.check_models(settings.data_dir)
    yield from asyncio.run(model_checks.check_endpoints(settings))
    if deep and settings.embedded:
        yield asyncio.run(model_checks.check_embedded(settings))


def _print(finding: Finding) -> None:
    import sys

    from alma.cli.terminal import Style, safe, styled

    marks: dict[str, tuple[str, Style]] = {"ok": ("ok", "green"), "warn": ("!", "yellow"), "problem": ("✗", "red")}
    mark, style = marks[finding.state]
    print(f"{styled(mark.ljust(2), style, sys.stdout)}  {finding.name.ljust(26)}  {safe(finding.detail)}")
    if finding.mend:
        print(f"      → {safe(finding.mend)}", flush=True)

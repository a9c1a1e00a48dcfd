"""`alma alerts`: what fires, what has fired, silencing a rule, trying a channel."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text

if TYPE_CHECKING:
    from alma.cli.door import Door

    Action = Callable[[Door, argparse.Namespace], Awaitable[int]]

_PATH = "/api/alerts"
_UNITS = {"m": 1, "h": 60, "d": 1440}


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "alerts",
        run,
        help="what is wrong just now, what was, and who is told",
        description="Rules watch Alma's figures and parts; docs/alerts.md says which there are and how to add your own"
        " (ALMA_ALERTS_FILE). Alerts are told in the page, the log, and where you set it up by webhook and e-mail.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma alerts list                         every rule, and what fires
              alma alerts history
              alma alerts silence disk_low 2h --reason "the disk is on its way"
              alma alerts silence disk_low off
              alma alerts test webhook"""
        ),
    )
    action = add_actions(parser)
    for name, act, help in (
        ("list", show, "Every rule with its state; exit code 1 when one fires that is not silenced."),
        ("history", show_history, "What has fired, the newest first."),
    ):
        action(name, act, help).add_argument("--json", action="store_true", help="the answer of GET /api/alerts")
    silencing = action("silence", silence, "Tell nobody of a rule for a while.")
    silencing.add_argument("rule", type=text, help="its name, as `list` has it")
    silencing.add_argument("time", type=_minutes, help="for how long, as 30m, 2h or 7d; `off` ends it")
    silencing.add_argument("--reason", type=text, default="", help="why, for others to read")
    trying = action("test", test, "Send a test over a channel, and say what came of it.")
    trying.add_argument("channel", choices=("page", "log", "webhook", "mail"))


def _minutes(word: str) -> float:
    if word == "off":
        return 0.0
    try:
        minutes = float(word[:-1]) * _UNITS[word[-1:]]
    except (ValueError, KeyError):
        minutes = -1.0
    if not 0 < minutes <= 30 * 1440:
        raise argparse.ArgumentTypeError(f"expected 30m, 2h, 7d (at most 30d) or off, got {word!r}")
    return minutes


def run(arguments: argparse.Namespace) -> int:
    async def act() -> int:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            return await arguments.act(door, arguments)

    return asyncio.run(act())


class _Rule(Struct, frozen=True, rename="camel"):
    name: str
    summary: str
    severity: str
    metric: str
    above: bool
    threshold: float
    state: str
    since: float
    now: float | None
    silenced_until: float
    silenced_why: str
    problem: str


class _Alert(Struct, frozen=True, rename="camel"):
    rule: str
    severity: str
    summary: str
    value: float
    fired_at: float
    ended_at: float | None
    told: dict[str, str]


class _Alerts(Struct, frozen=True, rename="camel"):
    """The reply of the API, as far as it is shown."""

    rules: list[_Rule]
    history: list[_Alert]
    problems: list[str]


async def show(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note, print_table

    said = await door.call("GET", _PATH)
    found = msgspec.convert(said, _Alerts)
    if arguments.json:
        _print_json(said)
    else:
        order = {"firing": 0, "pending": 1, "ok": 2}
        rules = sorted(found.rules, key=lambda one: order[one.state])
        print_table(
            ("rule", "state", "severity", "now", "when", "what"),
            [(one.name, _state(one), one.severity, _value(one.now), _when(one), _what(one)) for one in rules],
        )
        for problem in found.problems:
            note(problem)
        if found.problems:
            note("→ Mend it there: it is read again when it is saved. All else in it holds. See docs/alerts.md.")
    return int(any(one.state == "firing" and not _silenced(one) for one in found.rules))


async def show_history(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note, print_table

    said = await door.call("GET", _PATH)
    if arguments.json:
        _print_json(said)
        return 0
    found = msgspec.convert(said, _Alerts)
    if not found.history:
        note("Nothing has fired yet.")
        return 0
    print_table(
        ("began", "for", "rule", "severity", "value", "told"),
        [
            (_time(one.fired_at), _lasted(one), one.rule, one.severity, _value(one.value), _told(one.told))
            for one in found.history
        ],
    )
    return 0


async def silence(door: Door, arguments: argparse.Namespace) -> int:
    body = {"minutes": arguments.time, "reason": arguments.reason}
    rule = msgspec.convert(
        await door.call("PUT", f"{_PATH}/rules/{quote(arguments.rule, safe='')}/silence", body), _Rule
    )
    print(
        f"{rule.name} is silent until {_time(rule.silenced_until)}." if rule.silenced_until else f"{rule.name} is told."
    )
    return 0


async def test(door: Door, arguments: argparse.Namespace) -> int:
    said: Any = await door.call("POST", f"{_PATH}/test", {"channel": arguments.channel})
    print(f"{arguments.channel}: {said['said']}")
    return 0 if said["said"] == "ok" else 1


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_json(said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")


def _state(rule: _Rule) -> str:
    if rule.problem:
        return "problem"
    return f"{rule.state}, silenced" if _silenced(rule) else rule.state


def _what(rule: _Rule) -> str:
    if not _silenced(rule):
        return rule.summary
    why = f": {rule.silenced_why}" if rule.silenced_why else ""
    return f"{rule.summary} (silenced until {_time(rule.silenced_until)}{why})"


def _silenced(rule: _Rule) -> bool:
    return rule.silenced_until > time.time()


def _when(rule: _Rule) -> str:
    return f"{rule.metric} {'>' if rule.above else '<'} {rule.threshold:g}"


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%Y-%m-%d %H:%M}"


def _lasted(alert: _Alert) -> str:
    if alert.ended_at is None:
        return "still"
    seconds = alert.ended_at - alert.fired_at
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _told(told: dict[str, str]) -> str:
    return ", ".join(name if said == "ok" else f"{name}: {said}" for name, said in told.items()) or "nobody"

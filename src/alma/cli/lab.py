"""`alma lab`: simulated worlds to learn in, and how a policy does there; also one of somebody's own, from a file."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path

from alma.cli.options import Subparsers, add_actions, add_command, text

BESIDE = "thompson"  # what a policy is shown beside when nothing else is named
_ALONE = "One life has no interval: take more --seeds."


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "lab",
        run,
        help="simulated worlds in which policies learn, with yours among them",
        description="Plays policies (who does which task) in simulated worlds, and shows their curves. docs/lab.md is a"
        " tutorial. Nothing of it touches your conversations, and no server is needed.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma lab list
              alma lab run --world drift --policy alma --policy thompson
              alma lab run --file my_bandit.py --world tastes --show best
              alma lab remember --file my_retention.py --show kept
              alma lab run --world adversarial --set usual_best=1 --json > curves.json"""
        ),
    )
    action = add_actions(parser, data_dir=False)
    listing = action("list", show, "Every world with its settings, every policy, reward and curve.")
    listing.add_argument("--json", action="store_true", help="for programs")
    playing = action("run", play, "Play policies in a world and draw what they lose.")
    playing.add_argument("--world", type=text, help="as `list` has it (tastes, or the file's own)")
    playing.add_argument(
        "--policy", type=text, action="append", default=[], help="as often as you like (the file's own, or alma)"
    )
    playing.add_argument("--tasks", type=_whole, help="in each life (as many as the world is made for)")
    playing.add_argument("--seeds", type=_whole, default=10, help="lives (10)")
    playing.add_argument("--reward", type=text, default="", help="what a task was worth, from what happened (thumb)")
    playing.add_argument("--curve", type=text, default="", help="how evidence fades, in place of Alma's own way")
    playing.add_argument("--exploration", type=_share, default=1.0, help="0 to 1 (1)")
    playing.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="of the world")
    playing.add_argument("--show", choices=("regret", "reward", "best"), default="regret", help="which curve (regret)")
    playing.add_argument("--json", action="store_true", help="the curves, for programs")
    keeping = action("remember", remember, "Play curves of retention in a simulated memory, and draw what they find.")
    keeping.add_argument(
        "--curve", type=text, action="append", default=[], help="as often as you like (the file's own, and base-level)"
    )
    keeping.add_argument("--days", type=_whole, default=730, help="in each life (730)")
    keeping.add_argument("--seeds", type=_whole, default=5, help="lives (5)")
    keeping.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="of the memory"
    )
    keeping.add_argument("--show", choices=("found", "lost", "kept"), default="found", help="which curve (found)")
    keeping.add_argument("--json", action="store_true", help="the curves, for programs")
    for one in (listing, playing, keeping):
        one.add_argument("--file", type=Path, help="a Python file with something of your own")


def _whole(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 1000000, got {word!r}")
    return int(word)


def _share(word: str) -> float:
    try:
        share = float(word)
    except ValueError:
        share = -1.0
    if not 0.0 <= share <= 1.0:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {word!r}")
    return share


def _setting(word: str) -> tuple[str, float]:
    name, _, value = word.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected NAME=NUMBER, got {word!r}") from None


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.act(arguments)
    return code


def show(arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import print_table
    from alma.lab import library
    from alma.lab.keeping import MEMORIES
    from alma.lab.running import known

    lab = known()
    if arguments.file is not None:
        library.load(arguments.file)
    lived = [*lab.worlds.values(), MEMORIES]
    settings = {one.name: one.settings for one in lived}
    named = {"policy": lab.policies, "reward": lab.rewards, "curve": lab.fadings, "retention": library.RETENTIONS}
    if arguments.json:
        worlds = [
            {"name": one.name, "about": one.about, "tasks": one.tasks, "settings": settings[one.name]} for one in lived
        ]
        others = {what: {one.name: one.about for one in known.values()} for what, known in named.items()}
        sys.stdout.write(json.dumps({"world": worlds, **others}) + "\n")
        return 0
    rows = [("world", one.name, one.about, _settings(one.settings)) for one in lived]
    rows += [(what, one.name, one.about, "") for what, known in named.items() for one in known.values()]
    print_table(("what", "name", "about", "settings"), rows)
    return 0


def _settings(settings: dict[str, float]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in settings.items())


def _refuse_other_lab(arguments: argparse.Namespace) -> None:
    """`list` shows memories and their curves too, but they are played by `remember`."""
    from alma.errors import InvalidRequest
    from alma.lab import library
    from alma.lab.keeping import MEMORIES

    if arguments.world == MEMORIES.name and arguments.world not in library.WORLDS:
        raise InvalidRequest(
            "bad_lab_run",
            f"{MEMORIES.name} is a world of memories, in which no policy chooses.",
            hint="Play it by `alma lab remember`.",
        )
    curve = arguments.curve
    if curve and curve not in library.FADINGS and curve in library.RETENTIONS:
        raise InvalidRequest(
            "bad_lab_run",
            f"{curve} is a curve of retention, of memories; here it is one of forgetting, of evidence.",
            expected=library.names(library.FADINGS),
            actual=curve,
            hint=f"For memories: `alma lab remember --curve {curve}`.",
        )


def _never(world: str, tasks: int | None, given: dict[str, float]) -> str:
    """That a world which changes at a task does not get there."""
    from alma.lab import library

    known = library.find(library.WORLDS, "world", world)
    at = {**known.settings, **given}.get("at")
    count = known.tasks if tasks is None else tasks
    if known.stationary or at is None or at < count:
        return ""
    return (
        f"{world} changes at task {at:g}, and so not in {count} tasks: more --tasks, or --set at={max(1, count // 2)}."
    )


def play(arguments: argparse.Namespace) -> int:
    import msgspec

    from alma.cli.terminal import note, print_table
    from alma.lab import library
    from alma.lab.plot import plot
    from alma.lab.running import run

    new = library.load(arguments.file) if arguments.file is not None else library.Names()
    world = arguments.world or next(iter(new.worlds), "tastes")
    _refuse_other_lab(arguments)
    if line := _never(world, arguments.tasks, dict(arguments.set)):
        note(line)
    policies = arguments.policy or [*(new.policies or ["alma"]), BESIDE]
    found = [
        run(
            world,
            policy,
            arguments.seeds,
            arguments.tasks,
            reward=arguments.reward or next(iter(new.rewards), "thumb"),
            fading=(arguments.curve or next(iter(new.fadings), "")) if library.fades(policy) else "",
            exploration=arguments.exploration,
            settings=dict(arguments.set),
        )
        for policy in policies
    ]
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return 0
    print(plot(found, arguments.show))
    rows = [
        (
            one.policy,
            f"{one.regret.mean[-1]:.1f}"
            + (f" ({one.regret.low[-1]:.1f}–{one.regret.high[-1]:.1f})" if one.seeds > 1 else ""),
            f"{sum(one.rewards) / len(one.rewards):.3f}",
            f"{one.best.mean[-1]:.0%}",
        )
        for one in found
    ]
    print_table(("policy", "regret (95 %)", "reward a task", "best arm at the end"), rows)
    if arguments.seeds == 1:
        note(_ALONE)
    return 0


def remember(arguments: argparse.Namespace) -> int:
    import msgspec

    from alma.cli.terminal import note, print_table
    from alma.lab import keeping, library
    from alma.lab.plot import plot

    new = library.load(arguments.file) if arguments.file is not None else library.Names()
    curves = arguments.curve or [*(new.retentions or ["everything", "exponential"]), "base-level"]
    found = [keeping.run(one, arguments.seeds, arguments.days, settings=dict(arguments.set)) for one in curves]
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return 0
    print(plot(found, arguments.show, "days"))
    rows = [
        (
            one.policy,
            f"{sum(one.founds) / len(one.founds):.1%}",
            f"{one.found.mean[-1]:.1%}"
            + (f" ({one.found.low[-1]:.1%}–{one.found.high[-1]:.1%})" if arguments.seeds > 1 else ""),
            f"{one.lost.mean[-1]:.1%}",
            f"{one.kept.mean[-1]:.0f}",
        )
        for one in found
    ]
    print_table(("curve", "found in all", "found at the end (95 %)", "let go and needed", "kept"), rows)
    if arguments.seeds == 1:
        note(_ALONE)
    return 0

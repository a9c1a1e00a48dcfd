"""`alma agents`: the agents' role files: list, show, begin a new one, check. Needs no server."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text
from alma.errors import InvalidRequest, RoleInvalid, RoleProblem

if TYPE_CHECKING:
    from alma.agent.role import Role
    from alma.agent.roles import Roles

_BESIDE = Path("agents")  # where a new file goes when ALMA_AGENTS_DIR names no folder


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "agents",
        run,
        help="list, show, begin and check the agents' role files",
        description="Works on the files that Alma brings and on those in ALMA_AGENTS_DIR. Needs no server.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma agents list
              alma agents show critic
              alma agents show manager --source > my-agents/manager.md    to change one that Alma brings
              alma agents new translator
              alma agents check                                           every file in use
              alma agents check my-agents draft.md

            exit code of `check`: 0 when nothing is wrong, 1 when something is"""
        ),
    )
    action = add_actions(parser, data_dir=False)
    listing = action("list", list_agents, "The agents that there are.")
    listing.add_argument("--json", action="store_true", help="print them as JSON")
    show = action("show", show_agent, "All that a role file says, with what it leaves to the defaults.")
    show.add_argument("name", type=text, metavar="NAME")
    how = show.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print it as JSON")
    how.add_argument("--source", action="store_true", help="print the file itself")
    new = action("new", new_agent, "Write a role file to start from, every field explained.")
    new.add_argument("name", type=text, metavar="NAME", help="small letters, digits, - and _")
    check = action("check", check_agents, "Say what is wrong in role files, with file, line and field.")
    check.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files or folders; none: every file in use")
    check.add_argument("--json", action="store_true", help="print the problems as JSON")


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.act(arguments)
    return code


def _roles() -> Roles:
    from alma.agent.roles import Roles

    return Roles(read_settings().agents_dir)


# ── list, show ────────────────────────────────────────────────────────────────────────────────────────────────────


def list_agents(arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note, print_table

    roles = _roles()
    problems = [*roles.problems(), *roles.check(_tools())]
    if arguments.json:
        _print_json({"agents": [_facts(role) for role in roles.all()], "problems": problems})
        return 0
    rows = [
        (role.name, role.model or "the default", ", ".join(role.tools) or "none", _origin(roles, role), role.purpose)
        for role in roles.all()
    ]
    print_table(("agent", "model", "tools", "from", "purpose"), rows)
    if problems:
        note(f"{_count(problems)}: `alma agents check` says what and where.")
    return 0


def _origin(roles: Roles, role: Role) -> str:
    from alma.agent.role import shipped_folder

    file = roles.file(role.name)
    return "Alma" if file.parent == shipped_folder() else str(file)


def show_agent(arguments: argparse.Namespace) -> int:
    roles = _roles()
    role = roles.get(arguments.name)
    if arguments.source:
        sys.stdout.write(role.source)
    elif arguments.json:
        _print_json(_facts(role))
    else:
        _print_role(role, str(roles.file(role.name)))
    return 0


def _print_role(role: Role, file: str) -> None:
    from alma.cli.terminal import safe, styled

    budgets, memory, sampling = role.budgets, role.memory, role.sampling
    share = "a share of the parent's"
    facts = {
        "purpose": role.purpose,
        "file": f"{file} (version {role.version})",
        "model": role.model or "the default",
        "sampling": f"temperature {sampling.temperature}, top_p {sampling.top_p}, at most {sampling.max_tokens} tokens",
        "tools": ", ".join(role.tools) or "none",
        "delegates to": ", ".join(role.delegates_to) or "nobody",
        "stand-ins": ", ".join([*role.stand_ins, *role.stand_in_models]) or "none",
        "variant of": role.variant_of or "none",
        "or models": ", ".join(role.models) or "none",
        "budgets": f"tokens: {budgets.tokens or share}, seconds: {budgets.seconds or share}, "
        f"tool calls: {budgets.tool_calls}, depth: {budgets.depth}, children: {budgets.children}, "
        f"at once: {budgets.parallel}",
        "memory": f"recalls {', '.join(memory.recall) or 'nothing'} in {memory.tokens} tokens, "
        f"writes {', '.join(memory.write) or 'nothing'}",
        "answers": f"JSON with {', '.join(role.output_schema['properties'])}" if role.output_schema else "text",
    }
    print(styled(role.name, "bold", sys.stdout))
    for label, fact in facts.items():
        print(f"  {label:<13} {safe(fact)}")
    for label, lines in (
        ("work for it", role.when),
        ("examples", [example.task for example in role.examples]),
        *((kind, [f"{len(spec.examples)} examples"]) for kind, spec in role.kinds.items()),
    ):
        for at, line in enumerate(lines):
            print(f"  {'' if at else label:<13} {safe(line)}")
    for title, words in {"prompt": role.prompt, **role.sections}.items():
        if words:
            print(f"\n{styled(title, 'bold', sys.stdout)}\n{safe(words)}")


def _facts(role: Role) -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(role)
    del facts["source"]
    return facts


# ── new ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_TEMPLATE = """\
---
name: {name}
purpose: What {name} is for, in one sentence. The manager and the user read it.
# Sentences that ask for its kind of work: by them a plan finds it.
when:
  - Say what it should do, as a user would put it.

# Everything below is optional; these are the defaults. `#` hides a line.
# model: ollama/qwen3:4b             # none: whichever answers by default
sampling: {{temperature: 0.7, top_p: 0.95, max_tokens: 1024}}
tools: []                           # such as calculator, clock; `*` for all
delegates_to: []                    # roles that it may give parts of its work to
stand_ins: []                       # roles that take over when it fails
stand_in_models: []                 # models that do
# variant_of: writer                 # the role whose tasks it may do instead, as far as learning finds it better
models: []                          # models between which, and its own one, learning may choose
memory: {{recall: [private, team, owner], write: [private], tokens: 200}}
budgets:
  tokens: 0                         # of one task; 0: a share of its parent's
  seconds: 0
  tool_calls: 8
  depth: 3                          # levels of delegation below it
  children: 12                      # tasks in one plan
  parallel: 16                      # tasks of this role at once
# examples:                          # tasks with the answers that you would wish for
#   - task: Say hello to Ada.
#     answer: Hello, Ada!
# output_schema:                     # answers as JSON of this form, instead of text
#   type: object
#   properties: {{greeting: {{type: string}}}}
#   required: [greeting]
---
You are {name}. Do exactly what is asked, in at most five plain sentences. No introduction.
"""


def new_agent(arguments: argparse.Namespace) -> int:
    import re

    from alma.agent.role import NAME, shipped_folder
    from alma.cli.terminal import note

    name: str = arguments.name
    if not re.fullmatch(NAME, name):
        raise InvalidRequest(
            "invalid_field",
            f"{name[:60]!r} cannot be a role's name.",
            expected="1 to 40 small letters, digits, - and _, the first one a letter",
            hint="alma agents new travel-planner",
        )
    settings = read_settings()
    folder = settings.agents_dir or _BESIDE
    path = folder / f"{name}.md"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(name=name))
    except FileExistsError:
        raise InvalidRequest(
            "invalid_field", f"{path} is there already.", hint="Edit it, or choose another name."
        ) from None
    print(path)
    known = (shipped_folder() / path.name).is_file()
    if known and folder.resolve() != shipped_folder().resolve():
        note(f"It goes over the {name} that Alma brings; `alma agents show {name} --source` prints that one.")
    note(f"Next: write its purpose and its prompt, then `alma agents check {path}`.")
    if settings.agents_dir is None and folder.resolve() != shipped_folder().resolve():
        note(f"Set ALMA_AGENTS_DIR={folder} so that Alma reads it; while it runs, changes take effect within seconds.")
    else:
        note("A running Alma reads it, and every change to it, within seconds.")
    note("To let the manager use it, put its name into delegates_to of manager.md.")
    return 0


# ── check ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def check_agents(arguments: argparse.Namespace) -> int:
    from alma.cli.terminal import note, safe

    count, problems = _checked(arguments.paths) if arguments.paths else _checked_all()
    if arguments.json:
        _print_json(problems)
    else:
        for problem in problems:
            print(safe(str(problem)))
        note(f"{count} role file{'' if count == 1 else 's'}, {_count(problems)}")
    return 1 if problems else 0


def _checked_all() -> tuple[int, list[RoleProblem]]:
    roles = _roles()
    used = {str(roles.file(name)) for name in roles.names()}
    broken = {problem.file for problem in roles.problems()}
    return len(used | broken), [*roles.problems(), *roles.check(_tools())]


def _checked(paths: list[Path]) -> tuple[int, list[RoleProblem]]:
    """The roles in `paths` may name each other and those in use."""
    from alma.agent.role import read_role
    from alma.agent.roles import cross_check, role_files

    files = [file for path in paths for file in (role_files(path) if path.is_dir() else [path])]
    found: list[tuple[Role, str]] = []
    problems: list[RoleProblem] = []
    for file in files:
        try:
            found.append((read_role(file), str(file)))
        except RoleInvalid as error:
            problems += error.problems
    known = {role.name: role for role in (*_roles().all(), *(role for role, _ in found))}
    return len(files), [*problems, *cross_check(found, known, _tools())]


def _tools() -> set[str]:
    """The tools that Alma brings, also those that are switched off."""
    from alma.tools.toolbox import SHIPPED, Toolbox

    tools = Toolbox()
    tools.load_folder(SHIPPED)
    return {*tools.names(), *tools.off()}


def _count(problems: list[RoleProblem]) -> str:
    return f"{len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}"


def _print_json(value: object) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value)).decode())

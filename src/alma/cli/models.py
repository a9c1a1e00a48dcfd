"""`alma models`: what can answer, on this machine and elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from alma.cli.options import Subparsers, add_actions, add_command, read_settings, text
from alma.errors import AlmaError, InvalidRequest

if TYPE_CHECKING:
    from alma.cli.door import Door
    from alma.cli.model_replies import Catalogue, Endpoint, Models
    from alma.session.wire import PullProgress

    Action = Callable[[Door, argparse.Namespace], Awaitable[int]]


_SOON_S = 0.5


def add(commands: Subparsers) -> None:
    parser = add_command(
        commands,
        "models",
        run,
        help="list, find, connect, fetch, test and choose models",
        description="Works on the running server, or on the settings and the data folder when none runs.",
        epilog=textwrap.dedent(
            """\
            examples:
              alma models list
              alma models found                                  servers on this machine
              alma models add openai --url https://api.openai.com/v1 --key-env OPENAI_API_KEY
              alma models use openai/gpt-5-mini
              alma models use ~/models/qwen.gguf                 a file, in the embedded server
              alma models pull                                   what would run well here
              alma models pull "Qwen3 1.7B"
              alma models test embedded/smollm2-135m"""
        ),
    )
    action = add_actions(parser)
    action("list", list_models, "Models, endpoints and how they are, and which model answers by default.")
    action("found", list_found, "Model servers that run on this machine.")
    adding = action("add", add_endpoint, "Connect an endpoint that speaks OpenAI's protocol.")
    adding.add_argument("name", type=text, help="what to call it")
    adding.add_argument("--url", type=text, required=True, help="its address, usually ending in /v1")
    adding.add_argument("--key-env", metavar="VARIABLE", help="environment variable that holds its key")
    adding.add_argument("--ask-key", action="store_true", help="ask for its key on the terminal")
    adding.add_argument("--models", nargs="+", type=text, metavar="NAME", default=None, help="only these of its models")
    adding.add_argument("--concurrency", type=int, metavar="N", help="calls at once at most")
    adding.add_argument("--weight", type=float, metavar="W", help="its part of the calls where several have a model")
    adding.add_argument("--price", type=float, nargs=2, metavar=("IN", "OUT"), help="US dollars for a million tokens")
    adding.add_argument(
        "--alias",
        nargs=2,
        type=text,
        action="append",
        default=[],
        metavar=("ITS_NAME", "NAME"),
        help="offer a model under the name that others have for it",
    )
    action("remove", remove_endpoint, "Forget an endpoint.").add_argument("name", type=text)
    use = action("use", use_model, "Make a model the default.")
    use.add_argument("model", type=text, help="a model's id, or the path of a GGUF file")
    pull = action(
        "pull", pull_model, "Fetch a model file from the Hugging Face hub; without arguments, show good ones."
    )
    pull.add_argument("model", nargs="?", type=text, help="a name from the list, or a repository")
    pull.add_argument("file", nargs="?", type=text, help="the file in that repository")
    action("test", test_model, "Measure what a model can do here.").add_argument(
        "model", type=text, help="a model's id"
    )


def run(arguments: argparse.Namespace) -> int:
    async def act() -> int:
        from alma.cli.door import open_door

        async with open_door(read_settings(data_dir=arguments.data_dir)) as door:
            return await arguments.act(door, arguments)

    return asyncio.run(act())


async def list_models(door: Door, _arguments: argparse.Namespace) -> int:
    from alma.cli.model_replies import Models, decoded

    _print_models(decoded(await door.call("GET", "/api/models"), Models))
    return 0


async def list_found(door: Door, _arguments: argparse.Namespace) -> int:
    from alma.cli.model_replies import Found, decoded
    from alma.cli.terminal import note, print_table

    found = decoded(await door.call("GET", "/api/models/discover", long=True), Found).found
    if not found:
        note("No Ollama, LM Studio or other model server answers on this machine.")
        return 0
    print_table(
        ("server", "address", "models"), [(one.name, one.base_url, ", ".join(one.models) or "none") for one in found]
    )
    first = found[0]
    note(f"To use it: alma models add {first.name} --url {first.base_url}")
    return 0


async def add_endpoint(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.model_replies import Models, decoded

    body: dict[str, object] = {"name": arguments.name, "baseUrl": arguments.url}
    key = _key(arguments)
    if key:
        body["apiKey"] = key
    if arguments.models:
        body["models"] = arguments.models
    for name in ("concurrency", "weight"):
        if (value := getattr(arguments, name)) is not None:
            body[name] = value
    if arguments.price is not None:
        body["priceInput"], body["priceOutput"] = arguments.price
    if arguments.alias:
        body["aliases"] = dict(arguments.alias)
    _print_models(decoded(await door.call("POST", "/api/endpoints", body, long=True), Models))
    return 0


def _key(arguments: argparse.Namespace) -> str:
    """Never an option of the command line: those are seen by every process on the machine and kept by the shell."""
    if arguments.ask_key:
        import getpass

        return getpass.getpass(f"Key of {arguments.name}: ").strip()
    if not arguments.key_env:
        return ""
    from alma.config import environment

    key = environment().get(arguments.key_env, "").strip()
    if not key:
        raise InvalidRequest(
            "invalid_field",
            "There is no key.",
            expected=f"a key in the variable {arguments.key_env}, in the environment or in .env",
            actual="nothing",
            hint="Set it, or use --ask-key.",
        )
    return key


async def remove_endpoint(door: Door, arguments: argparse.Namespace) -> int:
    await door.call("DELETE", f"/api/endpoints/{quote(arguments.name, safe='')}")
    return 0


async def use_model(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.model_replies import Models, decoded

    path = _gguf(arguments.model)
    if path is not None:
        answer = await door.call("POST", "/api/models/gguf", {"path": str(path)}, long=True)
    else:
        answer = await door.call("PUT", "/api/models/default", {"model": arguments.model})
    _print_models(decoded(answer, Models))
    return 0


def _gguf(model: str) -> Path | None:
    """The file that is meant, if it is one and not a model's id."""
    path = Path(model).expanduser()
    return path.resolve() if path.suffix == ".gguf" or path.is_file() else None


async def test_model(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.model_replies import Report, decoded
    from alma.cli.terminal import note, print_table

    # A refusal comes at once, and then there is nothing to wait for.
    remark = f"Testing {arguments.model}; this takes a minute or two on a small machine …"
    later = asyncio.get_running_loop().call_later(_SOON_S, note, remark)
    try:
        report = decoded(await door.call("POST", "/api/models/test", {"model": arguments.model}, long=True), Report)
    finally:
        later.cancel()
    rows = [(one.name, one.grade, f"{one.score:.0%}", one.detail) for one in report.grades]
    print_table(("ability", "grade", "score", "how it went"), rows)
    note(f"{report.tokens_per_second:.0f} tokens/s out, {report.prompt_tokens_per_second:.0f} tokens/s in")
    return 0


async def pull_model(door: Door, arguments: argparse.Namespace) -> int:
    from alma.cli.model_replies import Catalogue, decoded

    repo, file = arguments.model, arguments.file
    if file is None:
        catalogue = decoded(await door.call("GET", "/api/models/catalog", long=True), Catalogue)
        if repo is None:
            _print_catalogue(catalogue)
            return 0
        named = next((one for one in catalogue.models if repo in (one.name, one.repo, one.file)), None)
        if named is None:
            raise InvalidRequest(
                "unknown_model",
                f"The list has no {repo!r}.",
                expected="a name from `alma models pull`, or a repository and a file",
                actual=repo,
                hint=f"alma models pull {repo} FILE.gguf",
            )
        repo, file = named.repo, named.file
    return await _pull(door, repo, file)


async def _pull(door: Door, repo: str, file: str) -> int:
    """Fetch and show the progress; Ctrl-C cancels, and what was loaded is kept for the next time."""
    import msgspec

    from alma.cli.model_replies import Pull, decoded
    from alma.session.wire import PullProgress

    pull_id = ""

    async def begin() -> None:
        nonlocal pull_id
        pull_id = decoded(await door.call("POST", "/api/models/pull", {"repo": repo, "file": file}, long=True), Pull).id

    try:
        async for event in door.news(begin):
            if event.name != "alma.pull":
                continue
            progress = msgspec.convert(event.value, PullProgress)
            if progress.id == pull_id and _shown_to_the_end(progress):
                return 0 if progress.state == "done" else 1
    except asyncio.CancelledError:
        if pull_id:
            await asyncio.shield(door.call("DELETE", f"/api/models/pull/{pull_id}"))
        raise
    return 1


def _shown_to_the_end(progress: PullProgress) -> bool:
    from alma.cli.terminal import is_terminal, note, print_error

    done, total = progress.done_bytes / 1e6, progress.total_bytes / 1e6
    if is_terminal(sys.stderr):
        share = f"{done / total:4.0%}  {done:,.0f} of {total:,.0f} MB" if total else f"{done:,.0f} MB"
        print(f"\r\x1b[K{progress.file}  {share}", end="", file=sys.stderr, flush=True)
        if progress.state != "running":
            print(file=sys.stderr)
    if progress.state == "failed" and progress.error is not None:
        said = progress.error
        print_error(AlmaError(said.message, expected=said.expected, actual=said.actual, hint=said.hint))
    elif progress.state == "done":
        note(f"{progress.file} is there." + (f" To use it: alma models use {progress.model}" if progress.model else ""))
    return progress.state != "running"


def _print_models(models: Models) -> None:
    from alma.cli.terminal import note, print_table

    rows = [
        (
            "*" if one.id == models.default else "",
            one.id,
            f"{one.context_window:,}" if one.context_window else "?",
            one.kind,
        )
        for one in models.models
    ]
    print_table(("", "model", "window", "kind"), rows)
    asked = [endpoint for endpoint in models.endpoints if endpoint.calls or endpoint.active or endpoint.queued]
    if asked:
        print()
        columns = ("endpoint", "at work", "in line", "breaker", "calls", "errors", "first token", "95 %", "tokens/s")
        print_table(columns, [_traffic(endpoint) for endpoint in asked])
    for endpoint in models.endpoints:
        if endpoint.state != "ready":
            note(f"{endpoint.name} ({endpoint.base_url or endpoint.kind}): {endpoint.state}. {endpoint.detail}")
    if models.tiny_only:
        note("Only the tiny model is there. `alma models found` and `alma models pull` lead to stronger ones.")


def _traffic(endpoint: Endpoint) -> tuple[str, ...]:
    """How it has been doing for five minutes."""
    pause = max(0.0, endpoint.retry_at - time.time()) if endpoint.breaker == "open" else 0.0
    return (
        endpoint.name,
        f"{endpoint.active} of {endpoint.limit}" if endpoint.limit else str(endpoint.active),
        str(endpoint.queued),
        f"open for {pause:.0f} s" if pause else endpoint.breaker.replace("_", " "),
        str(endpoint.calls),
        str(endpoint.errors),
        f"{endpoint.first_token_p50_ms:,.0f} ms" if endpoint.first_token_p50_ms else "",
        f"{endpoint.first_token_p95_ms:,.0f} ms" if endpoint.first_token_p95_ms else "",
        f"{endpoint.tokens_per_s:.0f}" if endpoint.tokens_per_s else "",
    )


def _print_catalogue(catalogue: Catalogue) -> None:
    from alma.cli.terminal import note, print_table

    rows = [
        (
            "" if one.fits else "too large",
            one.name,
            f"{one.size_bytes / 1e9:.1f} GB",
            f"{one.ram_bytes / 1e9:.1f} GB",
            one.licence,
            one.note,
        )
        for one in catalogue.models
    ]
    print_table(("", "model", "file", "memory", "licence", "about"), rows)
    note(f"This machine has {catalogue.ram_bytes / 1e9:.0f} GB of memory. To fetch one: alma models pull NAME")

"""What `alma doctor` looks at where models are concerned: files, endpoints, and whether the embedded one answers."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

import aiohttp

from alma.cli.checks import Finding
from alma.config import environment
from alma.errors import AlmaError
from alma.model_call import Sampling
from alma.models import endpoints
from alma.models.chat import ChatMessage, ChatRequest
from alma.models.client import OpenAIClient
from alma.models.download import sha256_of, size_in_words
from alma.models.fetch import ARTIFACTS, chat_model_path
from alma.models.local import LocalModel
from alma.settings import Settings

_ENDPOINT_S = 5.0
_ANSWER_S = 120.0


def check_models(data_dir: Path) -> list[Finding]:
    """The files that Alma brings, by their hashes."""
    findings: list[Finding] = []
    for artifact in ARTIFACTS:
        path, mend = data_dir / artifact.path, f"python -m alma.models.fetch --data-dir {data_dir}"
        if not path.is_file():
            findings.append(Finding(artifact.label, "problem", f"{path} is missing", mend))
        elif sha256_of(path) != artifact.sha256:
            findings.append(Finding(artifact.label, "problem", f"{path} is damaged", f"rm {path}; {mend}"))
        else:
            findings.append(Finding(artifact.label, "ok", f"{path}, {size_in_words(path.stat().st_size)}, hash right"))
    return findings


async def check_endpoints(settings: Settings) -> list[Finding]:
    """Ask every endpoint of the models file for its models, all at once and each for a few seconds."""
    listed = endpoints.load(settings.models_file).endpoints
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        tasks = [group.create_task(_check_endpoint(session, endpoint)) for endpoint in listed]
    return [task.result() for task in tasks]


async def _check_endpoint(session: aiohttp.ClientSession, endpoint: endpoints.Endpoint) -> Finding:
    name, key = f"endpoint {endpoint.name}", endpoint.key(environment())
    if endpoint.api_key_env and not key:
        return Finding(
            name, "problem", f"no key: {endpoint.api_key_env} is not set", f"{endpoint.api_key_env}=… in .env"
        )
    client = OpenAIClient(session, endpoint=endpoint.name, base_url=endpoint.base_url, api_key=key)
    try:
        models = await client.list_models(_ENDPOINT_S)
    except AlmaError as error:
        return Finding(name, "problem", error.message, error.hint or f"alma models remove {endpoint.name}")
    return Finding(name, "ok", f"{endpoint.base_url} has {len(models)} model{'' if len(models) == 1 else 's'}")


async def check_embedded(settings: Settings) -> Finding:
    """Start the embedded model and have it say a word."""
    path = settings.gguf or Path(endpoints.load(settings.models_file).gguf or chat_model_path(settings.data_dir))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            begun = asyncio.Event()
            model = LocalModel(session, path, folder=Path(folder), slots=1, on_change=begun.set)
            owner = group.create_task(model.run())
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await begun.wait()
                    await model.wait_ready(_ANSWER_S)
                    loaded = time.monotonic() - started
                    await _say_a_word(model)
            except (AlmaError, TimeoutError) as error:
                said = str(error) or f"no answer within {_ANSWER_S:.0f} s"
                return Finding(
                    "embedded model", "problem", said, f"check {path}, or choose another: alma models use FILE"
                )
            finally:
                owner.cancel()
    spent = time.monotonic() - started
    return Finding("embedded model", "ok", f"{path.name} loaded in {loaded:.1f} s, answered after {spent:.1f} s")


async def _say_a_word(model: LocalModel) -> None:
    request = ChatRequest(
        model=model.name, messages=[ChatMessage("user", "Say hello.")], sampling=Sampling(max_tokens=4)
    )
    async with contextlib.aclosing(model.stream(request)) as chunks:
        async for _ in chunks:
            pass

"""The router: embeds a task and lets the examples vote. Keeps the examples of the role and of each owner's corrections.

When the embedder cannot answer in time the task is treated as chat, and says so (`source` = default): a missing
embedder costs quality, never an answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alma.agent.boundary import classify
from alma.agent.role import Role
from alma.agent.route import Example, Vectors, Verdict
from alma.errors import EmbedderUnavailable
from alma.events import KINDS, Kind, RouteChosen
from alma.memory import kept_vectors
from alma.memory.embedder import DIMENSIONS, Embedder

log = logging.getLogger(__name__)
_BATCH = 16


class _Known(NamedTuple):
    version: str
    examples: list[Example]
    vectors: Vectors


class Router:
    """`manager` gives the role whose examples decide, as its file is now. `keep`: the folder where their vectors are
    kept for the next start."""

    def __init__(self, manager: Callable[[], Role], embedder: Embedder, keep: Path | None = None) -> None:
        self._manager = manager
        self._embedder = embedder
        self._keep = keep
        self._known: _Known | None = None
        self._corrections: dict[str, dict[str, tuple[Kind, Vectors]]] = {}  # owner → text → (kind, vector)

    async def preview(self, text: str, owner: str) -> Verdict:
        """How `text` would be treated. Raises `EmbedderUnavailable`."""
        known = await self._examples()
        task = (await self._embedder.embed([text]))[0]
        own = self._corrections.get(owner, {})
        vectors = known.vectors
        examples = known.examples + [Example(said, kind, True) for said, (kind, _) in own.items()]
        if own:
            vectors = np.vstack([vectors, *(vector[None] for _, vector in own.values())])
        return classify(task, examples, vectors)

    async def warm(self) -> None:
        """Embed the role's examples before the first task needs them."""
        try:
            await self._examples()
        except EmbedderUnavailable as error:
            log.info("the examples will be embedded when they are needed: %s", error)

    def prefetch(self, text: str) -> None:
        """Begin to embed `text`, which will be routed in a moment."""
        self._embedder.prefetch(text)

    async def route(self, text: str, owner: str, forced: Kind | None, at: float) -> RouteChosen:
        """Decide how to treat a task; `forced`: the user already said."""
        if forced is not None:
            return self._chosen(Verdict(forced, {forced: 1.0}, []), "user", at)
        try:
            return self._chosen(await self.preview(text, owner), "examples", at)
        except EmbedderUnavailable as error:
            log.warning("routing without the embedder: %s", error)
            return self._chosen(Verdict("chat", {}, []), "default", at)

    async def vector(self, text: str) -> Vectors:
        """The vector of one text, for a correction to be kept."""
        return (await self._embedder.embed([text]))[0]

    def learn(self, owner: str, text: str, kind: Kind, vector: Vectors) -> None:
        """Keep a correction; the last one on the same text wins."""
        self._corrections.setdefault(owner, {})[text] = (kind, vector)

    def forget(self, owner: str, text: str) -> None:
        self._corrections.get(owner, {}).pop(text, None)

    def _chosen(self, verdict: Verdict, source: str, at: float) -> RouteChosen:
        role = self._manager()
        return RouteChosen(
            at=at,
            kind=verdict.kind,
            source=source,  # pyright: ignore[reportArgumentType]  # one of the three literals, by the callers above
            scores=verdict.scores,
            neighbours=verdict.neighbours,
            role=role.name,
            prompt_version=role.version,
            sampling=role.kinds[verdict.kind].sampling,
        )

    async def _examples(self) -> _Known:
        """The role's examples with their vectors, embedded anew when its file has changed."""
        role = self._manager()
        if self._known is None or self._known.version != role.version:
            examples = [Example(text, kind) for kind in KINDS for text in role.kinds[kind].examples]
            vectors = await self._vectors([example.text for example in examples])
            assert vectors.shape == (len(examples), DIMENSIONS)
            self._known = _Known(role.version, examples, vectors)
        return self._known

    async def _vectors(self, texts: list[str]) -> Vectors:
        keep = self._keep
        if keep is not None and (kept := await asyncio.to_thread(kept_vectors.read, keep, texts)) is not None:
            return kept
        # In small batches: a busy machine is slow to embed hundreds of sentences, and one call has a deadline.
        vectors = np.vstack(
            [await self._embedder.embed(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        )
        if keep is not None:
            await asyncio.to_thread(kept_vectors.write, keep, texts, vectors)
        return vectors

"""Models behind the response cache: the same models, whose answers of before may serve again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from alma.models.cache import ResponseCache
from alma.models.chat import ChatModel, ChatRequest, Chunk, Counted
from alma.models.probe import ProbeReport
from alma.models.remote import ModelInfo


class Models(Protocol):
    """Who answers for an id, and what the last measurement said of it."""

    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]: ...

    def report(self, model_id: str) -> ProbeReport | None: ...


class CachedModels:
    def __init__(self, models: Models, cache: ResponseCache) -> None:
        self._models = models
        self._cache = cache

    def resolve(self, model_id: str | None) -> tuple[ChatModel, ModelInfo]:
        model, info = self._models.resolve(model_id)
        return CachedModel(model, info.id, self._cache), info

    def report(self, model_id: str) -> ProbeReport | None:
        return self._models.report(model_id)


class CachedModel:
    """`model`, whose id is `model_id`. A call that may not be cached goes straight to it."""

    __slots__ = ("_cache", "_id", "_model")

    def __init__(self, model: ChatModel, model_id: str, cache: ResponseCache) -> None:
        self._model = model
        self._id = model_id
        self._cache = cache

    @property
    def endpoint(self) -> str:
        return self._model.endpoint

    def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk]:
        if self._cache.passes(request.caller):
            return self._model.stream(request)
        return self._cache.stream(self._model, self._id, request)

    async def count_tokens(self, text: str) -> int:
        return await self._model.count_tokens(text)

    def counted(self, text: str) -> int | None:
        return self._model.counted(text)

    @property
    def counting(self) -> Counted:
        return self._model.counting

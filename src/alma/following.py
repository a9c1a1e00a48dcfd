"""Resources that follow, put together: the queue's demand, the stores whose room moves, prompts that are kept ready."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from alma.agent.warming import Warming
from alma.engine.dispatch import Demand, LocalDispatcher
from alma.errors import AlmaError
from alma.learner.books import PRIOR, Books
from alma.learner.shares import Shares, Store
from alma.learner.weights import Record
from alma.learning.outcome import item_id
from alma.memory.embedder import VECTOR_BYTES, Embedder
from alma.models.cache import ResponseCache
from alma.models.chat import Caller
from alma.models.counting import CACHED, COUNT_BYTES
from alma.models.local import LocalModel
from alma.models.prefixes import MOST_BYTES
from alma.models.registry import Registry
from alma.models.shelf import MEMORY_BYTES

# Seconds that a thing spares which is still there: measured on two cores, of a usual size.
_VECTOR_S, _COUNT_S, _ANSWER_S, _PREFIX_S = 0.01, 0.0005, 0.001, 1.0
_LEAST_COUNTS = 512
_RECORD_S = 5.0  # for which a record stays as it was: to sum up thousands of runs anew after each takes milliseconds
_RECORDS = 10_000


def follow(
    dispatcher: Callable[[], LocalDispatcher],
    books: Books,
    embedder: Embedder,
    registry: Registry,
    cache: ResponseCache,
    warming: Warming,
    clock: Callable[[], float],
    most_bytes: int,
    follows: Callable[[str], bool],
) -> Shares:
    """What follows demand and record. `follows`: whether for this owner; for others all shares are equal."""

    known: dict[tuple[str, str], tuple[float, Record]] = {}  # since when

    def record(owner: str, role: str) -> Record:
        if not follows(owner):
            return Record()
        since, found = known.get((owner, role), (-math.inf, Record()))
        if not 0.0 <= clock() - since < _RECORD_S:
            sums = books.tally(owner, item_id("role", role), "")
            found = Record(PRIOR.with_(sums.good, sums.bad).mean, sums.good + sums.bad)
            if len(known) >= _RECORDS:
                known.clear()
            known[owner, role] = clock(), found
        return found

    def demand() -> dict[tuple[str, str], Demand]:
        return {pair: one for pair, one in dispatcher().demand().items() if follows(pair[0])}

    def warm(roles: list[str]) -> bool:
        local = registry.local
        if local is None or local.prefixes is None or not local.warmed:
            return False
        try:
            requests = [request for role in roles for request in warming.of_role(role)]
        except AlmaError:  # a role or model that is gone; it is asked again with others later
            return False
        local.warm(requests)
        return bool(requests)

    shares = Shares(demand, record, stores(embedder, registry, cache), warm, clock, most_bytes)
    if registry.local is not None:
        registry.local.weigh = lambda caller: _weigh(shares, caller)
    return shares


def _weigh(shares: Shares, caller: Caller) -> float:
    return shares.weight(caller.owner, caller.role)


def stores(embedder: Embedder, registry: Registry, cache: ResponseCache) -> Sequence[Store]:
    """All whose room moves."""

    def vectors(most: int) -> None:
        embedder.most = most // VECTOR_BYTES

    def counts(most: int) -> None:
        by_text = registry.counters.by_text
        for one in by_text:
            one.size = max(most // COUNT_BYTES // len(by_text), _LEAST_COUNTS)

    def count_figures() -> tuple[int, int, int, int]:
        by_text = registry.counters.by_text
        return (
            COUNT_BYTES * sum(map(len, by_text)),
            sum(one.asked.hits for one in by_text),
            sum(one.asked.misses for one in by_text),
            sum(one.asked.returns for one in by_text),
        )

    def answers(most: int) -> None:
        cache.shelf.memory_bytes = most

    found = [
        Store(
            "vectors",
            embedder.most * VECTOR_BYTES,
            _VECTOR_S,
            lambda: (embedder.kept * VECTOR_BYTES, *embedder.asked.figures),
            vectors,
        ),
        Store("token counts", 2 * CACHED * COUNT_BYTES, _COUNT_S, count_figures, counts),
        Store(
            "answers",
            MEMORY_BYTES,
            _ANSWER_S,
            lambda: (cache.shelf.in_memory, *cache.shelf.asked.figures),
            answers,
        ),
    ]
    if registry.local is not None:
        found.append(_prefixes(registry.local))
    return found


def _prefixes(local: LocalModel) -> Store:
    """They are files; a file is read about as quickly as memory, so that room for them is worth what it spares."""

    def figures() -> tuple[int, int, int, int]:
        prefixes = local.prefixes
        return (prefixes.kept_bytes, *prefixes.asked.figures) if prefixes is not None else (0, 0, 0, 0)

    def resize(most: int) -> None:
        local.prefix_bytes = most
        if local.prefixes is not None:
            local.prefixes.most_bytes = most

    return Store("prefixes", MOST_BYTES, _PREFIX_S, figures, resize)

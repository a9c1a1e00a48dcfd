"""Vectors that are kept for the next start: those of the same texts, whole, or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alma.agent.role import load_role
from alma.agent.router import Router
from alma.memory import kept_vectors
from alma.memory.embedder import Embedder, Vector


def vectors(count: int, seed: int = 1) -> Vector:
    found = np.random.default_rng(seed).standard_normal((count, 384)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_they_are_found_by_their_texts_alone(tmp_path: Path) -> None:
    kept_vectors.write(tmp_path / "kept", ["a", "bc"], vectors(2))
    found = kept_vectors.read(tmp_path / "kept", ["a", "bc"])
    assert found is not None
    assert np.array_equal(found, vectors(2))
    for others in (["ab", "c"], ["bc", "a"], ["a"], ["a", "bc", "d"]):
        assert kept_vectors.read(tmp_path / "kept", others) is None


@pytest.mark.parametrize("damage", [b"", b"\0" * 2 * 4 * 384, b"\xff" * 2 * 4 * 384, b"short"])
def test_what_is_damaged_is_as_if_it_were_not_there(tmp_path: Path, damage: bytes) -> None:
    kept_vectors.write(tmp_path, ["a", "b"], vectors(2))
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert kept_vectors.read(tmp_path, ["a", "b"]) is None


def test_only_the_newest_stay_and_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    for number in range(12):
        kept_vectors.write(tmp_path / "kept", [f"{number}"], vectors(1, number))
    assert len(list((tmp_path / "kept").iterdir())) == 8
    assert kept_vectors.read(tmp_path / "kept", ["11"]) is not None
    (tmp_path / "file").write_text("no folder")
    kept_vectors.write(tmp_path / "file", ["a"], vectors(1))
    assert kept_vectors.read(tmp_path / "file", ["a"]) is None


class Counted(Embedder):
    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.texts = 0

    async def embed(self, texts: list[str], *, urgent: bool = True) -> Vector:
        self.texts += len(texts)
        return vectors(len(texts), len(texts))


async def test_a_second_start_embeds_no_example(tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    for embedder in (first, second):
        await Router(lambda: load_role("manager"), embedder, keep=tmp_path / "kept").warm()
    assert first.texts > 50
    assert second.texts == 0

"""Models worth fetching for the embedded server: small, instruction-tuned, from their makers' own repositories."""

from __future__ import annotations

import psutil
from msgspec import Struct

GIB = 1024**3


class CatalogModel(Struct, frozen=True):
    """`size_bytes` as published; `ram_bytes`: the file, a window of 8k tokens and room for the rest of the machine.
    `fits`: this machine has that much."""

    repo: str
    file: str
    name: str
    size_bytes: int
    ram_bytes: int
    licence: str
    note: str
    fits: bool = True


MODELS = (
    CatalogModel(
        repo="Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        file="qwen2.5-0.5b-instruct-q4_k_m.gguf",
        name="Qwen2.5 0.5B",
        size_bytes=491_400_032,
        ram_bytes=2 * GIB,
        licence="Apache-2.0",
        note="For very small machines. Better answers than the built-in model, still weak at facts.",
    ),
    CatalogModel(
        repo="HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
        file="smollm2-1.7b-instruct-q4_k_m.gguf",
        name="SmolLM2 1.7B",
        size_bytes=1_055_609_536,
        ram_bytes=4 * GIB,
        licence="Apache-2.0",
        note="The built-in model's big sister: fluent English, quick.",
    ),
    CatalogModel(
        repo="ibm-granite/granite-3.3-2b-instruct-GGUF",
        file="granite-3.3-2b-instruct-Q4_K_M.gguf",
        name="Granite 3.3 2B",
        size_bytes=1_545_303_328,
        ram_bytes=4 * GIB,
        licence="Apache-2.0",
        note="Follows instructions closely; a good all-rounder for 8 GB machines.",
    ),
    CatalogModel(
        repo="Qwen/Qwen3-1.7B-GGUF",
        file="Qwen3-1.7B-Q8_0.gguf",
        name="Qwen3 1.7B",
        size_bytes=1_834_426_016,
        ram_bytes=4 * GIB,
        licence="Apache-2.0",
        note="Thinks before it answers; many languages; calls tools.",
    ),
    CatalogModel(
        repo="Qwen/Qwen3-4B-GGUF",
        file="Qwen3-4B-Q4_K_M.gguf",
        name="Qwen3 4B",
        size_bytes=2_497_280_256,
        ram_bytes=6 * GIB,
        licence="Apache-2.0",
        note="Plans and calls tools well. Wants four cores or more to be pleasant.",
    ),
    CatalogModel(
        repo="Qwen/Qwen3-8B-GGUF",
        file="Qwen3-8B-Q4_K_M.gguf",
        name="Qwen3 8B",
        size_bytes=5_027_783_488,
        ram_bytes=10 * GIB,
        licence="Apache-2.0",
        note="The best of these. For a fast machine with 16 GB.",
    ),
)


def ram_bytes() -> int:
    """This machine's memory."""
    return psutil.virtual_memory().total


def catalog(ram: int | None = None) -> list[CatalogModel]:
    """All models, smallest first, with `fits` for `ram` bytes (None: this machine's)."""
    have = ram_bytes() if ram is None else ram
    return [
        CatalogModel(m.repo, m.file, m.name, m.size_bytes, m.ram_bytes, m.licence, m.note, m.ram_bytes <= have)
        for m in MODELS
    ]

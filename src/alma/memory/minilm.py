"""all-MiniLM-L6-v2 (int8 ONNX): sentences to vectors. Runs in the embedder's own process, never in the server's.

384 dimensions, mean-pooled over tokens, L2-normalised, as the model's authors do it; texts are cut at 256 tokens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  # it ships none
from numpy.typing import NDArray
from tokenizers import Tokenizer

DIMENSIONS = 384
_MAX_TOKENS = 256


class MiniLM:
    """`folder` holds `model.onnx` and `tokenizer.json`. `frugal`: between batches it holds no memory for them."""

    def __init__(self, folder: Path, threads: int = 2, *, frugal: bool = False) -> None:
        ort = cast(Any, onnxruntime)
        options = ort.SessionOptions()
        options.enable_cpu_mem_arena = not frugal
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = ort.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MAX_TOKENS)

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """(len(texts), 384) float32, rows of length 1. Shorter texts are padded to the longest, and masked."""
        encoded = self._tokenizer.encode_batch(texts)
        width = max(len(one.ids) for one in encoded)
        ids = np.zeros((len(texts), width), np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(encoded):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = cast(NDArray[np.float32], self._session.run(None, feed)[0])
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)

"""Exact counts for OpenAI's models, where the optional package `tiktoken` is installed (`pip install alma[tiktoken]`).

The package knows which model has which encoding; the ranks, 2 to 4 MB, it would load from the internet. Here they are
files in the data folder, fetched like the other models' (`fetch.py`). All of this runs in a thread; whatever is
missing, the models are counted by estimate.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from alma.models.download import DownloadFailed
from alma.models.fetch import RANKS, fetch

log = logging.getLogger(__name__)

Encode = Callable[[str], int]

_OPENAI = re.compile(r"(?:openai/)?((?:gpt-|chatgpt-|o[1-9]|ft:gpt-)[\w.:-]*)")
_FILES = {"cl100k_base": "cl100k_base", "o200k_base": "o200k_base", "o200k_harmony": "o200k_base"}
_CACHE = "TIKTOKEN_CACHE_DIR"


def may_know(model: str) -> bool:
    """Whether it is worth asking `Encodings.load` for a model: by its name, and whether tiktoken is installed."""
    return _OPENAI.fullmatch(model) is not None and importlib.util.find_spec("tiktoken") is not None


class Encodings:
    """`data_dir`: where the files are, or where they are fetched to. None: only those that TIKTOKEN_CACHE_DIR has."""

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._loaded: dict[str, Encode | None] = {}
        self._lock = threading.Lock()

    def load(self, model: str) -> Encode | None:
        """How tokens of `model` are counted; None when that is not known here. May fetch a file, so it blocks."""
        found = _OPENAI.fullmatch(model)
        if found is None:
            return None
        try:
            from tiktoken.model import encoding_name_for_model
        except ImportError:
            return None
        try:
            name = encoding_name_for_model(found[1])
        except KeyError:
            return None
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def _load(self, name: str) -> Encode | None:
        folder = self._folder(_FILES.get(name, ""))
        if folder is None:
            return None
        import tiktoken

        before = os.environ.get(_CACHE)
        os.environ[_CACHE] = str(folder)  # the package's own way to say where its files are
        try:
            encoding = tiktoken.get_encoding(name)
        except Exception as error:  # noqa: BLE001  # the package's boundary: whatever it trips over, there is still the estimate
            log.info("%s could not be loaded, its models are counted by estimate: %s", name, error)
            return None
        finally:
            if before is None:
                del os.environ[_CACHE]
            else:
                os.environ[_CACHE] = before
        return lambda text: len(encoding.encode_ordinary(text))

    def _folder(self, file: str) -> Path | None:
        """The folder with the ranks of an encoding, fetched if need be."""
        ranks = RANKS.get(file)
        if ranks is None:
            return None
        own = os.environ.get(_CACHE)
        if own and (Path(own) / ranks.path.name).is_file():
            return Path(own)
        if self._data_dir is None:
            return None
        try:
            fetch(ranks, self._data_dir)
        except (DownloadFailed, OSError) as error:
            log.info("%s is not here and could not be fetched, so its models are counted by estimate: %s", file, error)
            return None
        return (self._data_dir / ranks.path).parent

"""Annexes: Almas beside this one, with other settings and data of their own, for variants of experiments.

One lives in this process while its experiment runs. It has the same roles, endpoints and model files, an empty memory,
and an empty journal in its own folder, where it finds what it did before when it is opened again.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from alma.config import load_settings, variable
from alma.errors import SettingsInvalid
from alma.experiments.place import Place
from alma.settings import Settings

# What an annex has of its own, or has nothing to do with.
_OWN = ("data_dir", "database_url", "host", "port", "knowledge_dir", "alerts_file")
_SHARED = ("models", "probes")  # folders of the data


class Annexes:
    """`start`: an Alma with these settings, running, as the place where runs are done."""

    def __init__(self, settings: Settings, start: Callable[[Settings], AbstractAsyncContextManager[Place]]) -> None:
        self._settings = settings
        self._folder = settings.data_dir / "annexes"
        self._start = start

    def problems(self, changes: Mapping[str, str]) -> list[str]:
        own = [variable(name) for name in _OWN if variable(name) in changes]
        if own:
            return [f"{name} cannot be changed for a variant, which has data of its own" for name in own]
        try:
            self._changed(changes, self._folder)
        except SettingsInvalid as error:
            return error.problems
        return []

    @contextlib.asynccontextmanager
    async def open(self, name: str, changes: Mapping[str, str]) -> AsyncGenerator[Place]:
        folder = self._folder / name
        settings = self._changed(changes, folder)
        await asyncio.to_thread(self._prepare, folder)
        async with self._start(settings) as place:
            yield place

    async def drop(self, name: str) -> None:
        def remove() -> None:
            for folder in self._folder.glob(f"{name}-*"):
                shutil.rmtree(folder, ignore_errors=True)

        await asyncio.to_thread(remove)

    def _changed(self, changes: Mapping[str, str], folder: Path) -> Settings:
        """This Alma's settings with the changes, and none of what stands in the environment besides."""
        usual = Settings()
        kept: dict[str, object] = {}
        for name in Settings.model_fields:
            value: object = getattr(self._settings, name)
            if name not in _OWN and variable(name) not in changes and value != getattr(usual, name):
                kept[name] = value
        return load_settings({**kept, "data_dir": folder}, environ=changes, dotenv=Path(".env of no annex"))

    def _prepare(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _SHARED:
            shared = (self._settings.data_dir / name).absolute()
            if shared.is_dir() and not (folder / name).exists():
                (folder / name).symlink_to(shared, target_is_directory=True)

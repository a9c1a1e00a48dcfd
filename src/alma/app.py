"""The composition root: the only place that reads Settings and knows every part."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import uvicorn
from fastapi import FastAPI

from alma import __version__
from alma.agent.role import load_role
from alma.agent.router import Router
from alma.agent.run import Agent
from alma.config import Settings
from alma.db.database import Database
from alma.engine.bus import LocalBus
from alma.engine.journal import Journal
from alma.engine.runner import Engine
from alma.errors import DataDirBusy, PortInUse, StorageFailure
from alma.events import RunStarted
from alma.memory.embedder import Embedder
from alma.memory.examples import load_examples
from alma.session.evidence import keep_role
from alma.session.feed import Feeds
from alma.session.notices import Notices
from alma.session.sessions import Limits, Sessions

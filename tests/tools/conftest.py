"""A caller for tools: whom they are called by."""

from __future__ import annotations

import pytest

from alma.tools.signature import ToolContext


@pytest.fixture
def context() -> ToolContext:
    return ToolContext("ana", "thr_1", "run_1", "1", "call_1", "analyst")

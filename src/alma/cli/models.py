"""placeholder"""

from __future__ import annotations
from alma.cli.options import Subparsers


def add(commands: Subparsers) -> None: ...

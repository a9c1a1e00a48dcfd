"""What a server writes is for the account that it runs as, whatever that account's umask and an older folder say."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from serving import running


@pytest.mark.slow
def test_other_accounts_read_nothing_of_what_a_server_writes(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (tmp_path / "data").mkdir()
        elsewhere = tmp_path / "elsewhere" / "alma.db"
        with running(tmp_path, database_url=f"sqlite:///{elsewhere}"):
            written = [*(tmp_path / "data").rglob("*"), *elsewhere.parent.iterdir(), elsewhere.parent]
            open_to_others = [path for path in written if stat.S_IMODE(path.lstat().st_mode) & 0o077]
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        assert elsewhere in written
        assert open_to_others == []
    finally:
        os.umask(before)

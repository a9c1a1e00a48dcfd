"""The frontend's types come from the server's code, and nobody edits either side alone."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from alma.server import commands
from alma.server.schema import document
from alma.session import wire

FRONTEND = Path(__file__).parents[2] / "frontend"
REGENERATE = "run: .venv/bin/python -m alma.server.schema > frontend/openapi.json && cd frontend && npm run gen"


def test_the_frontend_has_the_servers_protocol() -> None:
    written = json.loads((FRONTEND / "openapi.json").read_text())
    assert written == json.loads(json.dumps(document())), REGENERATE


@pytest.mark.slow
def test_the_frontends_types_are_generated_from_it(tmp_path: Path) -> None:
    target = tmp_path / "protocol.gen.ts"
    script = json.loads((FRONTEND / "package.json").read_text())["scripts"]["gen"]
    command = script.replace("lib/protocol.gen.ts", str(target))
    subprocess.run(
        f"npx --no-install {command}", shell=True, cwd=FRONTEND, check=True, capture_output=True, timeout=400
    )
    assert target.read_text() == (FRONTEND / "lib" / "protocol.gen.ts").read_text(), REGENERATE


def test_every_command_and_payload_is_in_it() -> None:
    schemas = document()["components"]["schemas"]
    for struct in (*commands.ALL, *wire.CUSTOM_PAYLOADS.values()):
        assert struct.__name__ in schemas
    described = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    for command in commands.ALL:
        assert f"`{msgspec.structs.replace(_any(command)).__struct_config__.tag}`" in described


def _any(command: type[commands.Command]) -> commands.Command:
    values = {field.name: "x" for field in msgspec.structs.fields(command) if field.required}
    return command(**values)


def test_every_error_code_is_in_the_protocols_page() -> None:
    source = "\n".join(path.read_text() for path in (FRONTEND.parent / "src" / "alma").rglob("*.py"))
    codes = set(re.findall(r'\b(?:InvalidRequest|NotFound|Conflict)\(\s*"([a-z_]+)"', source))
    codes |= set(re.findall(r'^    code = "([a-z_]+)"', (FRONTEND.parent / "src/alma/errors.py").read_text(), re.M))
    codes -= {
        "startup",
        "settings_invalid",
        "database_newer",
        "port_in_use",
        "data_dir_busy",
        "unguarded",
    }  # before the wire exists
    codes -= {"run_failed", "endpoint_error"}  # never raised by themselves
    codes -= {"fence_lost", "head_moved"}  # never leave the engine
    page = (FRONTEND.parent / "docs" / "protocol.md").read_text()
    assert sorted(code for code in codes if f"`{code}`" not in page) == []

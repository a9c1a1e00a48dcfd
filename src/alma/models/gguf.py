"""What can be told of a GGUF file before a model server loads it."""

from __future__ import annotations

import struct
from pathlib import Path

from alma.errors import InvalidRequest


def check_gguf(path: Path) -> None:
    """Raise InvalidRequest unless `path` is a readable GGUF file of a version that llama.cpp reads."""
    hint = "Give the path of a .gguf file; `alma models pull` can fetch one."
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except FileNotFoundError:
        raise InvalidRequest(
            "invalid_field", f"There is no file {path}.", expected="a GGUF file", actual="nothing", hint=hint
        ) from None
    except OSError as error:
        raise InvalidRequest(
            "invalid_field", f"{path} cannot be read: {error.strerror}.", expected="a readable GGUF file", hint=hint
        ) from error
    if head[:4] != b"GGUF":
        actual = "an empty file" if not head else f"a file that begins with {head[:4]!r}"
        raise InvalidRequest(
            "invalid_field",
            f"{path.name} is not a GGUF file.",
            expected="GGUF as the first bytes",
            actual=actual,
            hint=hint,
        )
    if len(head) < 24 or not 2 <= (version := struct.unpack_from("<I", head, 4)[0]) <= 3:
        actual = f"version {version}" if len(head) >= 24 else f"{len(head)} bytes"
        raise InvalidRequest(
            "invalid_field",
            f"{path.name} is a GGUF file that llama.cpp cannot read.",
            expected="version 2 or 3",
            actual=actual,
            hint="Fetch it again, or a newer conversion of the model.",
        )


def model_name(path: Path) -> str:
    """A short name for a GGUF file: its stem in lower case, without what every such name repeats."""
    name = path.stem.lower().removesuffix(".gguf")
    return name.replace(" ", "-") or "model"

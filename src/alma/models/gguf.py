"""What can be told of a GGUF file before a model server loads it."""

from __future__ import annotations

import re
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
    version = struct.unpack_from("<I", head, 4)[0] if len(head) == 24 else 0
    if version not in (2, 3):
        actual = f"version {version}" if version else f"{len(head)} bytes"
        raise InvalidRequest(
            "invalid_field",
            f"{path.name} is a GGUF file that llama.cpp cannot read.",
            expected="version 2 or 3",
            actual=actual,
            hint="Fetch it again, or a newer conversion of the model.",
        )


def model_name(path: Path) -> str:
    """A short name for a GGUF file: `SmolLM2-135M-Instruct.Q4_1.gguf` is `smollm2-135m`."""
    stem = path.name.lower().removesuffix(".gguf").replace(" ", "-")
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", stem)  # the first of several parts
    stem = re.sub(r"[-._](?:i?q\d\w*|b?f16|f32|mxfp4\w*)$", "", stem)
    return re.sub(r"[-_.](?:instruct|chat|it)$", "", stem) or "model"

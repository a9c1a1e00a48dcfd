"""Whether an answer is of the form that its role asks for."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from alma.errors import RunFailure


class OutputInvalid(RunFailure):
    """The model's answer is not JSON of its role's output schema; the message goes back to the model."""

    code = "output_invalid"


def check_output(text: str, schema: dict[str, Any]) -> None:
    """Raises `OutputInvalid`, naming what was expected and what came."""
    import fastjsonschema  # here: few roles have a schema, and it takes a moment to load

    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OutputInvalid(f"It is no JSON ({error}).", expected="one JSON object and nothing else") from None
    try:
        _validator(json.dumps(schema, sort_keys=True))(value)
    except fastjsonschema.JsonSchemaValueException as error:
        raise OutputInvalid(f"It does not fit the schema: {error.message.replace('data', 'the answer', 1)}.") from None


@functools.lru_cache(64)
def _validator(schema: str) -> Callable[[Any], Any]:
    import fastjsonschema

    return fastjsonschema.compile(json.loads(schema))

"""Whether an answer is of the form that its role asks for."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from alma.errors import RunFailure

_MOST_SCHEMA = 64 * 1024  # characters


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


def check_schema(schema: dict[str, Any]) -> None:
    """Raises `ValueError`, saying why this is no JSON schema that answers can be held against."""
    try:
        text = json.dumps(schema, sort_keys=True, allow_nan=False)
        if len(text) > _MOST_SCHEMA:
            raise ValueError(f"expected at most {_MOST_SCHEMA:,} characters of JSON, came {len(text):,}")
        _validator(text)
    except (ValueError, TypeError, LookupError, AttributeError, NameError, SyntaxError, RecursionError) as error:
        raise ValueError(f"no JSON schema: {error}"[:300]) from None
    except re.error as error:
        raise ValueError(f"no JSON schema: {error} in a pattern"[:300]) from None


@functools.lru_cache(64)
def _validator(schema: str) -> Callable[[Any], Any]:
    import fastjsonschema

    return fastjsonschema.compile(json.loads(schema), handlers=_Nowhere())


class _Nowhere(dict[str, Callable[[str], Any]]):
    """How other documents are fetched that a schema refers to: not at all, whatever their address begins with."""

    def __contains__(self, scheme: object) -> bool:
        return True

    def __missing__(self, scheme: str) -> Callable[[str], Any]:
        return self._refuse

    @staticmethod
    def _refuse(uri: str) -> Any:
        raise ValueError(f"it refers to {uri[:100]!r}, which is outside of it")

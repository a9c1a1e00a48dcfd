"""The forms of text as types of Pydantic fields: `title: Annotated[str, Line(200)]`, `thread_id: Id`.

Lengths are of what comes and of what is kept: a mark that is written out takes more room.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import PydanticCustomError, core_schema

from alma.security import text as forms

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


@dataclass(frozen=True)
class _Form:
    """`most`, `least`: characters."""

    most: int
    least: int = 0
    taken: ClassVar[Callable[[str], str]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        came = core_schema.str_schema(max_length=self.most, min_length=self.least or None)
        return core_schema.no_info_after_validator_function(self._take, came)

    def _take(self, given: str) -> str:
        try:
            taken = type(self).taken(given)
        except forms.NotText as error:
            raise PydanticCustomError("not_text", "{said}", {"said": error.said}) from None
        if len(taken) > self.most:
            raise PydanticCustomError("string_too_long", "expected at most {most} characters", {"most": self.most})
        return taken


@dataclass(frozen=True)
class Text(_Form):
    taken = staticmethod(forms.text)


@dataclass(frozen=True)
class Line(_Form):
    taken = staticmethod(forms.line)


@dataclass(frozen=True)
class Exact(_Form):
    taken = staticmethod(forms.exact)


Id = Annotated[str, StringConstraints(pattern=forms.ID)]
Moment = Annotated[float, Field(ge=-1e11, le=1e11, allow_inf_nan=False)]  # Unix seconds, some three thousand years

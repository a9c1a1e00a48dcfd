"""The forms of text for msgspec Structs: after decoding, every `str` in a Struct is put into its form, however deep.

A field that says nothing is a `text`. Others say it in their type: `Annotated[str, LINE]`. Numbers and lengths are
bounded by `msgspec.Meta`, which decoding itself looks after. What a Struct needs is found out once for each type; a
Struct that needs no change is given back as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta, Struct, inspect

from alma.security import text as forms

S = TypeVar("S", bound=Struct)
_FORM = "form"
LINE = Meta(extra={_FORM: "line"})
EXACT = Meta(extra={_FORM: "exact"})
AS_IS = Meta(extra={_FORM: "as it is"})  # its pattern says it all
# `$` alone would let a line end through after an id.
Id = Annotated[str, Meta(pattern=f"{forms.ID[:-1]}$(?!\\n)", extra={_FORM: "as it is"})]
_FORMS: dict[str, Callable[[str], str]] = {"text": forms.text, "line": forms.line, "exact": forms.exact}
_Take = Callable[[Any], Any]


class WrongField(ValueError):
    """`where`: as msgspec names places: `$.tasks[0].goal`."""

    def __init__(self, where: str, said: str) -> None:
        super().__init__(f"{said} - at `${where}`")


def taken(given: S) -> S:
    """`given` with its texts in their forms. Raises `WrongField`."""
    try:
        return cast(S, _of_struct(type(given))(given))
    except _At as error:
        raise WrongField(error.where, error.said) from None


class _At(Exception):
    def __init__(self, where: str, said: str) -> None:
        self.where = where
        self.said = said


@functools.cache
def _of_struct(kind: type[Struct]) -> _Take:
    facts = inspect.type_info(kind)
    assert isinstance(facts, inspect.StructType)
    fields = [(one.name, one.encode_name, take) for one in facts.fields if (take := _of(one.type)) is not None]

    def take_all(given: Struct) -> Struct:
        changed: dict[str, Any] = {}
        for name, shown, take in fields:
            before = getattr(given, name)
            after = _at(f".{shown}", take, before)
            if after is not before:
                changed[name] = after
        return msgspec.structs.replace(given, **changed) if changed else given

    return take_all


def _at(step: str, take: _Take, given: Any) -> Any:
    try:
        return take(given)
    except forms.NotText as error:
        raise _At(step, error.said) from None
    except _At as error:
        raise _At(step + error.where, error.said) from None


def _of(facts: inspect.Type, form: str = "text") -> _Take | None:
    """What is done to a value of that type; None: nothing."""
    match facts:
        case inspect.Metadata():
            said = cast(dict[str, str], facts.extra or {})  # pyright: ignore[reportUnknownMemberType]
            return _of(facts.type, said.get(_FORM, form))
        case inspect.StrType():
            return _FORMS.get(form)
        case inspect.StructType():
            return _of_struct(facts.cls)
        case inspect.ListType():
            return _of_list(_of(facts.item_type, form))
        case inspect.DictType():
            return _of_dict(_of(facts.key_type, form), _of(facts.value_type, form))
        case inspect.UnionType():
            inside = [take for one in facts.types if (take := _of(one, form)) is not None]
            assert len(inside) <= 1, "of the kinds that a field may have only one may have text in it"
            return _of_optional(inside[0]) if inside else None
        case _:
            return None


def _of_optional(take: _Take) -> _Take:
    return lambda given: given if given is None else take(given)


def _of_list(take: _Take | None) -> _Take | None:
    if take is None:
        return None

    def take_items(given: list[Any]) -> list[Any]:
        after = [_at(f"[{at}]", take, one) for at, one in enumerate(given)]
        return after if any(new is not old for new, old in zip(after, given, strict=True)) else given

    return take_items


def _of_dict(key: _Take | None, value: _Take | None) -> _Take | None:
    if key is None and value is None:
        return None

    def same(given: Any) -> Any:
        return given

    of_key, of_value = key or same, value or same

    def take_entries(given: dict[Any, Any]) -> dict[Any, Any]:
        after = {_at("[...]", of_key, name): _at(f"[{name!r}]", of_value, one) for name, one in given.items()}
        return after if after != given else given

    return take_entries

"""Documents of outside data sets, whatever shape they come in, as turns of a conversation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import asdict, replace

from alma.errors import InvalidRequest

_NAMES = {
    "id": ("id", "dia_id", "turn_id", "doc_id", "document_id", "message_id", "uid", "_id"),
    "text": ("text", "content", "message", "body", "utterance"),
    "speaker": ("speaker", "role", "author", "name", "from", "sender"),
    "at": ("at", "timestamp", "date_time", "datetime", "time", "date", "created_at"),
    "session": ("session", "session_id", "session_number"),
    "caption": ("caption", "blip_caption", "image_caption"),
}
_FORMATS = (
    "%I:%M %p on %d %B, %Y",
    "%I:%M %p on %d %b, %Y",
    "%d %B, %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%Y/%m/%d (%a) %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
)
_PAUSE = 3600.0  # seconds without a word: what comes then is another session
_PIECE = 900  # characters: about what the embedding model reads
_MOST_SPEAKERS = 12
_SAID = re.compile(r"(\w[\w .'’-]{0,40}):\s")
_PLACED = re.compile(r"(\w*\d+)[:.]\d+$")
_ENDS = re.compile(r"(?<=[.!?…。！？])\s+|\n+|(?<=[。！？])")


class Document(Struct, frozen=True):
    """One turn, message or passage. `at`: when it was said, in Unix seconds or ISO 8601 (without a zone: UTC).
    `session`: what it was said in; where none is given, an hour's pause begins another."""

    id: str
    text: str
    speaker: str = ""
    at: str | float | None = None
    session: str = ""


class Turn(Struct, frozen=True):
    """A piece of a document at its place. `session`: counted from 0; `position`: in the session, from 0."""

    id: str
    text: str
    speaker: str
    at: float
    session: int
    position: int


def document_of(given: object) -> Document:
    """Of a `Document` or another Struct, a mapping, or a sequence (id, text[, speaker[, at]]). Raises `InvalidRequest`
    (bad_document)."""
    if isinstance(given, Document):
        return given
    if isinstance(given, Struct):
        given = asdict(given)
    if isinstance(given, Mapping):
        return _of_mapping(cast("Mapping[str, Any]", given))
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        parts = list(cast("Sequence[Any]", given))
        if 2 <= len(parts) <= 4:
            return _of_mapping(dict(zip(("id", "text", "speaker", "at"), parts, strict=False)))
    raise _refused(repr(cast("object", given))[:80])


def _of_mapping(given: Mapping[str, Any]) -> Document:
    found: dict[str, Any] = {}
    for field, names in _NAMES.items():
        found[field] = next((given[name] for name in names if given.get(name) is not None), None)
    if found["id"] is None or (found["text"] is None and found["caption"] is None):
        raise _refused(", ".join(map(str, given))[:80])
    text = str(found["text"] or "")
    if found["caption"]:
        text = f"{text} [shares {found['caption']}]".strip()
    return Document(str(found["id"]), text, str(found["speaker"] or ""), found["at"], _session(found["session"]))


def _session(given: object) -> str:
    return "" if given is None else str(given)


def _refused(actual: str) -> InvalidRequest:
    return InvalidRequest(
        "bad_document",
        "A document has no id or no text.",
        expected="a mapping with id and text (and speaker, at, session), or (id, text, speaker, at)",
        actual=actual,
    )


def seconds_of(at: str | float | None) -> float | None:
    """Unix seconds; None where it is no time that is understood."""
    if at is None or isinstance(at, int | float):
        return None if at is None else float(at)
    text = at.strip()
    try:
        return float(text)
    except ValueError:
        pass
    for form in ("", *_FORMATS):
        try:
            found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


def turns_of(documents: Iterable[object]) -> list[Turn]:
    """In order; what has no text is left out, what is long comes in pieces with the same id. Raises `InvalidRequest`
    (bad_document)."""
    turns: list[Turn] = []
    session, position, at = -1, 0, 0.0
    last: Document | None = None
    for document in _completed([document_of(given) for given in documents]):
        then = seconds_of(document.at)
        paused = not document.session and then is not None and abs(then - at) > _PAUSE
        if last is None or document.session != last.session or paused:
            session, position = session + 1, 0
        at = at if then is None else then
        last = document
        for piece in pieces_of(document.text):
            turns.append(Turn(document.id, piece, document.speaker, at, session, position))
            position += 1
    return turns


def _completed(documents: list[Document]) -> list[Document]:
    """With what stands in texts and ids, where all of them are made so: `Ana: text` has a speaker, `D1:3` or `1.3` is
    of the session `D1` or `1`."""
    if not any(document.speaker for document in documents):
        said = [_SAID.match(document.text) for document in documents]
        speakers = {match.group(1) for match in said if match}
        if documents and all(said) and len(speakers) <= _MOST_SPEAKERS:
            documents = [
                replace(document, speaker=match.group(1))
                for document, match in zip(documents, said, strict=True)
                if match
            ]
    if all(not document.session and seconds_of(document.at) is None for document in documents):
        placed = [_PLACED.match(document.id) for document in documents]
        if all(placed):
            documents = [
                replace(document, session=match.group(1))
                for document, match in zip(documents, placed, strict=True)
                if match
            ]
    return documents


def pieces_of(text: str) -> list[str]:
    """Whole sentences, as many as the embedding model reads at once; none of an empty text."""
    pieces: list[str] = []
    for sentence in _ENDS.split(text.strip()):
        if not sentence.strip():
            continue
        if pieces and len(pieces[-1]) + len(sentence) < _PIECE:
            pieces[-1] = f"{pieces[-1]} {sentence}"
        else:
            pieces += [sentence[start : start + 2 * _PIECE] for start in range(0, len(sentence), 2 * _PIECE)]
    return pieces

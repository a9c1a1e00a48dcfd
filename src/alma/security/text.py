"""What text from outside may be: decided here, asked once, at the edge, and nowhere behind it.

Four forms, of which each field of a request has one:

- `text`: what somebody wrote, of many lines. Kept as it reads: composed (NFC), `\\n` for each kind of line end, without
  control characters. Marks of direction stay, for without them Arabic and Hebrew read wrong beside Latin; whoever shows
  the text to people shows those that can deceive (`HIDDEN`).
- `line`: what is trusted at a glance (a title, a name, a search). As `text`, but of one line, and with what can deceive
  written out: `⟦U+202E⟧`.
- `exact`: what must come back as it went (a path, an address, a key): taken as it is, or refused.
- an id: of few characters (`ID`).

NUL and lone surrogates are refused: no keyboard types them, and no database keeps them. Pure; `fields.py` and
`structs.py` bring the forms to Pydantic and to msgspec.
"""

from __future__ import annotations

import functools
import re
import unicodedata

ID = r"^[A-Za-z0-9_][A-Za-z0-9_.@#!:-]{0,199}$"
# What turns the direction of the text around it without being seen, and what nobody sees at all: tags. With the first
# a name reads backwards, with the second a text says to a model what its reader cannot see.
HIDDEN = "[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
# What takes no room, for a class of a pattern: what Unicode calls ignorable (DerivedCoreProperties.txt), and marks of
# direction and of lines. A name that has one reads as another. What chooses how a sign is drawn (U+FE0E, U+FE0F) is
# not in it: emoji are written with that.
UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_DECEIVES = re.compile(f"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{1,6}}\U000e007f|{HIDDEN}")
_FLAG = "\U0001f3f4"  # some flags are a black flag and tags
_REFUSED = re.compile("[\0\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85]")
_BREAKS = re.compile(r"[\n\t\u2028\u2029]+")
_CONTROL_LEFT = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_MOST_MARKS = 30  # on one letter: as in Unicode's stream-safe form (UAX 15); no language has more than a few


class NotText(ValueError):
    """`said`: what was expected, and what came."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def text(given: str) -> str:
    """Raises `NotText`. What has nothing to be changed is given back as it is."""
    if _CONTROL.search(given) is not None:
        if (found := _REFUSED.search(given)) is not None:
            raise _refused(given, found.start())
        given = _CONTROL_LEFT.sub("", _ENDS.sub("\n", given))
    return composed(given)


def line(given: str) -> str:
    """Raises `NotText`."""
    return visible(_BREAKS.sub(" ", text(given)))


def exact(given: str) -> str:
    """`given` itself. Raises `NotText`."""
    found = _CONTROL.search(given) or re.search("[\n\t]", given)
    if found is not None:
        raise _refused(given, found.start())
    return given


def composed(given: str) -> str:
    """In NFC. To order the marks on one letter takes time by the square of their number (200,000 take half a minute),
    so beyond what any language has they go."""
    if given.isascii():
        return given
    perhaps, surely = _piled()
    if perhaps.search(given) is not None:
        given = surely.sub(lambda found: found[0][:_MOST_MARKS], given)
    return unicodedata.normalize("NFC", given)


def visible(given: str) -> str:
    """With what can deceive written out."""
    if given.isascii():
        return given
    return _DECEIVES.sub(_written_out, given)


def _written_out(found: re.Match[str]) -> str:
    said = found[0]
    return said if said.startswith(_FLAG) else f"⟦U+{ord(said):04X}⟧"


@functools.cache  # when they are first needed: 6 ms
def _piled() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """More marks in a row than are kept. The first finds them twenty times faster, and what is none besides: beyond
    U+FFFF it takes everything for a mark."""
    marks = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))
    marks += "\u0f73\u0f75\u0f81"  # made of marks
    common = "".join(mark for mark in marks if mark <= "\uffff")
    many = f"{{{_MOST_MARKS + 1},}}"
    return re.compile(f"[{common}\U00010000-\U0001f000]{many}"), re.compile(f"[{marks}]{many}")


def _refused(given: str, at: int) -> NotText:
    return NotText(f"expected text without U+{ord(given[at]):04X}, which came as character {at + 1:,}")

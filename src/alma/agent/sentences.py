"""A request's text cut into sentences, lists, items and words. Pure, linear in what it looks at; knows no meaning.

Code is left out: a fenced or indented block is material, not a request.
"""

from __future__ import annotations

import re

LOOKED_AT = 4000  # characters of a request that are read; what it asks stands at its head or nowhere
ITEM = 60  # characters of one item, at most

_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_QUOTES = " \t\"'“”„‟‘’‚«»‹›`*_"
_BULLET = re.compile(r"^\s{0,3}(?:[-*•–·+]|\(?\d{1,2}[.)]|\(?[a-hA-H]\))\s+(\S.*)$")
_INLINE = re.compile(r"\((?:\d|[a-h]|i{1,3})\)\s*", re.IGNORECASE)
_ENDS = re.compile(r"(?<=[.!?;…])[\"”’)]?\s+|(?<=[。！？；])")
_ABBREVIATION = re.compile(r"\b(?:vs|e\.g|i\.e|dr|mr|mrs|st|no|approx|ca|etc)\.$", re.IGNORECASE)
_ARTICLE = re.compile(
    r"^(?:(?:an?|the|its|their|your|either|both|also|and|or|by|on|about|especially|mainly|mostly"
    r"|the following)\s+)+(?=\S)",
    re.IGNORECASE,
)
_JOINS = re.compile(r",?\s+(?:and|or|as well as|plus)\s+|\s+&\s+|[,;、，]\s*", re.IGNORECASE)
_NO_ITEM = re.compile(
    r"^(?:recommend|tell|say|which|what|then|please|give|explain|keep|so|etc|and|or|one|more|others?|i|we|it|they|choose"
    r"|decide|conclude|finally|that|this|how)\b",
    re.IGNORECASE,
)


def readable(text: str) -> str:
    """The head of a text without what no sentence has: control characters and halves of broken characters."""
    return _UNREADABLE.sub(" ", text[:LOOKED_AT])


def tidy(text: str) -> str:
    """One line, without what surrounds words."""
    return " ".join(text.split()).strip(" ,;:.?!")


def without_article(text: str, most: int = ITEM) -> str:
    """An item as it is named in the middle of a sentence: no quotes, no article, no end of sentence."""
    item = tidy(text).strip(_QUOTES).rstrip(",;:.?!")
    item = _ARTICLE.sub("", item).strip(_QUOTES)
    return item if len(item) <= most else item[:most].rsplit(" ", 1)[0].rstrip(" ,;:")


def items_of(text: str) -> list[str]:
    """The items of a list in a sentence: "cost, noise and the view" has three. An item that asks something is none."""
    items = [without_article(part) for part in _JOINS.split(text)]
    return [item for item in items if re.search(r"\w", item) and not _NO_ITEM.match(item)]


def lists_in(text: str) -> tuple[str, list[tuple[str, list[str]]]]:
    """The text without its lists and code, and each list as (what introduces it, its items)."""
    prose: list[str] = []
    lists: list[tuple[str, list[str]]] = []
    items: list[str] = []
    fenced = False
    for line in [*readable(text).split("\n"), ""]:
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        bullet = None if fenced else _BULLET.match(line)
        if bullet is not None:
            items.append(without_article(bullet[1]))
            continue
        if len(items) > 1:
            lists.append((prose[-1] if prose else "", [item for item in items if item]))
        elif items:
            prose.append(items[0])
        items = []
        if not fenced and line.strip() and not line.startswith(("    ", "\t")):
            prose.append(line.strip())
    return _without_enumeration(_joined(prose), lists)


def _without_enumeration(text: str, lists: list[tuple[str, list[str]]]) -> tuple[str, list[tuple[str, list[str]]]]:
    """Takes out "(1) this, (2) that, or (3) the other"."""
    marks = list(_INLINE.finditer(text))
    if len(marks) < 2:
        return text, lists
    end = next((m.start() for m in re.finditer(r"[.?!](?:\s|$)", text) if m.start() > marks[-1].end()), len(text))
    ends = [*(mark.start() for mark in marks[1:]), end]
    items = [text[mark.end() : stop] for mark, stop in zip(marks, ends, strict=True)]
    items = [without_article(re.sub(r"[,;]?\s+(?:and|or)\s*$", "", item.rstrip(), flags=re.I)) for item in items]
    intro = text[: marks[0].start()]
    return f"{intro.strip()}. {text[end + 1 :].strip()}", [*lists, (intro, [item for item in items if item])]


def _joined(lines: list[str]) -> str:
    """Lines as one text: a line that begins a sentence ends the one before it."""
    text = ""
    for line in lines:
        ends = text.endswith((".", "!", "?", ";", ":", ","))
        text += ("" if not text else " " if ends or not line[0].isupper() else ". ") + line
    return text


def sentences_in(text: str) -> list[str]:
    """Sentences, without their spaces; "vs." and decimals end none."""
    found: list[str] = []
    for part in _ENDS.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {part}"
        elif part.strip():
            found.append(part.strip().rstrip(";"))
    return found


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_EMPTY = frozenset(
    re.findall(
        r"\w+",
        """about above after again against also among another answer because been before being below best better between
    both compare could decide describe does doing down during each every explain find from give given have having help
    here into itself just keep less list look make many more most much must name need once only other ought over please
    same should show some such take task tell than that their them then there these they this those through under until
    very want were what when where which while will with within without work would write your""",
    )
)


def normal(text: str) -> str:
    """Two texts of the same words are the same: case, spaces and punctuation do not count."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def content(text: str) -> set[str]:
    """The stems of the words that carry meaning; of scripts without spaces, pairs of characters."""
    found: set[str] = set()
    for word in re.findall(r"\w+", text.casefold()):
        if word.isascii() or word[0] < "\u2e80":
            if len(word) > 3 and word not in _EMPTY:
                found.add(word[:5])
        else:
            found.update(word[at : at + 2] for at in range(max(1, len(word) - 1)))
    return found

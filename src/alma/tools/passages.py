"""Finding the passages of a few texts that fit a question. Pure; no index, because the texts are few and change.

Ranked by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009), with paragraphs
as the documents:

    score = Σ over the query's words  idf · tf · (K1 + 1) / (tf + K1 · (1 - B + B · length / mean length))
    idf   = ln(1 + (N - n + 0.5) / (n + 0.5))      N paragraphs, n of them with the word
    tf    = how often the word stands in the paragraph

A length is counted in characters and not in words. So only the words of the query are ever looked for, by one regular
expression over each text, and no text is split into words: 10 MB take about a second (see docs/tools.md).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

K1 = 1.2
B = 0.75
PARAGRAPH = 800  # characters; a longer one is divided at the end of a line, a longer line at a space
MAX_WORDS = 32  # of a query
# Chinese, Japanese and Korean put no spaces between words: there a word is one character.
_SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(f"[{_SINGLE}]|[^\\W_{_SINGLE}]+")
# Words that stand in every paragraph: they would tell nothing and cost most. Left in when there is nothing else.
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be but by can did do does for from had has have how i in is it its me my of on or our that "
        "the their there these they this to was we were what when where which who why will with would you your"
    )
)


class Passage(Struct, frozen=True):
    """A paragraph of `file`, from `first_line` to `last_line` (the first line is 1). Higher `score` fits better."""

    file: str
    first_line: int
    last_line: int
    text: str
    score: float


class _Paragraph(Struct, frozen=True, gc=False):
    start: int
    end: int


def words_of(query: str) -> list[str]:
    """The words that are looked for: each once, without plural s, without the commonest unless there are no others."""
    words = list(dict.fromkeys(_stem(word) for word in _WORD.findall(query.casefold())))
    return ([word for word in words if word not in _COMMON] or words)[:MAX_WORDS]


def search(texts: Mapping[str, str], query: str, most: int = 5) -> list[Passage]:
    """The best passages of the texts (name → text), best first; those alike in score in the order of the texts."""
    words = words_of(query)
    if not words:
        return []
    pattern = _pattern(words)
    split = {name: _paragraphs(text) for name, text in texts.items()}
    found: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for name, text in texts.items():
        starts = [paragraph.start for paragraph in split[name]]
        for match in pattern.finditer(text):
            place = bisect_right(starts, match.start()) - 1
            found[name, place][_stem(match[0].casefold())] += 1
    paragraphs = [paragraph for parts in split.values() for paragraph in parts]
    scores = _scores(found, split, paragraphs)
    best = sorted(scores, key=lambda key: -scores[key])[:most]
    return [_passage(name, texts[name], split[name][place], scores[name, place]) for name, place in best]


def _scores(
    found: Mapping[tuple[str, int], Counter[str]],
    split: Mapping[str, list[_Paragraph]],
    paragraphs: list[_Paragraph],
) -> dict[tuple[str, int], float]:
    if not paragraphs:
        return {}
    total = len(paragraphs)
    mean = sum(paragraph.end - paragraph.start for paragraph in paragraphs) / total
    having = Counter(word for counts in found.values() for word in counts)
    idf = {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in having.items()}
    scores: dict[tuple[str, int], float] = {}
    for (name, place), counts in found.items():
        paragraph = split[name][place]
        norm = K1 * (1 - B + B * (paragraph.end - paragraph.start) / mean)
        scores[name, place] = sum(idf[word] * tf * (K1 + 1) / (tf + norm) for word, tf in counts.items())
    return scores


def _stem(word: str) -> str:
    """Without the s of most English plurals: costs → cost, but not gas → ga or glass → glas."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, whole, with or without a plural s."""
    single = re.compile(f"[{_SINGLE}]")
    whole = [re.escape(word) for word in words if not single.match(word)]
    parts = [re.escape(word) for word in words if single.match(word)]
    if whole:
        # Not \b: to it an underscore belongs to the word, and so do the characters that stand for themselves.
        edge = f"[^\\W_{_SINGLE}]"
        parts.append(f"(?<!{edge})(?:{'|'.join(whole)})s?(?!{edge})")
    return re.compile("|".join(parts), re.IGNORECASE)


def _paragraphs(text: str) -> list[_Paragraph]:
    """Where each begins and ends. One ends at an empty line, or with the line that makes it `PARAGRAPH` long."""
    parts: list[_Paragraph] = []
    start = -1  # of the paragraph that is open
    position = 0
    for line in text.splitlines(keepends=True):
        end = position + len(line)
        if not line.strip() or (start >= 0 and end - start > PARAGRAPH):
            if start >= 0:
                parts.append(_Paragraph(start, position))
            start = -1
        if line.strip() and start < 0:
            start = position
            while end - start > PARAGRAPH:
                space = text.rfind(" ", start + PARAGRAPH // 2, start + PARAGRAPH)
                cut = space + 1 if space > 0 else start + PARAGRAPH
                parts.append(_Paragraph(start, cut))
                start = cut
        position = end
    if start >= 0:
        parts.append(_Paragraph(start, position))
    return parts


def _passage(name: str, text: str, paragraph: _Paragraph, score: float) -> Passage:
    shown = text[paragraph.start : paragraph.end].rstrip()
    first = text.count("\n", 0, paragraph.start) + 1
    return Passage(name, first, first + shown.count("\n"), shown, score)

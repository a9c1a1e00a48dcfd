"""What a request names: its options, criteria and constraints, in its own words. Pure text; English first.

A scanner, not a parser: sentences are cut at the words that introduce a list ("compare", "between", "in terms of",
"given", "with a budget of"), and the lists at their commas. In another language it finds fewer facts and never fails.
It knows no model and no plan; docs/planning.md says what becomes of the facts.
"""

from __future__ import annotations

import functools
import re

from msgspec import Struct

from alma.agent import cues
from alma.agent.sentences import content, items_of, lists_in, sentences_in, tidy, without_article

MOST = 8  # items of a kind that are kept
WORDS = 9  # words in an option, at most
SUBJECT = 100  # characters of the subject, at most
SENTENCE = 600  # characters of a sentence that are read


class Facts(Struct, frozen=True):
    """In the request's own words, in its order, each at most once. `subject`: what it is about, without what introduces
    it ("Explain", "What are the pros and cons of"). `wants_recommendation`: it asks to choose."""

    options: list[str] = []
    criteria: list[str] = []
    constraints: list[str] = []
    subject: str = ""
    wants_recommendation: bool = False


@functools.lru_cache(64)
def read_facts(text: str) -> Facts:
    """The facts of a request. Looks at its first 4,000 characters; takes well under a millisecond per sentence."""
    prose, lists = lists_in(text)
    reader = _Reader()
    for intro, items in lists:
        kept = items if cues.ABOUT_CRITERIA.search(intro) else None
        reader.criteria.extend(kept or [])
        reader.options.extend(items if kept is None else [])
    rests = [reader.read(sentence[:SENTENCE]) for sentence in sentences_in(prose)]
    options = _distinct(reader.options)
    criteria = [one for one in _distinct(reader.criteria) if one.casefold() not in {o.casefold() for o in options}]
    return Facts(
        options=options if len(options) > 1 else [],
        criteria=criteria,
        constraints=_distinct(reader.constraints),
        subject=_subject(rests) or next(iter(options or criteria), "") or tidy(prose)[:SUBJECT].strip(),
        wants_recommendation=bool(cues.RECOMMEND.search(prose)),
    )


class _Reader:
    """Reads sentence by sentence: what later ones mean depends on whether the options are known."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self.criteria: list[str] = []
        self.constraints: list[str] = []

    def read(self, sentence: str) -> str:
        """Take what the sentence names; returns what it says besides."""
        limited = self._cut_limits(sentence)
        rest = self._cut_criteria(limited)
        head, colon, tail = rest.partition(":")
        options = self._options(head if colon else rest)
        if not options and (by := cues.BY.search(head)) and cues.COMPARE.search(head):
            options = self._options(head[: by.start()])
        listed = items_of(tail) if colon and not cues.CODE.search(tail) else []
        if self.options or options:
            self.criteria += [one for one in listed if len(one.split()) <= 5]
        elif len(listed) > 1 and not cues.ABOUT_CRITERIA.search(head):
            options = _named(_split(cues.TAIL.sub("", tail.strip())))
        elif listed:
            self.criteria += listed
        if not self.options:
            self.options = options
        return sentence if rest == limited else rest

    def _cut_limits(self, sentence: str) -> str:
        found: list[tuple[int, str]] = []
        rest = sentence
        for limit in cues.LIMITS:
            for match in limit.finditer(rest):
                found.append((sentence.find(match[1]), match[1]))
            rest = limit.sub("", rest)
        for size in cues.SIZES:
            found += [(sentence.find(match[1]), match[1]) for match in size.finditer(rest)]
        self.constraints += [tidy(one) for _, one in sorted(found)]
        return rest

    def _cut_criteria(self, sentence: str) -> str:
        if (pair := cues.OF_TWO.search(sentence)) is not None:
            self.criteria += [pair[1], pair[2]]
            return sentence[pair.end() :]
        for cue in cues.SURE:
            match = cue.search(sentence)
            if match is not None and (listed := self._criteria(match[1])):
                self.criteria += listed
                return sentence[: match.start()]
        if (beneficial := cues.FOR_WHAT.search(sentence)) is not None:
            self.criteria.append(beneficial[1])
        if self.options and ":" not in sentence and (match := cues.LATER.search(sentence)):
            listed = self._criteria(match[1])
            if listed and not set(_folded(listed)) & set(_folded(self.options)):
                self.criteria += listed
                return ""
        return self._cut_by(sentence)

    def _cut_by(self, sentence: str) -> str:
        """ "Compare A and B by price and speed": only where something is compared and what is left has options."""
        compared = cues.COMPARE.search(sentence) or cues.VERSUS.search(sentence)
        if compared is None:
            return sentence
        for match in [*cues.BY.finditer(sentence, compared.end())][:3]:
            listed = self._criteria(match["list"])
            if listed and (self.options or self._options(sentence[: match.start()])):
                self.criteria += listed
                return sentence[: match.start()]
        return sentence

    def _criteria(self, text: str) -> list[str]:
        cut = cues.TAIL.sub("", text)
        listed = [one for one in items_of(cut) if len(one.split()) <= 5]
        listed = [one for one in listed if not one[0].isdigit() and not cues.NO_OPTION.search(one)]
        if listed and (audience := cues.AUDIENCE.match(text[len(cut) :].lstrip(" ,"))):
            self.constraints.append(without_article(audience[1]))
        return listed

    def _options(self, text: str) -> list[str]:
        """The options that one clause names; fewer than two are none."""
        text = text.strip(" .?!")
        if (between := cues.BETWEEN.search(text)) is not None:
            return self._listed(text[between.end() :])
        compare = cues.COMPARE.search(text)
        phrase = text[compare.end() :] if compare else text
        if cues.VERSUS.search(phrase):
            return self._listed(phrase)
        if compare is not None:
            return self._listed(phrase, other=True)
        if re.search(r"\sor\s", text, re.IGNORECASE) and (cues.CHOICE.search(text) or len(text.split()) <= 8):
            lead = cues.LEAD.match(text)
            while lead is not None and (shorter := text[lead.end() :]) and " or " in shorter.lower():
                text = shorter
                lead = cues.LEAD.match(text)
            return self._listed(text)
        return []

    def _listed(self, phrase: str, *, other: bool = False) -> list[str]:
        """The items of "A, B and C", "A versus B", and with `other` also of "A with B"."""
        cut = cues.TAIL.sub("", phrase).strip(" ,")
        quoted = cues.QUOTED.findall(cut)
        if len(quoted) > 1:
            found = quoted
        elif (same := cues.SAME.match(cut)) is not None:
            pair = [same["one"], same["two"]]
            found = [f"{same['head']} {same['word']} {one}" for one in pair]
        else:
            found = _split(cut)
            if len(found) < 2 and other:
                found = cues.OTHER.split(cut, maxsplit=1)
        options = _named(found)
        if len(options) > 1 and (audience := cues.AUDIENCE.match(phrase[len(cut) :].lstrip(" ,"))):
            self.constraints.append(without_article(audience[1]))
        return options


def _split(phrase: str) -> list[str]:
    """A list at its commas and its last joining word; where there is an "or", an "and" is part of an item."""
    if re.search(r"\sor\s", phrase, re.IGNORECASE):
        return re.split(r",?\s+or\s+|,\s+", phrase, flags=re.IGNORECASE)
    if cues.VERSUS.search(phrase):
        return cues.VERSUS.split(phrase)
    return re.split(r",?\s+and\s+|,\s+|\s+&\s+", phrase, flags=re.IGNORECASE)


def _named(found: list[str]) -> list[str]:
    """Those that can be options: short, and not a word that stands for something else."""
    options = [without_article(one) for one in found]
    options = [one for one in options if one and len(one.split()) <= WORDS and not cues.NO_OPTION.search(one)]
    return options if len(_distinct(options)) > 1 and not all(one[0].isdigit() for one in options) else []


def _folded(items: list[str]) -> list[str]:
    return [" ".join(re.findall(r"\w+", one.casefold())) for one in items]


def _distinct(items: list[str]) -> list[str]:
    """Each item once, and none that is a part of an earlier one of the same words."""
    seen: dict[str, str] = {}
    for item, folded in zip(items, _folded(items), strict=True):
        if folded:
            seen.setdefault(folded, item)
    return list(seen.values())[:MOST]


# ── the subject ───────────────────────────────────────────────────────────────────────────────────────────────────


def _subject(sentences: list[str]) -> str:
    """Of the first sentence that has one with words of meaning, else of the first that has any."""
    subjects = [subject for sentence in sentences if (subject := _subject_of(sentence))]
    return next((subject for subject in subjects if content(subject)), next(iter(subjects), ""))


def _subject_of(sentence: str) -> str:
    pairs = list(cues.OF_WHAT.finditer(sentence))
    subject = sentence[pairs[-1].end() :] if pairs else cues.INTRODUCES.sub("", sentence)
    head, colon, tail = subject.partition(":")
    if colon and (len(head.split()) > 2 or not tail.strip()):
        subject = head
    subject = without_article(subject, SUBJECT)
    return subject if re.search(r"\w", subject) else ""

"""Where in a message users speak of themselves, and where what they send is material. Pure.

Not theirs are code, tables, quotations in blocks, parts that are played, letters, what is somebody else's by the name
or the words before its colon, and the text that a request is about: what follows "Proofread this", or what is before
it where nothing follows. Where there is doubt it is not theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alma.memory.sentence_ends import ENDS, ends_sentence
from alma.memory.sentences import Cut, cut

_LOOKED_AT = 20_000  # characters of a text that are read
_TEXTS = (
    r"(?:texts?|sentences?|paragraphs?|phrases?|grammar|spelling|wording|punctuation|essays?|bios?|biography"
    r"|(?:cover )?letters?|poems?|lyrics|quotes?|drafts?|captions?|passages?|excerpts?|transcripts?|articles?|stor(?:y"
    r"|ies)|introductions?|e-?mails?|messages?|tweets?|posts?|dialogues?|monologues?|speech|screenplay|r[ée]sum[ée]s?"
    r"|cvs?|profiles?)"
)
QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|„[^“”\n]{1,400}[“”]|«[^»\n]{1,400}»|(?<![\w])'[^'\n]{1,300}'(?!\w)|`[^`\n]*`"
)
# A part that is played, or what is no more than a joke: nothing in such a message is the user's own.
_PLAYED = re.compile(
    r"\b(?:pretend|imagine|role[- ]?play\w*|act as|you are (?:a|an|the|now)|you're (?:a|an|the) (?!bit)|suppose"
    r"|let's (?:say|pretend|play)|hypothetical(?:ly)?|what if|in the voice of|from the perspective of"
    r"|thought experiment|for the sake of (?:the )?argument|once upon a time|just kidding|i'm kidding|only joking"
    r"|just joking|i was joking|my character|my persona|in this (?:story|scenario|game|novel|film|movie|role|dream"
    r"|play|example)|in (?:my|the) (?:dream|novel|story|game|scenario|simulation|play|film|movie))\b",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"^\s*(?:dear (?!alma\b)[^\W\d_][\w .]{0,40}[,:]?\s*$|subject:|(?:kind|best|warm) regards\b|sincerely,"
    r"|yours (?:sincerely|truly))",
    re.IGNORECASE | re.MULTILINE,
)
# What a text is worked on with, however it is asked for, in the languages in which it is often asked.
_REWORKS = (
    r"translat(?:e|ing|ion)|proof-?read(?:ing)?|rewrit(?:e|ing)|rephras(?:e|ing)|reword(?:ing)?|paraphras(?:e|ing)"
    r"|summari[sz](?:e|ing)|shorten|transcribe|copy-?edit"
)
_WORKS = (
    rf"{_REWORKS}|correct|edit|improve|polish|fix|check|review|analy[sz]e|classify|parse|convert|complete|continue"
    r"|explain|critique|rate|grade|comment on|reply to|respond to|interpret|extract|expand|finish|simplify|label"
    r"|annotate|tag|look at|look over|read"
)
_PLEASE = (
    r"(?:^|[,.:;–—-] ?"
    r"|\b(?:please|you|to|and|then|just|help me|kindly|now|let's|hi|hello|hey|alma,?|need an?|want an?) )"
)
_WORK = re.compile(
    rf"{_PLEASE}(?:{_REWORKS})\b"
    rf"|{_PLEASE}(?:{_WORKS})\b[^.!?\n]{{0,60}}(?:\b(?:following|below|above|{_TEXTS})\b|\b(?:this|these|it"
    rf"|that)[.:!? ]*$)"
    rf"|^[^.!\n]*\b(?:following|this|these|my|the)(?: \w+)? {_TEXTS}\b[^.!\n]*\?|\b(?:the following|{_TEXTS} below)\b"
    rf"|^(?:here(?:'s| is| are)|this is|these are) (?:my|the|an?|some|our)(?: [\w-]+)? {_TEXTS}\b"
    r"|^(?:how does (?:this|it|that) (?:sound|read|look)|is (?:this|it|that) (?:ok(?:ay)?|correct|right|good)"
    r"|what(?:'s| is) wrong (?:with|in) (?:this|it)|what do you think (?:of|about) (?:this|it|my))\b"
    r"|\b(?:übersetz|korrigier|verbesser|umformulier|formulier|überarbeit|lektorier|kürz|fass|umschreib|zusammenfass"
    r"|schreib|erklär|prüf|traduis|traduir|tradui|traduc|tradu[zc]|corrig|corrij|correg|résum|resum|reformul|reescri"
    r"|riassum|riscriv|vertaal|verbeter|herschrijf|przetłumacz|popraw|översätt|oversæt|oversett)\w*"
    r"|перевед|исправ|翻译|翻譯|翻訳|校对|修改|번역",
    re.IGNORECASE,
)
_MAKES = re.compile(
    r"\b(?:write|compose|draft|make up|invent|tell me|generate|create|continue|start|begin)\b[^.!?\n]{0,60}\b(?:story"
    r"|poem|song|dialogue|monologue|joke|novel|script|haiku|limerick|tale|chapter|scene|sketch|rap|sonnet|ballad"
    r"|diary)s?\b",
    re.IGNORECASE,
)
_WISH = re.compile(r"\b(?:always|never (?!mind\b)|from now on|going forward|in future|when you)\b", re.IGNORECASE)
# What stands before a colon: somebody's name, a heading, a request; or the user, who goes on.
_LEAD = re.compile(r":(?=\s|$)")
_MY_LEAD = re.compile(
    r"\b(?:about me|intro(?:duction)?|correction|update|note|fyi|btw|by the way|info(?:rmation)?|context|background"
    r"|for the record|anyway|honestly|thanks|remember|remember that|don't forget|mind|reminder|p\.?s\.?"
    r"|one more thing|again|question|problem|situation"
    r"|first|second|also|so|ok(?:ay)?|well|hi|hello|hey|yes|no|sorry|thing|things|facts?|preferences?"
    r"|actually|answer)$",
    re.IGNORECASE,
)
_I = re.compile(r"\b(?:i|i'm|i've|i'd|my|we|we're|our)\b", re.IGNORECASE)
_SAYS = re.compile(
    rf"\b(?:says?|said|reads?|writes?|wrote|tells?|told|asks?|asked|answers?|answered|replie[sd]|sings?|sang|goes|went"
    rf"|means?|states?|example|lists?|prints?|output|input|prompt|tests?|code|subject|title|{_TEXTS})\b"
    r"|^(?:my|our) (?:[\w-]+ )?[\w-]+$",
    re.IGNORECASE,
)
_STOP = re.compile(f"[{ENDS}]|\n")
_SPEAKS = re.compile(r"\s*(?:[-*•] )?(?:\[[^\]\n]{1,40}\]|<[^>\n]{1,40}>)")  # [Ben] or <ben>, in a log of a chat
_NAME_AND_DASH = re.compile(r"([A-ZÀ-Þ][^\W\d_]+) ?[-–—]+ (?=[Ii]\b|[Mm]y\b)")


def own_words(text: str) -> Iterator[Cut]:
    """The places of the sentences in which the user may speak of themselves."""
    text = text[:_LOOKED_AT].replace("’", "'")
    if _PLAYED.search(text) or _LETTER.search(text):
        return
    before: list[Cut] = []
    for start, end in _sentences_of(text):
        said = text[start:end].strip()
        if said.startswith((">", "|")):
            continue
        if _is_anothers(said):
            break
        if _WORK.search(said) and not _WISH.search(said):
            if not text[end:].strip() and not QUOTED.search(said):
                return  # what it is about was said before
            break
        if _MAKES.search(said):
            break
        before.append((start, end))
    yield from before


def _is_anothers(said: str) -> bool:
    """By what stands before a colon, or by the name of a speaker."""
    plain = QUOTED.sub("…", said)
    colon = _LEAD.search(plain)
    if colon is None:
        dash = _NAME_AND_DASH.match(said)
        return _SPEAKS.match(said) is not None or (dash is not None and not _MY_LEAD.search(dash[1]))
    lead = plain[: colon.start()].strip(" -*•#\t")
    if _SAYS.search(lead) or _WORK.search(lead):
        return True
    return not (_MY_LEAD.search(lead) or _I.search(lead))


def _sentences_of(text: str) -> Iterator[Cut]:
    for start, end in cut(text):
        unit = text[start:end]
        if unit.startswith(("```", "~~~", ">", "|", "    ", "\t")) or "```" in unit:
            continue
        yield from _divided(text, start, end)


def _divided(text: str, start: int, end: int) -> Iterator[Cut]:
    """A unit may hold several short ones."""
    at = start
    unit = text[:end]
    for stop in _STOP.finditer(unit, start, end):
        ends = stop.end() if stop[0] == "\n" else ends_sentence(unit, stop.start())
        if ends is not None and ends > at:
            if unit[at:ends].strip():
                yield at, ends
            at = ends
    if unit[at:end].strip():
        yield at, end

"""Whether a point, a question mark or its like ends a sentence. Pure; looks at a bounded piece of text around it."""

from __future__ import annotations

import re

AHEAD = 48  # characters after a stop that are looked at
_BEHIND = 48  # and before it
_ALWAYS = "。！？｡؟۔।॥։።။។༎།"  # these end a sentence whatever follows
WIDE_ENDS = "。！？｡"
ENDS = ".!?…" + _ALWAYS
_RUN = re.compile(rf"[{ENDS}]+")
_CLOSES = re.compile("(?:[\"'”’»›)\\]}*_`」』”）】》]|\\[[^\\]\\s]{1,12}\\])*")
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"\S+$")
_OPENS = "\"'“”„‟‘‚«»‹›([{*_`¿¡"

_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        """dr mr mrs ms prof st sr jr rev hon gen col capt lt sgt maj messrs mme mlle mt ft vs etc approx ca cf al ibid
        op inc ltd corp dept univ assn bros est tel fax ext ave blvd rd sq jan feb mar apr jun jul aug sep sept oct
        nov dec mon tue tues wed thu thur thurs fri sat sun fig figs eq eqs sec chap ch vol vols ed eds pp resp incl
        excl misc max min avg temp esp orig viz ref refs dt hr hrs hrsg bzw usw uvm ggf evtl inkl exkl zzgl zzt bspw
        sog vgl bzgl geb gest abb abs abschn anm art aufl bd bde bearb betr bes beisp bez ders dgl ebd einschl etc
        entspr erl ffm frl gem ges gez hl hptst ing insb insbes jh jhd jg kap kl lfd lt mind mio mrd mwst nachf nr num
        orig päd phil rel röm sen sog std stk str tab tel tsd ua übers überarb ung unt urspr usf verf verh versch vorl
        wg wiss ztr zit zzgl allg ggü gegr med dipl mag abt hbf bhf vllt mdl schriftl tägl wöchentl monatl jährl
        schwed engl dt franz span ital lat griech av exmo ilmo sra srta ud uds pág pags p.ej cie mgr éd env chap""",
    )
)
_NAMES_TOO = frozenset(("max", "al", "art", "gen", "jan", "phil", "med"))  # "My name is Max. I live in Rome."
_BEFORE_NUMBER = frozenset(
    re.findall(r"\S+", "no nos nr art pp vol fig eq sec chap ch par abs abb kap bd tab ver v p s z.b")
)
_NEVER = frozenset(
    re.findall(r"\S+", "e.g i.e z.b d.h u.a s.o s.u i.d.r o.ä u.ä u.u v.a m.e a.a.o ph.d m.sc b.sc p.ej c.f")
)
_STARTERS = frozenset(
    re.findall(
        r"\S+",
        """the it in he she they we this that these those but and however i a an you there then when if after before at
        on as for so what who why how where my our his her their its now today yesterday tomorrow also meanwhile
        finally der die das ein eine es er sie wir ihr ich und aber doch dann wenn als nach vor im am dies diese
        dieser heute el la los las le les un une il elle""",
    )
)
_ORDINAL_BEFORE = frozenset(
    re.findall(
        r"\S+",
        """am im der die das dem den des vom zum zur beim seit bis ab ein eine einem einen einer eines jeder jeden jedes
        dieser diesem diesen ins ans und""",
    )
)
_ORDINAL_AFTER = frozenset(
    re.findall(
        r"\S+",
        """januar februar märz april mai juni juli august september oktober november dezember jänner jahrhundert
        jahrhunderts weltkrieg kapitel platz stock klasse auflage mal tag semester""",
    )
)


def ends_sentence(text: str, at: int) -> int | None:
    """Where the sentence ends, with its closing quotes, if the stop at `at` ends one. Looks at `AHEAD` characters."""
    horizon = min(len(text), at + AHEAD)
    run = _RUN.match(text, at, horizon)
    assert run is not None
    closed = _CLOSES.match(text, run.end(), horizon)
    end = closed.end() if closed is not None else run.end()
    if any(mark in _ALWAYS for mark in run[0]):
        said = text[run.end() : end].endswith(("」", "』")) and "\u3040" <= text[end : end + 1] <= "\u309f"
        return None if said else end  # "…?" asked he
    if at > 0 and text[at - 1] in ENDS:
        return None  # inside a run, that was judged at its first stop
    if end == len(text):
        return end
    spaces = _SPACES.match(text, end, horizon)
    if spaces is None:
        return end if end < horizon and _is_wide(text[end]) else None
    follows = text[spaces.end() : horizon]
    if "\n" in spaces[0] and not follows:
        return end
    quoted = any(mark in "\"'”’»›" for mark in text[run.end() : end])
    return end if _begins_anew(text[max(0, at - _BEHIND) : at], run[0], quoted, follows) else None


def _begins_anew(before: str, run: str, quoted: bool, follows: str) -> bool:
    """Whether after `before` and a stop a sentence begins with `follows`."""
    opened = follows.lstrip(_OPENS)
    first = opened[:1]
    lower = first.islower()
    if run[0] in "!?":
        return not (lower and quoted)
    if run[0] == "…" or len(run) > 1:
        return not lower
    if quoted and lower:
        return False
    token = _TOKEN.search(before)
    return token is None or not _goes_on(before, token[0], first, opened)


def _goes_on(before: str, token: str, first: str, opened: str) -> bool:
    """Whether the point after `token` belongs to it: an abbreviation, an initial, an ordinal."""
    word = token.lstrip(_OPENS).casefold()
    next_word = _WORD.match(opened)
    begins = next_word[0].casefold() if next_word is not None else ""
    if word.isdecimal():
        return _is_ordinal(before, word, first, begins)
    if word in _NEVER or (word in _BEFORE_NUMBER and first.isdigit()):
        return True
    if word in _NAMES_TOO and token[:1].isupper() and first.isupper():
        return False
    if word in _ABBREVIATIONS:
        return word not in ("etc", "usw", "inc", "ltd", "corp", "jr", "sr") or not first.isupper()
    if "." in word and all(len(part) <= 2 for part in word.split(".")):  # U.S., p.m.
        return begins not in _STARTERS or first.islower()
    letters = word.rpartition("-")[2]
    if len(letters) == 1 and letters.isalpha():
        alone = letters == "i" and token == "I" and before[:-1].rstrip()[-1:].islower()
        return not alone
    return first.islower() and len(word) < 3


def _is_ordinal(before: str, number: str, first: str, begins: str) -> bool:
    """German writes the 3rd as "3."."""
    if len(number) > 2 or first.isdigit():
        return False
    words = before.split()
    if len(words) == 1 and len(before) < _BEHIND:
        return True  # the number of an item or a chapter
    previous = words[-2].casefold() if len(words) > 1 else ""
    return begins in _ORDINAL_AFTER or first.islower() or previous in _ORDINAL_BEFORE


def _is_wide(character: str) -> bool:
    """Of a script that puts no space between sentences."""
    return "\u3000" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3"

"""When two questions differ, however alike they sound: rules for what embeddings do not hear. Pure.

Sentence vectors are near each other where words are: "from Paris to London" lies closer to "from London to Paris" than
most paraphrases do. So each rule names one thing by which questions that sound alike ask for different answers. They
are made for English and err on the side of a difference, which costs a call; a false likeness costs a wrong answer.
How much they do is measured (`bench/paraphrases.py`). How words are told apart is in `wording.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from alma.models.wording import Question, Word, alike, contents, gist, stems

_NEGATIONS = stems("not no never none nor neither without except excluding unless")
_ASKING = {"who": "who", "whom": "who", "whose": "who", "when": "when", "where": "where", "why": "why"}
_DATES = stems(
    "january february april june july august september october november december monday tuesday wednesday thursday"
    " friday saturday sunday winter summer autumn today tomorrow yesterday tonight morning evening night noon"
)
_UNITS = stems(
    "km kilometre kilometer mile metre meter feet ft yard inch cm centimetre centimeter mm gram kg kilogram ounce pound"
    " ton litre liter gallon pint ml celsius fahrenheit kelvin degree euro dollar cent franc yen rupee watt kilowatt"
    " volt amp calorie joule byte kilobyte megabyte gigabyte bit percent hour minute second"
)
_SPANS = stems("day week month year")  # units where they are counted, and only there
_OPPOSITES = [
    tuple(map(stems, pair.split("/")))
    for pair in (
        "increase raise gain grow/decrease lower reduce lose shrink", "left/right", "north/south", "east/west",
        "advantage benefit pro strength/disadvantage risk drawback con weakness", "best/worst", "first/last",
        "large big great high tall long most maximum max more/small little low short least minimum min fewer less",
        "before/after", "buy/sell rent", "import/export", "accept/decline reject refuse", "win/lose", "ascend/descend",
        "open start begin enable activate on/close stop end disable deactivate off",
        "top up above upper/bottom down below",
        "cheap/expensive fast", "hot warm/cold cool", "add append insert create/remove delete drop", "send/receive",
        "encode encrypt compress/decode decrypt decompress", "push/pull", "read/write", "lock/unlock", "install/remove",
        "early/late", "new/old", "hard difficult/easy", "borrow/lend", "arrive/leave", "love like/hate", "input/output",
        "male man/female woman", "allow permit/forbid prohibit", "true/false", "rise/fall set", "multiply/divide",
    )
]  # fmt: skip
_PREFIXES = ("un", "dis", "de", "in", "im", "non", "anti", "ir")
_TOWARDS = {"to": "to", "into": "to", "than": "than", "over": "than"}
_EITHER = stems("or and versus vs compare compared difference differ between")


def difference(one: str, other: str) -> str | None:
    """The name of the first rule by which the two ask for different things; None when none does."""
    if one == other:
        return None
    a, b = Question.read(one), Question.read(other)
    return next((name for name, differ in RULES.items() if differ(a, b)), None)


# ── the rules: each tells whether two questions differ by it ──────────────────────────────────────────────────────


def _numbers(a: Question, b: Question) -> bool:
    """In their order: 7 from 10 is not 10 from 7."""
    return a.numbers != b.numbers


def _quotes(a: Question, b: Question) -> bool:
    return a.quoted != b.quoted


def _code(a: Question, b: Question) -> bool:
    return a.code != b.code


def _names(a: Question, b: Question) -> bool:
    """A name of one must be a word of the other: not everybody writes names large."""
    return not (a.names <= frozenset(b.words) and b.names <= frozenset(a.words))


def _dates(a: Question, b: Question) -> bool:
    return _of(a, _DATES) != _of(b, _DATES)


def _units(a: Question, b: Question) -> bool:
    here, there = a.counted & _SPANS, b.counted & _SPANS
    return _of(a, _UNITS) != _of(b, _UNITS) or (bool(here and there) and here != there)


def _negation(a: Question, b: Question) -> bool:
    return sum(word in _NEGATIONS for word in a.words) != sum(word in _NEGATIONS for word in b.words)


def _asking(a: Question, b: Question) -> bool:
    """Both say what they want to know, the person, time, place or reason, and it is another one."""
    first, second = ({_ASKING[word] for word in one.words if word in _ASKING} for one in (a, b))
    return bool(first and second) and first != second


def _opposites(a: Question, b: Question) -> bool:
    mine, yours = frozenset(a.words) - frozenset(b.words), frozenset(b.words) - frozenset(a.words)
    for one, two in _OPPOSITES:
        if (mine & one and yours & two) or (mine & two and yours & one):
            both = (mine & one and mine & two) or (yours & one and yours & two)  # pros and cons
            if not both:
                return True
    pairs = [(word, yours) for word in contents(mine)] + [(word, mine) for word in contents(yours)]
    return any(prefix + word in others for word, others in pairs for prefix in _PREFIXES)


def _direction(a: Question, b: Question) -> bool:
    """From one to the other, or the other way round; one more than the other, or less; one doing it to the other."""
    here, there = _after(a, "from"), _after(b, "from")
    if here and there and here != there and here in b.words and there in a.words:
        return True
    first, second = _places(a), _places(b)
    shared = [word for word in first if word in second]
    for at, left in enumerate(shared):
        for right in shared[at + 1 :]:
            if second[right] < second[left] and _swapped(a, b, left, right):
                return True
    return False


def _swapped(a: Question, b: Question, left: Word, right: Word) -> bool:
    """`left` stands before `right` in `a` and behind it in `b`: whether what is between them has a direction."""
    inner = frozenset(a.words[a.words.index(left) + 1 : a.words.index(right)])
    other = frozenset(b.words[b.words.index(right) + 1 : b.words.index(left)])
    if (inner | other) & _EITHER:
        return False
    pivots = [{_TOWARDS[word] for word in words if word in _TOWARDS} for words in (inner, other)]
    return bool(pivots[0] & pivots[1]) or bool(contents(inner) & contents(other))


def _replaced(a: Question, b: Question) -> bool:
    """The same sentence with other words in one place."""
    mine, yours, shared = gist(a.words, b.words)
    here, there = contents(mine), contents(yours)
    if not here or not there or here & there or not contents(shared) or len(shared) < max(len(mine), len(yours)):
        return False
    return not any(alike(one, two) for one in here for two in there)


def _added(a: Question, b: Question) -> bool:
    """The same sentence with more words in one place: a condition."""
    mine, yours, shared = gist(a.words, b.words)
    return bool(contents(shared)) and not (mine and yours) and bool(contents((*mine, *yours)))


RULES: dict[str, Callable[[Question, Question], bool]] = {
    "numbers": _numbers,
    "quotes": _quotes,
    "code": _code,
    "names": _names,
    "dates": _dates,
    "units": _units,
    "negation": _negation,
    "asking": _asking,
    "opposites": _opposites,
    "direction": _direction,
    "replaced": _replaced,
    "added": _added,
}


def _of(question: Question, words: frozenset[Word]) -> frozenset[Word]:
    return frozenset(question.words) & words


def _after(question: Question, word: Word) -> Word | None:
    """The first word of weight behind `word`."""
    if word not in question.words:
        return None
    rest = question.words[question.words.index(word) + 1 :]
    return next((one for one in rest if contents((one,))), None)


def _places(question: Question) -> dict[Word, int]:
    """Where the words of weight stand that stand there once."""
    words = question.words
    return {word: at for at, word in enumerate(words) if words.count(word) == 1 and contents((word,))}

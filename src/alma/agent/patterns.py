"""Plan patterns: shapes of plans for models too weak to plan, filled from the request's own words. Pure, deterministic.

A pattern is a row of `PATTERNS`: when it fits, and the parts it splits the work into. The parts run in parallel;
joining them is the delegating agent's own work and no task. Goals are short and stand by themselves: the smallest
model reads 250 tokens a second, and sees nothing else. docs/planning.md says how to add a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from alma.agent.facts import Facts
from alma.agent.plan_check import NOTE, TITLE, PlanLimits, line
from alma.agent.sentences import LOOKED_AT, content, normal
from alma.plan import MAIN, Plan, PlanTask, child_id

MOST = 6  # tasks of a pattern
LEAST = 3  # where the request gives that many
GOAL = 260  # characters up to which a goal takes in what is said besides


@dataclass(frozen=True, slots=True)
class Part:
    """One task to be. `role`: who does it, where the agent may ask them;
    `inputs`: the request's words in it."""

    title: str
    goal: str
    role: str = "researcher"
    inputs: tuple[str, ...] = ()
    expected: str = ""
    reviews: int = 0  # the number of the part that it judges, from 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """`why`: what the request does. `fits`: whether it is of this shape. `split`: at most so many parts, from its
    facts, and in words how that splits the work. `strong_only`: a weak model does better alone."""

    name: str
    why: str
    fits: Callable[[str, Facts], bool]
    split: Callable[[Facts, int], tuple[list[Part], str]]
    strong_only: bool = False


def match(text: str, facts: Facts, *, strong: bool = False) -> Pattern | None:
    """The first pattern that fits; None: one agent does it best. `strong`: the model can review its own work."""
    fitting = matching(text, facts, strong=strong)
    return fitting[0] if fitting else None


def matching(text: str, facts: Facts, *, strong: bool = False) -> list[Pattern]:
    """All patterns that fit, the best first; none where the best is beyond the model."""
    asked = text[:LOOKED_AT]
    if not normal(asked) or (len(facts.options) < 2 and _one_sum(asked)):
        return []
    fitting = [one for one in PATTERNS if one.fits(asked, facts)]
    if fitting and fitting[0].strong_only and not strong:
        return []
    return [one for one in fitting if strong or not one.strong_only]


def fill(
    pattern: Pattern,
    facts: Facts,
    roles: Collection[str],
    limits: PlanLimits,
    *,
    parent_id: str = MAIN,
    first_number: int = 1,
) -> Plan | None:
    """The plan of a pattern; None when the limits have no room for one, or there is nobody to delegate to."""
    most = min(MOST, limits.tasks)
    if limits.tokens_left is not None and limits.task_tokens:
        most = min(most, limits.tokens_left // limits.task_tokens)
    able = sorted(set(roles) - {limits.role})
    if most < 1 or not able or limits.depth_now + 1 > limits.depth:
        return None
    parts, how = pattern.split(facts, most)
    parts = _whole(parts[:most], facts)
    ids = [child_id(parent_id, first_number + at) for at in range(len(parts))]
    tasks = [
        PlanTask(
            id=ids[at],
            role=part.role if part.role in able else next((r for r in _STAND_IN if r in able), able[0]),
            goal=" ".join([part.goal, *_besides(part.goal, facts)]),
            title=line(part.title[:1].upper() + part.title[1:], TITLE),
            inputs=list(part.inputs),
            expected=part.expected,
            depends_on=[ids[part.reviews - 1]] if part.reviews else [],
            review_of=ids[part.reviews - 1] if part.reviews else None,
            tokens=limits.task_tokens,
        )
        for at, part in enumerate(parts)
    ]
    return Plan(tasks, source="pattern", pattern=pattern.name, reason=line(f"{pattern.why}: {how}.", NOTE))


_STAND_IN = ("researcher", "analyst", "writer")


def _whole(parts: list[Part], facts: Facts) -> list[Part]:
    """No option and no criterion is lost: one that no goal names goes into the first; inputs say which goals do."""
    named = [*facts.options, *facts.criteria]
    lost = [one for one in named if not any(one in part.goal for part in parts)]
    if lost:
        parts = [replace(parts[0], goal=f"{parts[0].goal} Also cover {_and(lost)}."), *parts[1:]]
    return [
        replace(part, inputs=(*part.inputs, *(one for one in named if one in part.goal and one not in part.inputs)))
        for part in parts
    ]


def _besides(goal: str, facts: Facts) -> list[str]:
    """The request's constraints, as far as they fit."""
    missing = [one for one in facts.constraints if one not in goal]
    while missing and len(goal) + len(_and(missing)) > GOAL:
        missing.pop()
    return [f"Keep in mind: {', '.join(missing)}."] if missing else []


def _and(items: list[str] | tuple[str, ...]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _groups(items: list[str], most: int) -> list[list[str]]:
    """The items in order, in at most `most` groups of like size."""
    count = min(most, len(items))
    return [items[at * len(items) // count : (at + 1) * len(items) // count] for at in range(count)]


# ── options against criteria ──────────────────────────────────────────────────────────────────────────────────────


def _compared(facts: Facts, most: int) -> tuple[list[Part], str]:
    """A task per option; per criterion where that is two options by three criteria or more; per pair of both where
    else there would be two tasks."""
    options, criteria = facts.options, facts.criteria
    topic = _topic(facts)
    if len(options) >= LEAST or most < LEAST:
        parts = [_of_options(topic, group, criteria) for group in _groups(options, most)]
        return parts, f"{_dealt(parts, options, 'described')}, then they are compared"
    if len(criteria) >= LEAST:
        parts = [_of_criteria(topic, options, group) for group in _groups(criteria, most)]
        return parts, f"they are compared by {_and(criteria)} at the same time, then as a whole"
    if len(criteria) == 2 and most >= 4:
        parts = [_of_options(topic, [option], [criterion]) for option in options for criterion in criteria]
        return (
            parts,
            f"each is described by {criteria[0]} and by {criteria[1]} at the same time, then they are compared",
        )
    asked = "what matters most when choosing between" if facts.wants_recommendation else "what is different between"
    title = "What decides" if facts.wants_recommendation else "The difference"
    besides = Part(title, f"{topic}Say {asked} {_and(options)}.", "analyst", tuple(options))
    how = f"each is described and {title.lower()} worked out at the same time, then they are compared"
    return [*(_of_options(topic, [option], criteria) for option in options), besides], how


def _dealt(parts: list[Part], named: list[str], done: str) -> str:
    """To how many what is named was given."""
    if len(parts) == 1:
        return f"all are {done} by one agent"
    return f"{'each is' if len(parts) == len(named) else 'groups of them are'} {done} at the same time"


def _topic(facts: Facts) -> str:
    """What the options alone do not say: "ways to heat water", or the noun that only the last of them has."""
    subject, options = facts.subject, facts.options
    if not any(option in subject for option in options):
        return f"Topic: {subject}. " if subject else ""
    shared = " " not in options[0] and " " in options[-1] and len(options) > 2
    return f"Topic: {subject}. " if shared else ""


def _of_options(topic: str, options: list[str], criteria: list[str]) -> Part:
    named = _and(options)
    goal = f"{topic}Describe {named}: {', '.join(criteria) or 'what it is, strengths and weaknesses'}."
    title = f"{named}: {criteria[0]}" if len(criteria) == 1 else named
    expected = "What speaks for it and what against it" + (f", by {_and(criteria)}." if criteria else ".")
    return Part(title, goal, "researcher", (*options, *criteria), expected)


_QUESTION = re.compile(r"(?:how|what|which|who|where|when|whether|why)\b", re.IGNORECASE)


def _of_criteria(topic: str, options: list[str], criteria: list[str]) -> Part:
    asked = _and(criteria)
    if _QUESTION.match(asked):
        goal = f"{topic}Compare {_and(options)}: {asked}? Which is better?"
    else:
        what = "What is" if len(criteria) == 1 else "What are"
        goal = f"{topic}{what} the {asked} of {', and of '.join(options)}? Which is better?"
    return Part(_and(criteria), goal, "analyst", (*options, *criteria), "How each does, and which does better.")


def _aspects(facts: Facts, most: int) -> tuple[list[Part], str]:
    """A task per criterion of one subject, and its background where those are two."""
    topic = f"Topic: {facts.subject or 'the request'}. "
    parts = [
        Part(_and(group), f"{topic}Describe only {_and(group)}.", "researcher", tuple(group), "The facts on it.")
        for group in _groups(facts.criteria, most)
    ]
    how = _dealt(parts, facts.criteria, "described")
    if len(parts) < min(LEAST, most):
        parts.append(Part("Background", f"{topic}Describe only the background.", "analyst", (facts.subject,)))
        how += ", and so is the background"
    return parts, how


# ── fixed parts ───────────────────────────────────────────────────────────────────────────────────────────────────


def _fixed(*parts: tuple[str, str, str]) -> Callable[[Facts, int], tuple[list[Part], str]]:
    """Parts as (title, role, what to do about the subject)."""

    def about(facts: Facts, most: int) -> tuple[list[Part], str]:
        subject = facts.subject or "the request"
        inputs = (facts.subject,) if facts.subject else ()
        made = [Part(title, f"Topic: {subject}. {goal}", role, inputs) for title, role, goal in parts[:most]]
        titles = [f"{part.title[0].lower()}{part.title[1:]}" for part in made]
        return made, f"{_and(titles)} {'are worked out at the same time' if len(made) > 1 else 'only'}"

    return about


def _mended(facts: Facts, most: int) -> tuple[list[Part], str]:
    fault = facts.subject or "the code"
    mend = Part("Find and mend the fault", f"Find the fault and correct it: {fault}.", "coder")
    review = Part("Review", f"Judge the correction of this fault: {fault}.", "critic", reviews=1)
    if most < 2:
        return [mend], "it is found and mended"
    return [mend, review], "it is found and mended, and then the mend is judged"


def _says(pattern: str) -> Callable[[str, Facts], bool]:
    cue = re.compile(pattern, re.IGNORECASE)
    return lambda text, _: cue.search(text) is not None


_CODE = re.compile(
    r"```|\btraceback\b|\b(?:bug|debug|stack trace)\b"
    r"|\b\w*(?:error|exception)\b.*\b(?:code|script|program|function|line)\b"
    r"|\b(?:script|function|code|query|sql|loop|program)\b.*\b(?:error|throws?|returns?|fails?|crash\w*|wrong|fix|review)\b"
    r"|\w\(.*\).*[=:;{]|\bselect\b.+\bfrom\b",
    re.IGNORECASE,
)
_SUM = re.compile(
    r"\b(?:calculate|compute|solve|simplify|convert|work out|add up|multiply|divide|how (?:much|many|long)"
    r"|what (?:is|would|are)|show (?:the|your) (?:steps|calculation|working))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d.,]*")


def _one_sum(text: str) -> bool:
    """A calculation whose numbers are all given: one agent does it best."""
    estimated = re.search(r"\bestimat|\bassum", text, re.IGNORECASE)
    return not estimated and _SUM.search(text) is not None and len(_NUMBER.findall(text)) > 1


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        "debug",
        "It is about a fault in code",
        lambda text, facts: _CODE.search(text) is not None and len(facts.options) < 2,
        _mended,
        strong_only=True,
    ),
    Pattern(
        "compare",
        "It names options",
        lambda _, facts: len(facts.options) > 1,
        _compared,
    ),
    Pattern(
        "pros and cons",
        "It asks what speaks for something and what against it",
        _says(
            r"\bpros and (?:the )?cons\b|\b(?:for and|speaks? for\b.{0,40}\b) ?(?:what speaks? )?against\b"
            r"|\b(?:advantages?|benefits?|upsides?|strengths|merits|opportunities|chances)\b.{0,30}"
            r"\b(?:disadvantages?|drawbacks?|risks?|downsides?|weaknesses|dangers)\b|\btrade-?offs?\b"
        ),
        _fixed(
            ("What speaks for it", "researcher", "List only the advantages."),
            ("What speaks against it", "analyst", "List only the disadvantages."),
            ("Whom it suits", "researcher", "Say for whom it is good and for whom it is not."),
        ),
    ),
    Pattern(
        "aspects",
        "It names several aspects of one subject",
        lambda _, facts: len(facts.criteria) > 1,
        _aspects,
    ),
    Pattern(
        "schedule",
        "It asks for a plan",
        _says(r"^.{0,60}?\b(?:plan|schedule|timetable|itinerary|roadmap|organi[sz]e|prepare|menu|routine|programme)\b"),
        _fixed(
            ("Steps in order", "researcher", "List the steps in order."),
            ("Time and money", "analyst", "Divide the time and the money."),
            ("What may go wrong", "researcher", "Name what may go wrong and what to do then."),
        ),
    ),
    Pattern(
        "estimate",
        "It asks for a number that nobody gives",
        _says(r"\bestimat\w+|\brough(?:ly)? how (?:many|much)|\bhow (?:many|much)\b.*\bassum|\bback of the envelope"),
        _fixed(
            ("Assumptions", "researcher", "State the assumptions, with numbers."),
            ("Calculation", "analyst", "Estimate the result step by step."),
            ("Doubts", "analyst", "Say what could make the result larger or smaller."),
        ),
    ),
    Pattern(
        "investigate",
        "It asks for unknown causes",
        _says(
            r"\b(?:investigate|find out|look into|diagnose|troubleshoot|get to the bottom)\b"
            r"|\b(?:possible|likely|probable) (?:causes|reasons)\b"
            r"|\bwhat (?:could|might|may) (?:be )?(?:the )?(?:reasons?|causes?|wrong)\b"
            r"|\bwhy (?:is|are|does|do|did|has|have) (?:my|our)\b"
        ),
        _fixed(
            ("Causes within", "analyst", "Name the likely causes that lie in the thing itself."),
            ("Causes from outside", "researcher", "Name the likely causes that come from outside."),
            ("What to check", "analyst", "List what to check first, in order."),
        ),
    ),
    Pattern(
        "risks",
        "It asks about risks",
        _says(r"\b(?:risks?|dangers?|threats?|hazards?)\b"),
        _fixed(
            ("The risks", "researcher", "Name the main risks."),
            ("How grave they are", "analyst", "Say how likely and how grave the risks are."),
            ("What helps", "researcher", "Say how to make the risks smaller."),
        ),
    ),
    Pattern(
        "choose",
        "It asks for a choice without naming options",
        lambda text, facts: facts.wants_recommendation and len(content(text)) > 0,
        _fixed(
            ("The options", "researcher", "Name the usual options, each in one sentence."),
            ("What decides", "analyst", "Say what to look at when choosing."),
            ("Common mistakes", "researcher", "Name the common mistakes."),
        ),
    ),
    Pattern(
        "why",
        "It asks for causes",
        _says(r"\bwhy\b|\b(?:causes?|reasons?|origins?|theories)\b|\bhow (?:did|come)\b"),
        _fixed(
            ("Background", "researcher", "Describe the background in plain words."),
            ("Main causes", "analyst", "List the main causes."),
            ("Evidence", "researcher", "Give one example or piece of evidence."),
        ),
    ),
    Pattern(
        "explain",
        "It asks for an explanation",
        _says(
            r"\b(?:explain|describe|analy[sz]e|overview|summari[sz]e|discuss|outline|examine|evaluate|assess|research)\b"
            r"|\bhow (?:does|do|is|are|can|to)\b|\bstep by step\b"
        ),
        _fixed(
            ("The idea", "researcher", "Explain the main idea in plain words."),
            ("Step by step", "analyst", "List the steps or parts in order."),
            ("An example", "researcher", "Give one example from daily life."),
        ),
    ),
)

"""What the user likes, eats and drinks, and what no longer: the sentence that is kept, and its key. Pure."""

from __future__ import annotations

import re

from alma.memory.fact_sentences import Found, Made, Make
from alma.memory.fact_values import FOR_NOW, first_word, is_state, is_time, slug, timeless, value
from alma.memory.fact_words import ANIMAL_FOODS, FLESH, MEALS, NOT_EATEN, NOT_LIKED, PASTIMES, PLAYED, TOOLS, VAGUE

# What is before the user's eyes, and not what they like for long.
_POINTS = re.compile(
    r"\b(?:you|your|this|that|it|why|how|them|those|these|here|there)\b"
    r"|^a (?:lot|few|bit|couple|little)\b|^the (?!(?-i:[A-ZÀ-Þ]))|^\d|\bfor (?:the|an?|this|my|our)\b|\b(?:option"
    r"|version|draft|plan|variant|solution"
    r"|approach|idea|design|answer|proposal|suggestion|title|name|wording"
    r"|tone|style|choice|result|example|explanation|layout|outline|options|versions|variants|results|changes|drafts)"
    r"(?: (?-i:[A-Z\d]))?$|\b(?:better|worse) than\b|\b(?:better|more|most|best|worse|less|first|much|either|today"
    r"|tonight|tomorrow|yesterday)$",
    re.IGNORECASE,
)
_SUCH_AS = re.compile(r"\w (?:who|whose|that)\b", re.IGNORECASE)  # not all of the kind
_ALONE = re.compile(r"^(?!to )\w+$")
_CLAUSE = re.compile(r"\b(?:is|are|was|were|am|isn't|aren't|don't|doesn't|can't|will|would)\b", re.IGNORECASE)


def thing_in(text: str, most: int = 8) -> str:
    """What can be liked, whenever; empty: something else."""
    what = "" if _SUCH_AS.search(re.split("[,;(]", text)[0]) or FOR_NOW.search(text) else value(text, most)
    if not what or first_word(what) in NOT_LIKED or _POINTS.search(what) or _CLAUSE.search(what):
        return ""
    if _ALONE.match(what) and is_state(what) and not what.endswith("ing"):
        return ""
    if "," in what and not re.search(r" (?:and|or|&) ", what):
        return ""
    return what if first_word(what) != "to" or what.split()[1:2][0].casefold() in PASTIMES else ""


def taste(verb: str) -> Make:
    def make(found: Found) -> Made | None:
        what = thing_in(found[1])
        if not what:
            return None
        return f"The user {verb} {what}.", f"user.taste.{slug(re.sub(r'^(?:to|the|a|an) ', '', what))}"

    return make


def prefers(found: Found) -> Made | None:
    """Not what suits them now: a day, one of two versions."""
    what = thing_in(found[1], 14)
    vague = first_word(what) in VAGUE or first_word(what) in ("the", "not", "to") or is_time(what)
    return (f"The user prefers {what}.", "") if what and not vague else None


def avoids(found: Found) -> Made | None:
    what = thing_in(found[1], 4)
    fits = what and not first_word(what).endswith("ing") and what.islower()
    return (f"The user avoids {what}.", f"user.taste.{slug(what)}") if fits else None


def allergic(found: Found) -> Made | None:
    what = thing_in(found[1], 5)
    fits = what and not is_time(what) and not first_word(what).endswith("ing")
    return (f"The user is allergic to {what}.", f"user.allergy.{slug(what)}") if fits else None


def gave_up(found: Found) -> Made | None:
    verb, what = found[1].casefold(), thing_in(found[2])
    if not what or first_word(what) in VAGUE or first_word(what) in NOT_EATEN:
        return None
    if verb == "use" and not (what[0].isupper() or first_word(what) in TOOLS):
        return None
    key = f"user.taste.{slug(what)}" if verb in ("like", "love", "enjoy") else ""
    return f"The user no longer {verb}s {what}.", key


_HABIT = re.compile(
    r"(?:smoking|vaping|drinking|gambling)|(?:eating|drinking|playing|smoking) (?!(?:the|this|that|it|my|your|at|in|on"
    r"|after|before|so|too|with|from)\b)[\w-]+"
    r"(?: [\w-]+)?",
    re.IGNORECASE,
)


def stopped(found: Found) -> Made | None:
    """A habit: "stopped getting this error" is none."""
    what = timeless(found[1], 6)
    fits = _HABIT.fullmatch(what) and not is_state(what.partition(" ")[2])
    eaten = re.sub(r"^(?:eating|drinking) ?", "", what)
    key = f"user.taste.{slug(eaten)}" if eaten and eaten != what else ""
    return (f"The user has stopped {what}.", key) if fits else None


_SOMETIMES = re.compile(
    r"\b(?:at the moment|currently|yet|at present|when(?:ever)?|while|where|if|during|a lot|very much|so much|too much"
    r"|often|every)\b",
    re.IGNORECASE,
)


def not_eaten(found: Found) -> Made | None:
    verb, what = found[1].casefold(), thing_in(found[2], 5)
    plain = what and not _SOMETIMES.search(found[2]) and first_word(what) not in NOT_EATEN and not is_time(what)
    fits = plain and not is_state(what) and not re.search(r"\b(?:at|in|on|before|after|than|if|unless)\b", what)
    return (f"The user does not {verb} {what}.", f"user.taste.{slug(what)}") if fits else None


def eats(found: Found) -> Made | None:
    """What is eaten now, or again. It may end a diet, if it comes of animals."""
    what = value(found[1], 6)
    if not what or first_word(what) in NOT_EATEN - {"anything"} or first_word(what) in (*VAGUE - {"anything"}, *MEALS):
        return None
    words = [word.strip(",") for word in what.casefold().split()]
    of_animals = all(word in ANIMAL_FOODS or word in ("and", "or", "some") for word in words)
    if not of_animals and not thing_in(what):
        return None
    ends_a_diet = of_animals and any(word in FLESH for word in words)  # vegetarians eat eggs
    return f"The user eats {what}.", "user.diet" if ends_a_diet else f"user.taste.{slug(what)}"


_DIET = re.compile(
    r"(?:halal|kosher|vegan|vegetarian|organic|raw|gluten[- ]free|plant[- ]based|dairy[- ]free|low[- ]carb)(?: (?:food"
    r"|foods|meat|meals|products))?|(?:fruit|vegetables|plants|fish|raw food)(?: and (?:fruit|vegetables|nuts|fish))?",
    re.IGNORECASE,
)


def only_eats(found: Found) -> Made | None:
    what = value(found[1], 6)
    return (f"The user only eats {what}.", "user.diet") if _DIET.fullmatch(what) else None


def plays(found: Found) -> Made | None:
    """An instrument, a game; a car that is driven."""
    verb, what = found[1].casefold(), value(found[2], 6)
    what = re.sub(rf",? and (?!(?:the )?(?:{PLAYED})\b).*", "", what)
    noun = re.sub(r"^(?:the|an?) ", "", what)
    if verb == "play":
        fits = re.match(rf"(?:[\w-]+ )?(?:{PLAYED})\b(?! (?:with|on (?:the|my)|a role|back))", noun, re.IGNORECASE)
    else:
        fits = re.match(
            r"an? (?:[\w-]+ ){0,2}(?:(?-i:[A-Z])\w|car|van|truck|bus|taxi|lorry|motorbike|tractor|tram)", what
        )
    return (f"The user {verb}s {what}.", "") if fits and not _POINTS.search(noun) else None

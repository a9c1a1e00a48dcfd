"""The English words that introduce facts in a request, as patterns. Data only; `facts.py` reads with them.

Every pattern is bounded or without nested repetition: on a sentence of 600 characters none takes a millisecond.
"""

from __future__ import annotations

import re

RECOMMEND = re.compile(
    r"\b(?:recommend|suggest|advise|choose|decide|pick|prefer|which (?:\w+ )?(?:is|are|one|should|would)"
    r"|should (?:i|we|my|our|a|one)|(?:what|who) is (?:better|best|cheaper)|is it (?:better|cheaper)|tell me which)\b"
    r"|\bor\b[^.?!]*\?",
    re.IGNORECASE,
)
ABOUT_CRITERIA = re.compile(
    r"\b(?:criteria|aspects|factors|points|consider|judge|look at|by|terms of|regarding)[\s\w]*:?\s*$", re.IGNORECASE
)
COMPARE = re.compile(
    r"\b(?:compar(?:e|ing)|contrast|comparison (?:of|between)|weigh(?:ing)?(?: up)?|evaluate|assess|rate|rank)\s+"
    r"(?!how\b|why\b|whether\b|both\b)",
    re.IGNORECASE,
)
BETWEEN = re.compile(r"\b(?:between|choice of|torn between)\s+", re.IGNORECASE)
VERSUS = re.compile(r"\s+(?:vs\.?|versus|against|compared (?:to|with))\s+", re.IGNORECASE)
OTHER = re.compile(r",?\s+(?:with|to|against|instead of|than)\s+", re.IGNORECASE)
SAME = re.compile(  # "heating with gas and with wood": what stands before the first "with" belongs to both
    r"^(?P<head>.{1,60}?)\s(?P<word>with|by|in|on|from|at|through|using)\s(?P<one>.{1,60}?),?\s(?:and|or|vs\.?|versus)\s"
    r"(?P=word)\s(?P<two>.{1,60})$",
    re.IGNORECASE,
)
CHOICE = re.compile(
    r"\b(?:should|which|what|whether|better|best|choose|decide|pick|recommend|rather|either|prefer|cheaper|select|buy"
    r"|use|need)\b",
    re.IGNORECASE,
)
# What stands before the first option in a question: "should we", "which is best for a beginner,", "whether to".
LEAD = re.compile(
    r"^.*?(?:\bshould (?:i|we|he|she|they|you|one|(?:my|our|the|a|an) (?:\w+ )??\w+)\s+"
    r"|\bwhether (?:(?:i|we) should |to )?|\b(?:which|what)\b[^,]*,\s*|\bis it \w+ to\s+|\beither\s+"
    r"|\b(?:pick|choose|recommend|select|decide on)\s+(?=\S+[ ,]))",
    re.IGNORECASE,
)
TAIL = re.compile(  # what follows the last option
    r"(?:,?\s+(?:for|as|when|if|because|so that|given|which|what|where|who|but|please|then|that)\b"
    r"|,\s+(?:i|we|it|you)\s|,?\sand (?:recommend|tell|say|explain|which|what|then|give|choose|i|we|you)\b"
    r"|\s[—–-]\s|[?!]).*$",
    re.IGNORECASE | re.DOTALL,
)
AUDIENCE = re.compile(r"\bfor ((?:an? |the |my |our |small |old |young )*[\w\- ]{2,40})", re.IGNORECASE)
NO_OPTION = re.compile(
    r"^(?:these|those|them|both|two|three|four|five|all|it|this|the (?:following|two|options)|one|not|which|what"
    r"|how|why)\b|\b(?:risks?|benefits?|advantages?|pros|cons|causes|reasons) (?:and|of|for)\b",
    re.IGNORECASE,
)

# Each finds a list of criteria in its only group.
SURE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r",?\s*\b(?:taking|take|keeping|keep|bearing|bear)\s+(.+?)\s+(?:into (?:account|consideration)|in mind)\b",
        r",?\s*\b(?:keep|keeping|bear|bearing) in mind:?\s+(.+)",
        r",?\s*\b(?:taking|take) into (?:account|consideration):?\s+(.+)",
        r",?\s*\b(?:in terms of|with (?:regard|respect) to|as regards|regarding|concerning|considering|consider"
        r"|based on|on the basis of|according to|with a focus on|focus(?:ing)? on|pay(?:ing)? attention to|depending on"
        r"|looking at|look at|(?:we|i) (?:mostly |mainly |only )?care about|given(?! that)):?\s+(.+)",
        r",?\s*\b(?:judg|rat|scor|rank)(?:ed|ing|e)?\b[^,:]{0,30}?\s(?:by|on|for):?\s+(.+)",
        r"\b(?:the |my |our )?(?:criteria|priorities|aspects|factors)(?: \w+){0,3}?(?:\s*:| are| is)\s+(.+)",
        r"\bwhat (?:matters|counts)(?: most)?(?: to (?:me|us))?(?: is| are|:)\s+(.+)",
        r"^(.+?)\s+(?:(?:matters?|counts?)\b|(?:are|is) (?:(?:most|very|more) )?important).*$",
        r"(?<=\baffect)\s+(.+)",
    )
)
FOR_WHAT = re.compile(  # "better for the climate"
    r"\b(?:better|best|worse|worst|good|bad) for (?:the |my |our )?(climate|environment|health|heart|back|skin"
    r"|economy|planet|teeth|soil)\b",
    re.IGNORECASE,
)
CODE = re.compile(r"[(){}=<>\[\]]|\w\.\w+\(")
QUOTED = re.compile('["“«„]([^"”»“„«]{1,60})["”»“]')
LATER = re.compile(r"^(?:please )?(?:weigh(?: up)?|judge|assess|rate|compare|discuss|cover)\s+(.+)", re.IGNORECASE)
BY = re.compile(
    r"\s(?:by|on|across|along)(?: their| its)?:?\s+(?!the (?!same)|an? |my |our )(?=(?P<list>.+))", re.IGNORECASE
)
OF_TWO = re.compile(  # "the causes and the effects of"
    r"\b(?:the )?(causes|reasons|origins|history|course|effects|consequences|results|uses|limits|costs|structure)"
    r" and (?:the )?(causes|reasons|effects|consequences|results|impact|limits|uses|costs|significance) of ",
    re.IGNORECASE,
)

COUNT = (
    r"(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty"
    r"|sixty|ninety|a hundred|half an?|an?)"
)
MONEY = r"(?:[$€£] ?\d[\d.,]*k?|\d[\d.,]*k? ?(?:euros?|dollars?|pounds?|francs?|crowns?|yen|eur|usd|gbp|[€$£])(?!\w))"
TIME = r"(?:minutes?|hours?|days?|weeks?|months?|years?|evenings?|weekends?|nights?|semesters?)"
# Cut out of the sentence, so that they end no list.
LIMITS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(while [^,.;:?!]{3,60})",
        rf"\b(?:with |on |within |and )?(?:a |the |my |our )?(budget (?:of |is |under |below )(?:about )?{MONEY})",
        rf"\b(?:in |for |of |to )?((?:under|below|less than|at most|no more than|not more than|up to|within"
        rf"|at least|no longer than|a maximum of) (?:{MONEY}|{COUNT} [\w-]+(?: (?:a|per) \w+)?))",
        rf"\b(?:for |of |with )?(?:a |an |our )?((?:family|group|team|class|couple|household|town|village|club|city)"
        rf" of {COUNT}(?: (?!which|and|or|with|by|in)\w+)?(?: with (?:a|an|\w+) \w+)?)",
        rf"\b(?:in|for|over|during) (?!an? )({COUNT} {TIME})",
        rf"\b({COUNT} times (?:a|per) \w+)",
    )
)
# Only noted: they may be part of an option.
SIZES = (
    re.compile(rf"\b({COUNT}-(?:minute|hour|day|week|month|year)s?)\b(?!-)", re.IGNORECASE),
    re.compile(
        r"\b((?:\d[\d.,]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty) "
        r"(?!ways|options|things|methods|choices|reasons|arguments|steps|sentences|percent|of|and|or|main|possible|times)"
        r"[^\W\d_]{3,20})\b",
        re.IGNORECASE,
    ),
    re.compile(rf"({MONEY})", re.IGNORECASE),
)


INTRODUCES = re.compile(
    r"^(?:(?:please|can you|could you|help me(?: to)?|i want you to|i would like you to|i need you to)\s+)?"
    r"(?:(?:explain|describe|analy[sz]e|investigate|discuss|summari[sz]e|outline|evaluate|assess|estimate|find out|plan"
    r"|give(?: me)? an overview of|what (?:are|is|were|was)|list|name|compare|contrast|design|work out|research|examine"
    r"|create|make|draw up|draft|weigh(?: up)?|decide)\b\s*)"
    r"(?:(?:step by step|in detail|to (?:me|us|a child)|briefly|for me)\b\s*)?",
    re.IGNORECASE,
)
OF_WHAT = re.compile(
    r"\b(?:pros and (?:the )?cons|(?:advantages?|benefits?|upsides?|strengths|merits|opportunities|chances)"
    r" (?:and|or) (?:the )?(?:disadvantages?|drawbacks?|risks?|downsides?|weaknesses|costs|dangers)"
    r"|for and (?:(?:what speaks )?against)|(?:causes|effects|consequences|risks|dangers|reasons|theories"
    r"|course|impact))\s*(?:of|for|behind)?\s+(?:and (?:the )?\w+ of )?(?=\w)",
    re.IGNORECASE,
)

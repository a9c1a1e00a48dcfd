"""Answers like real ones for `bench.stream`: paragraphs of sentences, and no two streams or rounds have one alike.

They are rules of the scripted model: the prompt says which answer it is, how long, and at what pace it comes.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

TOKENS = 400  # of an answer, each a word: about a page
FLAT, PACED = "flat out", "paced"
_SUBJECTS = """the harbour, the old bridge, the night ferry, the town library, a heat pump, the river delta, the glass
roof, the mountain railway, the evening market, the weather station, the school garden, the printing house"""
_VERBS = "has kept, needs, replaces, was built for, costs more than, depends on, belongs to, is measured against"
_OBJECTS = """a second engine, the winter timetable, an ordinary oven, the people of the valley, eleven wooden piers,
good insulation, the first survey, two kinds of timber, a licence from the county, the price of copper"""
_ENDS = """because nobody had planned for snow, as the records of the year show, which is why visitors come in May,
although e.g. the upper floor stays closed, and that has not changed since, if the wind allows it,
so the figures have to be read with care, until the last of them was repaired"""


def _words_of(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(",")]


def prompt(number: int, pace: str) -> str:
    """What the streams of round `number` ask for; NUMBER stands for the stream's."""
    return f"Write about place NUMBER in round {number}, {pace}."


def answer(number: int) -> list[str]:
    """`TOKENS` pieces; `\\2` stands for the round."""
    chance = random.Random(number)
    pieces: list[str] = []
    sentences = 0
    while len(pieces) < TOKENS:
        parts = (_SUBJECTS, _VERBS, _OBJECTS, _ENDS)
        subject, verb, what, end = (chance.choice(_words_of(part)) for part in parts)
        said = f"In round \\2 {subject} {verb} {what} {number}.{sentences}, {end}."
        pieces += [f" {word}" for word in said.split()]
        sentences += 1
        if sentences % 6 == 0:
            pieces[-1] += "\n\n"
    return pieces[:TOKENS]


def write_script(path: Path, streams: int, rate: float) -> Path:
    """Rules for so many streams: flat out, and paced at `rate` a second."""
    rules: list[dict[str, Any]] = []
    for number in range(streams):
        said = "".join(answer(number))
        for pace, delay in ((FLAT, 0.0), (PACED, 1 / rate)):
            match = rf"^Write about place ({number}) in round (\d+), {pace}\.$"
            rules.append({"match": match, "answer": said, "delay": delay})
    path.write_text(json.dumps(rules))
    return path

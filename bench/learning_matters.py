"""Matters of which many memories say different things, and one is right: made of words that are written here.

A subject is asked of two places. For each there is what is so, what was so before, and what people only heard, hoped or
mixed up, in sentences of the same build: neither words nor meaning tell which of them is right. Only who relied on one
of them finds out. Questions are asked in many words; those to learn from are others than those to be measured by.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from msgspec import Struct

TRAIN_ASKS = 3  # of the ways in which a subject is asked, the first so many; the rest is held out
_FRAMES = (
    "{s}.",
    "{s}, as it says on the notice.",
    "{s}, Ben told me.",
    "I heard that {l}.",
    "According to Mira, {l}.",
    "{s}, or so we agreed at the meeting.",
    "Somebody in the kitchen said that {l}.",
    "Note for everybody: {l}.",
)


class Matter(Struct, frozen=True):
    """`memories`: texts of which `right` is the place of the one that is so."""

    name: str
    memories: tuple[str, ...]
    right: int
    train: tuple[str, ...]
    held_out: tuple[str, ...]


class Subject(Struct, frozen=True):
    """`{p}` is the place, `{v}` what is said of it."""

    places: tuple[str, str]
    says: tuple[str, ...]
    asks: tuple[str, ...]
    values: str


SUBJECTS: tuple[Subject, ...] = (
    Subject(
        ("the office", "the studio"),
        ("the guest network at {p} is called {v}", "visitors at {p} go online through the network {v}"),
        (
            "What is the guest network at {p} called?",
            "Which wifi do visitors use at {p}?",
            "Name of the visitors' network at {p}?",
            "A client comes to {p}: which network should they join?",
            "How do guests get online at {p}?",
            "Which wireless name do I give to somebody visiting {p}?",
        ),
        "Heron Osprey Kestrel Plover Avocet Curlew Dunlin Godwit Lapwing Merlin Ouzel Petrel Redshank Siskin Tern Wren",
    ),
    Subject(
        ("the clinic", "the surgery"),
        ("{p} opens at {v}", "the doors of {p} are unlocked at {v} in the morning"),
        (
            "When does {p} open?",
            "From what time can I go to {p}?",
            "At what hour do they open {p}?",
            "How early may I turn up at {p}?",
            "What is the earliest that somebody is let into {p}?",
            "When do the doors of {p} open in the morning?",
        ),
        "6:40 6:50 7:05 7:10 7:20 7:25 7:35 7:40 7:50 7:55 8:05 8:10 8:20 8:25 8:35 8:40",
    ),
    Subject(
        ("the cellar", "the attic"),
        ("the key to {p} hangs {v}", "whoever needs {p} finds its key {v}"),
        (
            "Where is the key to {p}?",
            "Where does the {p} key hang?",
            "How do I get into {p}?",
            "I stand before {p} and it is locked. Where do I look?",
            "Where do we keep what opens {p}?",
            "Somebody needs {p}: where is its key kept?",
        ),
        "behind the clock|by the fuse box|under the bench|in the blue jar|beside the boiler|on the coat rack"
        "|inside the piano stool|above the door|in the bread bin|under the flower pot|next to the mirror"
        "|in the tool drawer|behind the curtain|on the bookshelf|in the letter box|beneath the stairs",
    ),
    Subject(
        ("the harbour project", "the station project"),
        ("{v} leads {p}", "the one in charge of {p} is {v}"),
        (
            "Who leads {p}?",
            "Who is in charge of {p}?",
            "Whom do I ask about decisions on {p}?",
            "Who has the last word on {p}?",
            "Under whose direction is {p}?",
            "To whom does everybody on {p} report?",
        ),
        "Anneke Bashir Camille Dmitri Esperanza Fergus Giulia Hamid Ingrid Jomo Katarina Leopold Mbali Nikolai Odalys "
        "Przemek",
    ),
    Subject(
        ("the annual report", "the audit"),
        ("{p} is due on {v}", "the deadline for {p} is {v}"),
        (
            "When is {p} due?",
            "What is the deadline for {p}?",
            "By what day must {p} be finished?",
            "How long do we still have for {p}?",
            "On which day do we have to hand in {p}?",
            "Until when can we work on {p}?",
        ),
        "3 March|9 March|14 March|21 March|2 April|8 April|17 April|25 April|4 May|11 May|19 May|28 May|5 June|13 June"
        "|22 June|30 June",
    ),
    Subject(
        ("the choir", "the orchestra"),
        ("{p} rehearses in {v}", "rehearsals of {p} take place in {v}"),
        (
            "Where does {p} rehearse?",
            "In which room are the rehearsals of {p}?",
            "Where do I go for a rehearsal of {p}?",
            "I want to listen to {p} practising. Which place?",
            "Where do the members of {p} meet to practise?",
            "What is the practice room of {p}?",
        ),
        "the old chapel|the town hall|the gym|the library hall|the tithe barn|the mill|the assembly room|the boat house"
        "|the vestry|the corn exchange|the drill hall|the pavilion|the guildhall|the refectory|the lodge|the granary",
    ),
    Subject(
        ("the newsletter", "the blog"),
        ("{p} is sent out with {v}", "we publish {p} with the tool {v}"),
        (
            "With which tool do we publish {p}?",
            "What do we use to send out {p}?",
            "Which software is {p} made with?",
            "What do I open to put out a new issue of {p}?",
            "Which program is behind {p}?",
            "How, with what, does {p} go out?",
        ),
        "Inkwell Quillbox Pressly Foliant Letterly Broadside Gazetteer Papyra Stencilo Typeset Verso Recto Colophon "
        "Galley Octavo Vellum",
    ),
    Subject(
        ("the van", "the trailer"),
        ("{p} takes {v} tyres", "for {p} we buy tyres of size {v}"),
        (
            "Which tyres does {p} take?",
            "What size are the tyres of {p}?",
            "What tyres do I order for {p}?",
            "A wheel of {p} is flat: what do I buy?",
            "Which dimension do I tell the garage for new rubber on {p}?",
            "What fits on the wheels of {p}?",
        ),
        "185/65 195/60 195/65 205/55 205/60 205/65 215/60 215/65 215/70 225/60 225/65 225/70 235/60 235/65 235/70 "
        "245/65",
    ),
    Subject(
        ("the backup server", "the build server"),
        ("{p} is restarted on {v}", "the weekly restart of {p} is on {v}"),
        (
            "When is {p} restarted?",
            "On what day does {p} get its restart?",
            "When is the weekly restart of {p}?",
            "When must I expect {p} to be away for a moment?",
            "Which time of the week does {p} reboot?",
            "When should nobody rely on {p}?",
        ),
        "Monday at noon|Monday at nine|Tuesday at noon|Tuesday at six|Wednesday at four|Wednesday at ten"
        "|Thursday at noon|Thursday at eight|Friday at five|Friday at nine|Saturday at one|Saturday at seven"
        "|Sunday at two|Sunday at eleven|Monday at three|Friday at noon",
    ),
    Subject(
        ("the bakery", "the dairy"),
        ("{p} delivers to us through {v}", "orders from {p} come with the carrier {v}"),
        (
            "Which carrier brings the orders from {p}?",
            "Who delivers what we order from {p}?",
            "Through whom does {p} deliver?",
            "Whose driver comes with the boxes from {p}?",
            "Which haulier works for {p}?",
            "By whom is the stuff from {p} brought?",
        ),
        "Swiftline Cargonaut Halewood Portway Longhaul Redcart Millroad Broadgate Oxcart Tollhouse Waggoner Drayman "
        "Packhorse Northvan Eastrun Kingsway",
    ),
    Subject(
        ("the museum", "the archive"),
        ("a day ticket for {p} costs {v}", "visitors of {p} pay {v}"),
        (
            "What does a ticket for {p} cost?",
            "How much do visitors of {p} pay?",
            "What is the price of a day at {p}?",
            "How much money do I need to get into {p}?",
            "What do they charge at {p}?",
            "How expensive is it to visit {p}?",
        ),
        "4 euros|5 euros|6 euros|7 euros|8 euros|9 euros|11 euros|12 euros|13 euros|14 euros|15 euros|16 euros"
        "|17 euros|18 euros|19 euros|21 euros",
    ),
    Subject(
        ("the greenhouse", "the orchard"),
        ("in {p} we spray with {v}", "against pests {p} gets {v}"),
        (
            "What do we spray in {p}?",
            "What do we use against pests in {p}?",
            "Which remedy does {p} get?",
            "There are lice in {p}. What do I take?",
            "With what do we treat the plants of {p}?",
            "What is used to keep insects off in {p}?",
        ),
        "neem oil|soap water|nettle tea|garlic brew|kaolin|sulphur|rapeseed oil|quassia|lime wash|tansy tea"
        "|horsetail tea|chilli water|diatom dust|mustard oil|rhubarb brew|copper soap",
    ),
    Subject(
        ("the Berlin flat", "the Vienna flat"),
        ("the door code of {p} is {v}", "to enter {p} you type {v}"),
        (
            "What is the door code of {p}?",
            "Which code opens {p}?",
            "What do I type to enter {p}?",
            "I am outside {p}: which numbers?",
            "How do I get through the door of {p}?",
            "Tell me the digits for {p}.",
        ),
        "1947 2068 2583 3140 3692 4071 4856 5209 5737 6194 6480 7315 7862 8043 8926 9451",
    ),
    Subject(
        ("the morning class", "the evening class"),
        ("{v} teaches {p}", "{p} is given by {v}"),
        (
            "Who teaches {p}?",
            "By whom is {p} given?",
            "Who is the teacher of {p}?",
            "Whom do I write to when I miss {p}?",
            "Whose lesson is {p}?",
            "Who stands in front of {p}?",
        ),
        "Mr Abara|Ms Brandt|Mr Calloway|Ms Dubois|Mr Eriksen|Ms Farouk|Mr Gallo|Ms Horvath|Mr Iqbal|Ms Jansen"
        "|Mr Kovacs|Ms Lindqvist|Mr Moreau|Ms Nakata|Mr Oduya|Ms Pereira",
    ),
    Subject(
        ("the cat", "the dog"),
        ("{p} gets {v} in the morning", "for breakfast we give {p} {v}"),
        (
            "What does {p} get in the morning?",
            "What do we feed {p} for breakfast?",
            "Which food is for {p} in the morning?",
            "I look after {p} tomorrow. What do I put in the bowl?",
            "What does {p} eat first in the day?",
            "How do I feed {p} when I get up?",
        ),
        "boiled chicken|tuna|rice with lamb|dry biscuits|turkey|sardines|beef stew|pumpkin mash|salmon|oats with egg"
        "|rabbit|liver pate|duck|cottage cheese|herring|venison",
    ),
    Subject(
        ("the Lisbon team", "the Oslo team"),
        ("{p} keeps its tickets in {v}", "tasks of {p} are tracked in {v}"),
        (
            "Where does {p} keep its tickets?",
            "In which tracker are the tasks of {p}?",
            "Which tool does {p} use for its tasks?",
            "I found a bug for {p}: where do I enter it?",
            "Where do I see what {p} works on?",
            "What does {p} track its work with?",
        ),
        "Taskwell Boardly Kanbo Tickety Listwise Planory Stackup Trackmill Doneday Flowdesk Gridly Hivewise Jobline "
        "Logbook Milepost Nextup",
    ),
)


def matters(rng: random.Random, subjects: Sequence[Subject] = SUBJECTS) -> list[tuple[Matter, Matter]]:
    """Two of each subject, one for each of its places."""
    pairs: list[tuple[Matter, Matter]] = []
    for subject in subjects:
        values = subject.values.split("|" if "|" in subject.values else None)
        rng.shuffle(values)
        half = len(_FRAMES)
        first = _matter(subject, subject.places[0], values[:half], rng)
        pairs.append((first, _matter(subject, subject.places[1], values[half : 2 * half], rng)))
    return pairs


def _matter(subject: Subject, place: str, values: Sequence[str], rng: random.Random) -> Matter:
    frames = [*_FRAMES]
    rng.shuffle(frames)
    texts: list[str] = []
    for at, (frame, value) in enumerate(zip(frames, values, strict=True)):
        said = subject.says[at % len(subject.says)].format(p=place, v=value)
        text = frame.format(s=said, l=said)
        texts.append(text[0].upper() + text[1:])
    asks = [ask.format(p=place) for ask in subject.asks]
    return Matter(place, tuple(texts), rng.randrange(len(texts)), tuple(asks[:TRAIN_ASKS]), tuple(asks[TRAIN_ASKS:]))

"""Ranking is a pure sum: more of what counts never lowers a score, the reasons add up, the order is always the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alma.memory.packing import excerpt, is_known, pack
from alma.memory.question import asks, read_question
from alma.memory.ranking import ALIKE, CROWD, HALF_LIFE, Candidate, Ranked, diversify, is_weak, rank, total
from alma.memory.records import Reasons, tokens_of
from alma.memory.words import words_in

NOW = 1_700_000_000.0
ASKED = read_question("When did Ana buy the boat, and what did she pay?")
candidates = st.lists(
    st.builds(
        Candidate,
        num=st.integers(1, 50),
        text=st.sampled_from(["Fine.", "In May 2021, for 300 euros.", "Did you?", "The boat is blue", "Ask Ben"]),
        created_at=st.floats(NOW - 1e8, NOW + 1e5),
        line=st.sampled_from(["", "a", "b"]),
        position=st.integers(0, 12),
        speaker=st.sampled_from(["", "Ana", "Ben"]),
        document=st.sampled_from(["", "d"]),
        utility=st.floats(-1, 1),
        pinned=st.booleans(),
        cosine=st.none() | st.floats(-0.2, 1),
        bm25=st.floats(0, 20),
    ),
    max_size=15,
    unique_by=lambda one: one.num,
)


def order(found: list[Candidate], question: str = "boat", now: float = NOW) -> list[int]:
    return [one.candidate.num for one in rank(read_question(question), found, now)]


def scores(found: list[Candidate], question: str = "boat", now: float = NOW) -> dict[int, float]:
    return {one.candidate.num: one.score for one in rank(read_question(question), found, now)}


@given(candidates)
def test_the_reasons_add_up_to_the_score_and_best_comes_first(found: list[Candidate]) -> None:
    ranked = rank(ASKED, found, NOW)
    for one in ranked:
        why = one.reasons
        parts = (why.fused, why.neighbour, why.speaker, why.answer, why.recency, why.utility, why.pinned, why.diversity)
        assert one.score == pytest.approx(sum(parts))
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)
    assert sorted(one.candidate.num for one in ranked) == sorted(one.num for one in found)


@given(candidates, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_the_found(found: list[Candidate], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank(ASKED, found, NOW) == rank(ASKED, shuffled, NOW)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"cosine": 0.6}, {"cosine": 0.5}),
        ({"bm25": 9.0}, {"bm25": 4.0}),
        ({"created_at": NOW - 10}, {"created_at": NOW - 10 * HALF_LIFE}),
        ({"utility": 0.5}, {"utility": -0.5}),
        ({"pinned": True}, {"pinned": False}),
        ({"text": "It is blue."}, {"text": "Is it blue?"}),
    ],
)
def test_more_of_what_counts_comes_first(better: dict[str, object], worse: dict[str, object]) -> None:
    plain = Candidate(0, "It is blue.", NOW - 100, cosine=0.5, bm25=5.0)
    ruler = Candidate(9, "Far off.", NOW - 100, cosine=0.0, bm25=10.0)
    one, two = replace(plain, num=1, **better), replace(plain, num=2, **worse)
    found = scores([two, one, ruler])
    assert found[1] > found[2]


def test_what_is_said_beside_an_answer_lifts_it() -> None:
    asking = Candidate(1, "What did the boat cost you?", line="t", position=4, cosine=0.7, bm25=8)
    answer = Candidate(2, "Nine hundred, with the oars.", line="t", position=5, cosine=0.1)
    other = Candidate(3, "Nine hundred, with the lamps.", line="t", position=50, cosine=0.1)
    elsewhere = replace(other, num=4, line="u", position=5)
    found = rank(read_question("What did the boat cost?"), [elsewhere, other, answer, asking], NOW)
    by_num = {one.candidate.num: one for one in found}
    assert by_num[2].score > by_num[3].score
    assert by_num[2].near == 1
    assert by_num[2].reasons.neighbour > by_num[3].reasons.neighbour
    assert by_num[3].score == by_num[4].score


def test_who_is_named_is_looked_for_among_who_spoke() -> None:
    of_ana = Candidate(1, "It is blue.", speaker="Ana Lind", cosine=0.5)
    of_ben = replace(of_ana, num=2, speaker="Ben")
    assert order([of_ben, of_ana], "What colour is Ana's boat?") == [1, 2]
    assert order([of_ben, of_ana], "What did Ben say to Ana about the boat?") == [2, 1]  # the one named first
    assert scores([of_ana], "What about Anaïs and the banana?")[1] == scores([of_ana], "What?")[1]


def test_a_question_for_a_time_or_a_number_wants_one() -> None:
    dated, undated = Candidate(1, "Last Monday.", cosine=0.5), Candidate(2, "By tram.", cosine=0.5)
    assert order([undated, dated], "When did they go?") == [1, 2]
    assert scores([undated, dated], "How did they go?")[1] == scores([undated, dated], "How did they go?")[2]
    assert order([undated, replace(dated, text="Forty")], "How much was it?") == [1, 2]


def test_a_fact_that_stands_alone_is_not_behind_an_average_turn() -> None:
    fact = Candidate(1, "The boat is called Vega.", cosine=0.6)
    turn = Candidate(2, "The boat is called Vega.", line="t", position=5, cosine=0.6)
    beside = [Candidate(3 + i, "Well.", line="t", position=place, cosine=0.1) for i, place in enumerate((3, 4, 6, 7))]
    found = scores([fact, turn, *beside])
    assert found[1] > found[2]


def test_a_pinned_memory_does_not_age() -> None:
    old = Candidate(1, "It is blue.", 0.0, cosine=0.5, pinned=True)
    assert scores([old])[1] == pytest.approx(scores([replace(old, created_at=NOW)])[1])


def test_without_vectors_words_decide() -> None:
    found = [Candidate(1, "a boat", bm25=2.0), Candidate(2, "the boat of Ana", bm25=6.0)]
    assert order(found) == [2, 1]


# ── what is weak ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "query", ["Hi, how are you?", "Thanks, that's great!", "Good morning", "ok", "Hello!!", "Danke"]
)
def test_a_greeting_asks_for_nothing(query: str) -> None:
    assert read_question(query).small_talk


@pytest.mark.parametrize("query", ["Who am I?", "How is the boat?", "Good fish?", "", "你好吗", "Where is it?"])
def test_anything_else_may(query: str) -> None:
    assert not read_question(query).small_talk


def ranked(found: list[Candidate]) -> dict[int, Ranked]:
    return {one.candidate.num: one for one in rank(read_question("the old boat"), found, NOW)}


def weak(candidates: list[Candidate]) -> list[bool]:
    one = ranked(candidates)
    return [is_weak(one[candidate.num], ["red", "boat"]) for candidate in candidates]


def test_what_is_neither_near_nor_has_the_words_is_weak() -> None:
    near, far = Candidate(1, "x", cosine=0.3), Candidate(2, "y", cosine=0.1)
    found = Candidate(3, "A boat, and it was red.", bm25=9, text_rank=1)
    assert weak([near, far, found]) == [False, True, False]
    assert weak([Candidate(1, "x", cosine=0.1, pinned=True)]) == [False]


def test_what_was_said_must_be_nearer_than_a_fact_or_beside_what_is() -> None:
    beside = Candidate(2, "y", line="t", position=1, cosine=0.1)
    assert weak([Candidate(1, "x", line="t", cosine=0.3), beside]) == [True, True]
    assert weak([Candidate(1, "x", line="t", cosine=0.5), beside]) == [False, False]


def test_what_is_beside_something_near_and_worth_nothing_itself_is_weak() -> None:
    near = Candidate(1, "x", line="t", cosine=0.4)
    thanks = Candidate(2, "Noted. What else?", line="t", position=1, cosine=-0.09)
    assert weak([near, thanks]) == [False, True]


def test_the_very_fact_that_is_asked_for_comes_before_what_has_the_words_of_the_query() -> None:
    name = Candidate(1, "The user's name is Ben.", kind="semantic", key="user.name", cosine=0.19)
    sister = Candidate(2, "The user's sister is called Kaja.", kind="semantic", cosine=0.24, bm25=4, text_rank=1)
    asked = read_question("What should you call me?")
    assert [one.candidate.num for one in rank(asked, [sister, name], NOW)] == [1, 2]
    assert [is_weak(one, ["call"], asked.keys) for one in rank(asked, [sister, name], NOW)] == [False, False]
    assert is_weak(rank(read_question("boat"), [name], NOW)[0], ["boat"])


@pytest.mark.parametrize(
    "query",
    [
        "What should you call me?",
        "How do you address me?",
        "Who am I?",
        "What's my first name?",
        "Do you know who I am?",
    ],
)
def test_a_question_for_the_users_name_is_known(query: str) -> None:
    assert read_question(query).keys == ("user.name", "user.rule.call_me")


@pytest.mark.parametrize(
    "query", ["What is my dog's name?", "Will Ana call me?", "How should I address you?", "What is my wife called?"]
)
def test_a_question_for_another_name_is_none(query: str) -> None:
    assert read_question(query).keys == ()


def test_without_vectors_half_of_the_words_will_do() -> None:
    half, none = Candidate(1, "a boat", bm25=3, text_rank=1), Candidate(2, "a train", bm25=2, text_rank=2)
    assert weak([half, none]) == [False, True]


# ── which of them together ────────────────────────────────────────────────────────────────────────────────────────


def unit(*values: float) -> np.ndarray:
    return (np.array(values) / np.linalg.norm(values)).astype(np.float32)


def test_of_two_that_say_the_same_one_is_given() -> None:
    found = rank(read_question("boat"), [Candidate(n, "t", cosine=c) for n, c in ((1, 0.6), (2, 0.59), (3, 0.4))], NOW)
    chosen, alike = diversify(found, {1: unit(1, 0), 2: unit(1, 0.01), 3: unit(0, 1)}, 3)
    assert [one.candidate.num for one in chosen] == [1, 3]
    assert [one.candidate.num for one in alike] == [2]


def test_what_is_near_and_says_another_thing_is_told_too() -> None:
    texts = ["The blood type is B", "The blood type is B-"]
    found = rank(read_question("blood"), [Candidate(n, text, cosine=0.6) for n, text in enumerate(texts, 1)], NOW)
    chosen, alike = diversify(found, {1: unit(1, 0), 2: unit(1, 0.01)}, 3)
    assert {one.candidate.text for one in chosen} == {*texts}
    assert alike == []


def test_what_is_like_a_better_one_comes_later() -> None:
    found = rank(read_question("boat"), [Candidate(n, "t", cosine=c) for n, c in ((1, 0.6), (2, 0.59), (3, 0.56))], NOW)
    chosen, _ = diversify(found, {1: unit(1, 0), 2: unit(1, 0.4), 3: unit(0, 1)}, 3)
    assert [one.candidate.num for one in chosen] == [1, 3, 2]
    last = chosen[-1]
    assert last.reasons.diversity < 0
    assert last.score == pytest.approx(total(last.reasons))


def test_one_document_does_not_crowd_out_the_others() -> None:
    pieces = [Candidate(n, "t", cosine=0.6, document="d") for n in range(1, CROWD + 3)]
    found = rank(read_question("boat"), [*pieces, Candidate(99, "t", cosine=0.57)], NOW)
    chosen, _ = diversify(found, {}, CROWD + 1)
    assert chosen[-1].candidate.num == 99


@given(candidates, st.integers(0, 8))
def test_what_is_chosen_is_what_was_there(found: list[Candidate], most: int) -> None:
    rows = np.random.default_rng(3).standard_normal((60, 8)).astype(np.float32)
    vectors = {one.num: unit(*rows[one.num].tolist()) for one in found}
    in_order = rank(ASKED, found, NOW)
    chosen, alike = diversify(in_order, vectors, most)
    assert len(chosen) <= most
    assert [one.score for one in chosen] == sorted((one.score for one in chosen), reverse=True)
    nums = [one.candidate.num for one in (*chosen, *alike)]
    assert len(nums) == len(set(nums))
    assert set(nums) <= {one.num for one in found}
    for index, one in enumerate(chosen):
        for other in chosen[:index]:
            near = float(vectors[one.candidate.num] @ vectors[other.candidate.num]) >= ALIKE
            assert not (near and one.candidate.text == other.candidate.text)


# ── the budget ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.text(min_size=1, max_size=200), max_size=12), st.integers(0, 12), st.integers(0, 200))
def test_a_budget_is_never_exceeded(texts: list[str], most: int, tokens: int) -> None:
    packed, left_out = pack(list(enumerate(texts)), most, tokens)
    assert len(packed) <= most
    assert not tokens or sum(one.tokens for one in packed) <= tokens
    assert not {one.num for one in packed} & set(left_out)
    assert [one.num for one in packed] == sorted(one.num for one in packed)


def test_a_shorter_one_takes_the_room_that_a_long_one_leaves() -> None:
    packed, left_out = pack([(1, "a" * 40), (2, "b" * 400), (3, "c" * 40)], 5, 25)
    assert [one.num for one in packed] == [1, 3]
    assert left_out == [2]


PIECE = (
    "# Boat Handbook\n\nThe boat was built in Porto and is kept dry in winter. The engine takes 3.2 litres of oil. "
    "Change it once a year. The sails are washed in fresh water, and the anchor chain is painted every second spring."
)


def test_of_one_that_is_too_long_the_sentences_are_taken_that_are_asked_for() -> None:
    packed, left_out = pack([(1, PIECE)], 5, 25, terms=["engine", "oil"])
    assert [one.text for one in packed] == ["The engine takes 3.2 litres of oil."]
    assert left_out == []
    assert pack([(1, PIECE)], 5, 25, terms=["keel"]) == ([], [1])
    assert pack([(1, PIECE)], 5, 500, terms=["engine"])[0][0].text == PIECE


@given(st.integers(0, 120), st.lists(st.sampled_from(["engine", "oil", "sails", "winter", "keel"])))
def test_an_excerpt_fits_and_has_what_is_asked_for(room: int, terms: list[str]) -> None:
    piece = excerpt(PIECE, terms, room)
    assert piece in PIECE
    assert tokens_of(piece) <= room
    assert not piece or words_in(terms, piece)


def test_what_the_asker_has_before_it_is_known() -> None:
    assert is_known("The boat  is BLUE.", ["As I said: the boat is blue. And old."])
    assert not is_known("Yes.", ["He said yes. Twice."])
    assert is_known("Yes.", ["yes."])


def test_tokens_are_about_a_quarter_of_the_bytes() -> None:
    assert [tokens_of(text) for text in ("", "a", "abcd", "abcde", "船", "\ud800")] == [0, 1, 1, 2, 1, 1]
    assert asks("是吗？")
    assert Reasons() == Reasons(fused=0.0)

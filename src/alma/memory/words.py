"""Search by words: the full-text table beside the memories, written in their transaction, and asked with BM25.

SQLite's FTS5 and PostgreSQL's tsvector both get the same plain terms, made here: so that code, accents and scripts
without spaces are found alike on both. What a user types never reaches either's query language unquoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec.structs import replace

from alma.db.tables import memories
from alma.memory.records import Filter, Reader
from alma.memory.statements import Rule, ask, rule_of

_MOST_TERMS = 48  # of a query: more cost time and add nothing
_MOST_SCORED = 2000  # memories for one query: some 3 ms
_MOST_FILLED = 500
_FEW = 3000
_KNOWN = 8192  # words whose parts and stems are kept
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(  # Thai, Lao, Burmese, Khmer, Japanese, Chinese
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_STOPPING = """a about above after again against all am an and any are as at be because been before being below
between both but by can did do does doing don down during each few for from further had has have having he her here
hers herself him himself his how i if in into is it its itself just me more most my myself no nor not now of off on
once only or other our ours ourselves out over own s same she should so some such t than that the their theirs them
themselves then there these they this those through to too under until up very was we were what when where which while
who whom why will with would you your yours yourself yourselves could may might shall must ll m re ve d please tell"""
STOP_WORDS = frozenset(_STOPPING.split())
_WORDS = sa.table("memory_words", sa.column("rowid", sa.Integer), sa.column("num", sa.BigInteger), sa.column("words"))


class WordHit(NamedTuple):
    """`score`: BM25 (SQLite) or cover density (PostgreSQL), more is better; they compare only within one answer."""

    num: int
    score: float


# ── terms ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def terms_of(text: str, *, asking: bool = False) -> list[str]:
    """The terms of a text, in order. Identifiers are there whole and in parts. Scripts without spaces come in pairs of
    characters; a text has the single ones too, for who asks for one."""
    plain = _plain(text)
    if plain.isascii():
        return [part for word in _WORD.findall(plain) for part in _parts(word)]
    terms: list[str] = []
    for word in _WORD.findall(plain):
        for index, piece in enumerate(_UNSPACED.split(word)):
            if index % 2:
                terms += _pairs(piece, asking)
            elif piece:
                terms += _parts(piece)
    return terms


def _plain(text: str) -> str:
    """Compatibility forms made one, accents of Latin, Greek and Cyrillic letters left out; case is kept."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(char for char in apart if not "\u0300" <= char <= "\u036f"))


def _pairs(piece: str, asking: bool) -> list[str]:
    pairs = [piece[at : at + 2] for at in range(len(piece) - 1)]
    return pairs or [piece] if asking else pairs + list(piece)


@lru_cache(_KNOWN)
def _parts(word: str) -> tuple[str, ...]:
    """The word, and where it is an identifier (`readFile`, `read_file`, `utf8`) its parts."""
    whole = word.replace("_", "").lower()
    if not whole:
        return ()
    if "_" in word or (word.isascii() and not (word.islower() or word.istitle() or word.isupper())):
        parts = [part.lower() for piece in word.split("_") for part in _HUMPS.findall(piece) or [piece] if part]
        if len(parts) > 1:
            return (whole, *parts)
    return (whole,)


def query_terms(query: str) -> list[str]:
    """The terms to look for, each once: without stop words, unless nothing else is left."""
    terms = list(dict.fromkeys(terms_of(query, asking=True)))
    telling = [term for term in terms if term not in STOP_WORDS]
    return (telling or terms)[:_MOST_TERMS]


# ── keeping ───────────────────────────────────────────────────────────────────────────────────────────────────────


def keep_words(connection: sa.Connection, texts: Iterable[tuple[int, str]]) -> None:
    """Put in the words of memories, by number; what was there of them must be dropped before."""
    rows: list[dict[str, object]] = []
    for num, text in texts:
        terms = terms_of(text)
        stops = " ".join(term for term in terms if term in STOP_WORDS)
        rows.append({"num": num, "words": " ".join(terms), "stops": stops})
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("INSERT INTO memory_words (rowid, words) VALUES (:num, :words)"), rows)
    else:  # PostgreSQL's dictionary leaves stop words out: they are there unstemmed, for queries that have no others
        connection.execute(
            sa.text(
                "INSERT INTO memory_words (num, words) VALUES "
                "(:num, to_tsvector('english', :words) || to_tsvector('simple', :stops))"
            ),
            rows,
        )


def drop_words(connection: sa.Connection, nums: Sequence[int]) -> None:
    connection.execute(sa.delete(_WORDS).where(_num(connection).in_(nums)))


def rebuild_words(connection: sa.Connection, after: int, slice_size: int = 128) -> int | None:
    """Make anew the words of the next `slice_size` memories after this number. Returns the last one's number; None
    when there was none, and what lay behind the last memory is gone too."""
    rows = connection.execute(
        sa.select(memories.c.num, memories.c.text)
        .where(memories.c.num > after)
        .order_by(memories.c.num)
        .limit(slice_size)
    ).all()
    num = _num(connection)
    old = sa.delete(_WORDS).where(num > after)
    connection.execute(old.where(num <= rows[-1].num) if rows else old)
    keep_words(connection, ((row.num, row.text) for row in rows))
    return rows[-1].num if rows else None


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────


def found_by_words(connection: sa.Connection, query: str, reader: Reader, wanted: Filter, k: int) -> list[WordHit]:
    """The `k` best of the memories that have a word of the query, best first; only what the reader may read and the
    filter lets through.

    Scoring takes a microsecond a memory, and a common word is in very many. So where there are many memories, those
    with one of the query's rarer words are scored (by all its words); if they are too few, the newest that have only
    common words come after them.
    """
    terms = query_terms(query)
    if not terms or k <= 0:
        return []
    rule = rule_of(connection.dialect.name, reader, wanted)
    if _are_few(connection, reader, wanted):
        return _best(connection, rule, k, terms)
    rare, number = _rare(connection, terms)
    common = [term for term in terms if term not in rare]
    best_first = number < _MOST_SCORED and replace(wanted, not_runs=()) == Filter()
    hits = _best(connection, rule, k, rare, common, _MOST_SCORED, best_first)
    if common and len(hits) < k / 4:
        seen = {hit.num for hit in hits}
        least = min((hit.score for hit in hits), default=float("inf"))
        for hit in _best(connection, rule, k, common, [], _MOST_FILLED):
            if hit.num not in seen and len(hits) < k:  # scored by fewer words: it comes after
                hits.append(WordHit(hit.num, min(least, hit.score)))
    return hits


def _are_few(connection: sa.Connection, reader: Reader, wanted: Filter) -> bool:
    """Whether an index leads to so few that all can be scored. Only counts, and without a look at the rows."""
    of = Filter(threads=wanted.threads, runs=wanted.runs, documents=wanted.documents, state="any")
    narrow = bool(of.threads or of.runs or of.documents)
    whose, which = (None, of) if narrow else (Reader(reader.owner), Filter(key=wanted.key, state="any"))
    rule = rule_of(connection.dialect.name, whose, which)
    return not ask(connection, "SELECT 1 FROM memories WHERE {rule} LIMIT 1 OFFSET :few", {"few": _FEW}, rule)


def _rare(connection: sa.Connection, terms: list[str]) -> tuple[list[str], int]:
    """The rarest of them, so many that together they are in about `_MOST_SCORED` memories; one at least. And in how
    many they are, at most: `_MOST_SCORED` may be more."""
    in_sqlite = connection.dialect.name == "sqlite"
    has = "memory_words MATCH :t{0}" if in_sqlite else "words @@ to_tsquery('english', :t{0})"
    one = "SELECT {0}, count(*) FROM (SELECT 1 FROM memory_words WHERE " + has + " LIMIT :most) AS found{0}"
    statement = " UNION ALL ".join(one.format(at) for at in range(len(terms)))
    quote = '"' if in_sqlite else "'"
    asked = {f"t{at}": f"{quote}{term}{quote}" for at, term in enumerate(terms)}
    rows = ask(connection, statement, {**asked, "most": _MOST_SCORED})
    rare: list[str] = []
    total = 0
    for number, at in sorted((int(number), int(at)) for at, number in rows):
        if rare and total + number > _MOST_SCORED:
            break
        total += number
        rare.append(terms[at])
    return rare, total


# The plus keeps FTS5 from asking anew for each of them.
_OF_FEW_IN_SQLITE = """
    SELECT rowid AS num, -bm25(memory_words) AS score FROM memory_words
    WHERE memory_words MATCH :asked AND +memory_words.rowid IN (SELECT num FROM memories WHERE {rule})
    ORDER BY score DESC, num DESC LIMIT :k"""
_OF_NEWEST_IN_SQLITE = """
    SELECT num, score FROM (
        SELECT memories.num, -bm25(memory_words) AS score
        FROM memory_words JOIN memories ON memories.num = memory_words.rowid
        WHERE memory_words MATCH :asked AND {rule} IS TRUE ORDER BY memory_words.rowid DESC LIMIT :most
    ) AS scored ORDER BY score DESC, num DESC LIMIT :k"""
# Looks at the rows in the order of the score, and stops when there are enough: where most are let through.
_BEST_FIRST_IN_SQLITE = """
    SELECT memories.num, found.score FROM (
        SELECT rowid AS num, -bm25(memory_words) AS score FROM memory_words WHERE memory_words MATCH :asked
        ORDER BY score DESC, num DESC LIMIT :most
    ) AS found CROSS JOIN memories WHERE memories.num = found.num AND {rule} IS TRUE LIMIT :k"""
_IN_POSTGRES = """
    SELECT num, score FROM (
        SELECT memories.num, ts_rank_cd(words, to_tsquery(CAST(:dictionary AS regconfig), :asked)) AS score
        FROM memory_words JOIN memories ON memories.num = memory_words.num
        WHERE words @@ to_tsquery(CAST(:dictionary AS regconfig), :needed) AND {rule}
        ORDER BY memory_words.num DESC LIMIT CAST(:most AS bigint)
    ) AS scored ORDER BY score DESC, num DESC LIMIT :k"""


def _best(
    connection: sa.Connection,
    rule: Rule,
    k: int,
    needed: list[str],
    others: Sequence[str] = (),
    most: int | None = None,
    best_first: bool = False,
) -> list[WordHit]:
    """The `k` best of the `most` newest with one of the `needed` terms; `most` None: of all, which are few.
    `best_first`: there are fewer than `most`, and nearly all are let through."""
    values: dict[str, Any] = {"k": k, "most": most}
    if connection.dialect.name != "sqlite":
        terms = [*needed, *others]
        statement = _IN_POSTGRES
        values["dictionary"] = "simple" if all(term in STOP_WORDS for term in terms) else "english"
        values["needed"], values["asked"] = (" | ".join(f"'{term}'" for term in some) for some in (needed, terms))
    else:
        statement = _OF_FEW_IN_SQLITE if most is None else _OF_NEWEST_IN_SQLITE
        if best_first:
            statement = _BEST_FIRST_IN_SQLITE
        one_of = values["asked"] = _any_of(needed)
        if others:  # FTS5 has no optional terms; the second half only adds to the score
            values["asked"] = f"({one_of}) OR (({one_of}) AND ({_any_of(others)}))"
    return [WordHit(num, float(score)) for num, score in ask(connection, statement, values, rule)]


def _any_of(terms: Sequence[str]) -> str:
    return " OR ".join(f'"{term}"' for term in terms)


def _num(connection: sa.Connection) -> sa.ColumnClause[int]:
    return _WORDS.c.rowid if connection.dialect.name == "sqlite" else _WORDS.c.num


def words_in(terms: Sequence[str], text: str) -> list[str]:
    """Those of the query's terms that a text has, in any of their forms."""
    there = {_stem(term) for term in terms_of(text)}
    return [term for term in terms if _stem(term) in there]


@lru_cache(_KNOWN)
def _stem(term: str) -> str:
    """Roughly what the databases' stemmers make equal: only for saying which words were found."""
    for ending in ("ingly", "edly", "ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "y", "e"):
        if term.endswith(ending) and len(term) - len(ending) >= 3:
            rest = term[: -len(ending)]
            return rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
    return term

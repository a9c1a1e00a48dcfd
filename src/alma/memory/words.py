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

from alma.db.tables import memories
from alma.memory.access import matches, only_checked, visible
from alma.memory.records import Filter, Reader

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
    """`score`: BM25 (SQLite) or cover density (PostgreSQL), more is better; they compare only within one answer.
    `words`: those of the query that it has."""

    num: int
    score: float
    words: list[str]


# ── terms ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def terms_of(text: str, *, asking: bool = False) -> list[str]:
    """The terms of a text, in order. Identifiers are there whole and in parts. Scripts without spaces come in pairs of
    characters; a text has the single ones too, for who asks for one."""
    terms: list[str] = []
    for word in _WORD.findall(_plain(text)):
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
    search = _in_sqlite if connection.dialect.name == "sqlite" else _in_postgres
    clause = visible(reader, wanted)

    def best(needed: list[str], others: list[str], most: int | None) -> list[sa.Row[Any]]:
        return [*connection.execute(_best(search(needed, others, clause, most), k))]

    if _are_few(connection, reader, wanted):
        return _hits(terms, best(terms, [], None))
    rare = terms if len(terms) == 1 else _rare(connection, terms)
    common = [term for term in terms if term not in rare]
    rows = best(rare, common, _MOST_SCORED)
    if common and len(rows) < k / 4:
        seen = {row.num for row in rows}
        rows += [row for row in best(common, [], _MOST_FILLED) if row.num not in seen][: k - len(rows)]
    return _hits(terms, rows)


def _are_few(connection: sa.Connection, reader: Reader, wanted: Filter) -> bool:
    """Whether an index leads to so few that all can be scored. Only counts, and without a look at the rows."""
    of = Filter(threads=wanted.threads, runs=wanted.runs, documents=wanted.documents, state="any")
    narrow = bool(of.threads or of.runs or of.documents)
    clause = matches(of) if narrow else visible(Reader(reader.owner), Filter(key=wanted.key, state="any"))
    some = sa.select(sa.literal(1)).select_from(memories).where(clause).limit(_FEW + 1)
    return connection.execute(sa.select(sa.func.count()).select_from(some.subquery())).scalar_one() <= _FEW


def _hits(terms: list[str], rows: Sequence[sa.Row[Any]]) -> list[WordHit]:
    stems = {term: _stem(term) for term in terms}
    hits: list[WordHit] = []
    score = float("inf")
    for row in rows:
        there = {_stem(term) for term in terms_of(row.text)}
        score = min(score, float(row.score))  # what fills up is scored by fewer words, and comes after
        hits.append(WordHit(row.num, score, [term for term in terms if stems[term] in there]))
    return hits


def _rare(connection: sa.Connection, terms: list[str]) -> list[str]:
    """The rarest of them, so many that together they are in about `_MOST_SCORED` memories; one at least."""
    in_sqlite = connection.dialect.name == "sqlite"
    has = "memory_words MATCH :t{0}" if in_sqlite else "words @@ to_tsquery('english', :t{0})"
    one = "SELECT {0}, count(*) FROM (SELECT 1 FROM memory_words WHERE " + has + " LIMIT :most) AS found{0}"
    statement = sa.text(" UNION ALL ".join(one.format(at) for at in range(len(terms))))
    quote = '"' if in_sqlite else "'"
    asked = {f"t{at}": f"{quote}{term}{quote}" for at, term in enumerate(terms)}
    rows = connection.execute(statement, {**asked, "most": _MOST_SCORED}).all()
    rare: list[str] = []
    total = 0
    for number, at in sorted((int(row[1]), int(row[0])) for row in rows):
        total += number
        if rare and total > _MOST_SCORED:
            break
        rare.append(terms[at])
    return rare


def _best(scored: sa.Select[*tuple[Any, ...]], k: int) -> sa.Select[*tuple[Any, ...]]:
    inner = scored.subquery()
    best = sa.select(inner.c.num, inner.c.score).order_by(inner.c.score.desc(), inner.c.num.desc()).limit(k).subquery()
    return (
        sa.select(best.c.num, best.c.score, memories.c.text)
        .join(memories, memories.c.num == best.c.num)
        .order_by(best.c.score.desc(), best.c.num.desc())
    )


def _any_of(terms: list[str]) -> str:
    return " OR ".join(f'"{term}"' for term in terms)


def _in_sqlite(
    needed: list[str], others: list[str], clause: sa.ColumnElement[bool], most: int | None
) -> sa.Select[*tuple[Any, ...]]:
    """The newest with one of the `needed` terms, scored; `most` None: all, of the few that the clause lets through."""
    one_of = asked = _any_of(needed)
    if others:  # FTS5 has no optional terms; the second half only adds to the score
        asked = f"({one_of}) OR (({one_of}) AND ({_any_of(others)}))"
    table: sa.ColumnElement[Any] = sa.literal_column("memory_words")
    score = (-sa.func.bm25(table, type_=sa.Double)).label("score")
    found = table.op("MATCH")(asked)
    if most is None:  # the plus keeps FTS5 from asking anew for each of them
        rowid: sa.ColumnElement[int] = sa.literal_column("+memory_words.rowid")
        allowed = rowid.in_(sa.select(memories.c.num).where(clause))
        return sa.select(_WORDS.c.rowid.label("num"), score).where(found, allowed)
    return (
        sa.select(_WORDS.c.rowid.label("num"), score)
        .select_from(_WORDS.join(memories, memories.c.num == _WORDS.c.rowid))
        .where(found, only_checked(clause))
        .order_by(_WORDS.c.rowid.desc())
        .limit(most)
    )


def _in_postgres(
    needed: list[str], others: list[str], clause: sa.ColumnElement[bool], most: int | None
) -> sa.Select[*tuple[Any, ...]]:
    terms = needed + others
    dictionary: sa.ColumnElement[Any] = sa.literal_column(
        "'simple'" if all(term in STOP_WORDS for term in terms) else "'english'"
    )
    one_of = sa.func.to_tsquery(dictionary, " | ".join(f"'{term}'" for term in needed))
    asked = sa.func.to_tsquery(dictionary, " | ".join(f"'{term}'" for term in terms))
    score = sa.func.ts_rank_cd(_WORDS.c.words, asked, type_=sa.Double).label("score")
    return (
        sa.select(_WORDS.c.num, score)
        .select_from(_WORDS.join(memories, memories.c.num == _WORDS.c.num))
        .where(_WORDS.c.words.op("@@")(one_of), clause)
        .order_by(_WORDS.c.num.desc())
        .limit(most)
    )


def _num(connection: sa.Connection) -> sa.ColumnClause[int]:
    return _WORDS.c.rowid if connection.dialect.name == "sqlite" else _WORDS.c.num


@lru_cache(_KNOWN)
def _stem(term: str) -> str:
    """Roughly what the databases' stemmers make equal: only for saying which words were found."""
    for ending in ("ingly", "edly", "ings", "ing", "ied", "ies", "ed", "es", "ly", "s", "y", "e"):
        if term.endswith(ending) and len(term) - len(ending) >= 3:
            rest = term[: -len(ending)]
            return rest[:-1] if len(rest) > 3 and rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
    return term

"""Files as people have them, each read in a real process: what comes out, and what is said of bad ones."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from shelf import docx_of, encrypted, pdf_of, word_paragraph

from alma.events import ErrorFacts
from alma.memory.knowledge.outcome import Outcome
from alma.memory.knowledge.reading_process import Limits, ReadingProcess

pytestmark = pytest.mark.slow


async def read(folder: Path, name: str, content: bytes, limits: Limits | None = None) -> Outcome:
    path = folder / "original"
    path.write_bytes(content)
    outcome = await ReadingProcess(folder, limits or Limits()).read(path, name)
    assert [one.name for one in folder.iterdir()] == ["original"]  # nothing is left behind
    return outcome


async def refused(folder: Path, name: str, content: bytes, limits: Limits | None = None) -> ErrorFacts:
    outcome = await read(folder, name, content, limits)
    assert outcome.error is not None
    assert outcome.chunks == []
    return outcome.error


async def test_a_pdf_is_read_by_pages_under_its_own_headings(tmp_path: Path) -> None:
    content = pdf_of(
        "1. Costs\nThe roof costs 900 euros and the win-\ndows cost more than",
        "that. Nobody knows why.",
        titles=[("Costs", 0)],
    )
    outcome = await read(tmp_path, "offer.pdf", content)
    assert outcome.format == "pdf"
    assert "the windows cost more than that." in outcome.text
    assert [chunk.place for chunk in outcome.chunks] == ["pages 1 to 2 › 1. Costs"]


async def test_a_pdf_under_another_name_is_read_as_what_it_is(tmp_path: Path) -> None:
    outcome = await read(tmp_path, "notes.txt", pdf_of("It is a PDF."))
    assert (outcome.format, outcome.text, outcome.error) == ("pdf", "It is a PDF.", None)


async def test_an_encrypted_pdf_is_refused_unless_it_opens_without_a_password(tmp_path: Path) -> None:
    plain = pdf_of("It is a secret.")
    error = await refused(tmp_path, "safe.pdf", encrypted(plain, "pass"))
    assert (error.code, error.actual) == ("encrypted_file", "a PDF that asks for a password")
    assert (await read(tmp_path, "open.pdf", encrypted(plain, ""))).text == "It is a secret."


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("scan.pdf", pdf_of("", ""), "no_text", "2 pages without text"),
        ("half.pdf", pdf_of("A page.")[:120], "damaged_file", "cannot be read"),
        ("notes.pdf", b"just text", "not_what_it_says", "begins with “just text”"),
        ("cut.pdf", b"\x00\x01\x02", "not_what_it_says", "begins with the bytes 00 01 02"),
        ("long.pdf", b"this is only text, and more of it than is shown here", "not_what_it_says", "than i…”"),
        ("notes.docx", b"just text", "not_what_it_says", "Word document"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "unsupported_file", "a PNG image (it is called TXT)"),
        ("run.exe", b"MZ\x90\0\3\0\0\0", "unsupported_file", "a program"),
        ("data.bin", bytes(range(256)) * 20, "not_text", "begins with 00 01 02"),
        ("data.md", b"\x80\xff\x00\x01" * 500, "not_text", "binary"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unsupported_file", "the old kind"),
        (
            "safe.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "encrypted_file",
            "password",
        ),
        ("empty.md", b"", "empty_file", "0 bytes"),
        ("blank.md", b" \n\t\n\xef\xbb\xbf", "empty_file", "white space"),
        ("page.html", b"<html><script>all()</script></html>", "empty_file", "without text"),
        ("nothing.csv", b",,\n,,\n", "empty_file", "white space"),
    ],
)
async def test_what_cannot_be_read_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes, code: str, said: str
) -> None:
    error = await refused(tmp_path, name, content)
    assert error.code == code
    assert name in error.message
    assert said in " ".join((error.message, error.expected or "", error.actual or ""))


async def test_a_word_document_is_read_with_its_headings_lists_and_tables(tmp_path: Path) -> None:
    cells = "".join(f"<w:tc>{word_paragraph(text)}</w:tc>" for text in ("roof", "900"))
    body = (
        word_paragraph("Costs", "Heading1")
        + word_paragraph("The roof first. 屋根 🏠 שלום")
        + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
        + word_paragraph("Then the rest.")
    )
    outcome = await read(tmp_path, "offer.docx", docx_of(body))
    assert outcome.text == "Costs\n\nThe roof first. 屋根 🏠 שלום\n\nroof | 900\n\nThen the rest."
    assert {chunk.place for chunk in outcome.chunks} == {"Costs"}


def _archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("bomb.docx", docx_of("", **{"word/media/a": bytes(300 * 2**20)}), "zip_bomb", "bytes unpacked"),
        ("ratio.docx", docx_of("", **{"word/media/a": bytes(30 * 2**20)}), "zip_bomb", "times its size"),
        ("climb.docx", docx_of("", **{"../../etc/passwd": b"x"}), "zip_bomb", "absolute paths"),
        ("book.docx", _archive("xl/workbook.xml"), "unsupported_file", "an Excel workbook (.xlsx) (it is called DOCX)"),
        ("things.zip", _archive("a.txt"), "unsupported_file", "a ZIP archive"),
        ("broken.docx", docx_of("<w:p>"), "damaged_file", "cannot be read"),
        ("cut.docx", docx_of(word_paragraph("x"))[:-30], "damaged_file", "cannot be read"),
        ("blank.docx", docx_of(""), "no_text", "without any"),
    ],
)
async def test_an_archive_is_looked_at_before_it_is_unpacked(
    tmp_path: Path, name: str, content: bytes, code: str, said: str
) -> None:
    error = await refused(tmp_path, name, content)
    assert error.code == code
    assert said in " ".join((error.message, error.expected or "", error.actual or ""))


async def test_entities_that_multiply_do_not(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    document = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{laughs}]><d>&l9;</d>'
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx_of(""))) as old, zipfile.ZipFile(out, "w") as new:
        for one in old.infolist():
            new.writestr(one.filename, document if one.filename == "word/document.xml" else old.read(one))
    assert (await refused(tmp_path, "laugh.docx", out.getvalue())).code == "damaged_file"


async def test_a_file_that_is_two_things_is_read_only_as_what_it_is_called(tmp_path: Path) -> None:
    both = pdf_of("The front.") + docx_of(word_paragraph("The back."))
    error = await refused(tmp_path, "both.docx", both)
    assert (error.code, error.actual) == (
        "not_what_it_says",
        "a PDF from its front and a ZIP archive from its back, called both.docx",
    )
    assert (await read(tmp_path, "both.pdf", both)).text == "The front."


@pytest.mark.parametrize(
    "content",
    [
        "Grüße – schön".encode(),
        b"\xef\xbb\xbf" + "Grüße – schön".encode(),
        "Grüße – schön".encode("utf-16"),
        "Grüße – schön".encode("utf-16-be"),
        "\ufeffGrüße – schön".encode("utf-16-be"),
        "Grüße – schön".encode("utf-32"),
        "Grüße – schön".encode("cp1252"),
        "Gr\0üße – schön".encode(),
        "Grüße – schön\r\n".encode(),
    ],
)
async def test_text_is_read_however_it_is_encoded(tmp_path: Path, content: bytes) -> None:
    assert (await read(tmp_path, "a.txt", content)).text.strip() == "Grüße – schön"


async def test_lone_surrogates_and_mixed_directions_do_no_harm(tmp_path: Path) -> None:
    text = "שלום עולם, مرحبا 👩‍👩‍👧‍👦 and \u202eback\u202c"
    outcome = await read(tmp_path, "a.md", text.encode() + b" \xed\xa0\x80 \xed\xa0\xbd\xed\xb8\x80")
    assert outcome.text == f"{text} \ufffd 😀"
    assert (
        await read(tmp_path, "b.txt", ("a\ud800b" + "c" * 20).encode("utf-16-le", "surrogatepass"))
    ).error is not None
    marked = b"\xff\xfe" + ("a\ud800b" + "c" * 20).encode("utf-16-le", "surrogatepass")
    assert (await read(tmp_path, "c.txt", marked)).text == "a\ufffdb" + "c" * 20


async def test_a_page_is_read_as_it_is_seen(tmp_path: Path) -> None:
    page = """<!doctype html><html><head><title>A shop</title><style>p{}</style></head><body>
    <nav>Home</nav><h1>Bread &amp; <i>cake</i></h1><script>if (a<b) alert("<p>no</p>")</script>
    <p>We bake<br>daily.</p><ul><li>rye<li>wheat <b>bread</b></ul>
    <table><tr><th>kind<th>price</tr><tr><td>rye<td>3 €</tr></table>
    <pre>def f():\n    return 1</pre><template><p>hidden</p></template><p>End."""
    outcome = await read(tmp_path, "shop.html", page.encode())
    assert outcome.text == (
        "Home\n\nBread & cake\n\nWe bake\ndaily.\n\n- rye\n- wheat bread\n\nkind | price\nrye | 3 €\n\n"
        "def f():\n    return 1\n\nEnd."
    )
    assert {chunk.place for chunk in outcome.chunks} == {"", "Bread & cake"}


async def test_a_page_may_say_itself_how_it_is_encoded(tmp_path: Path) -> None:
    page = '<html><meta charset="iso-8859-2"><p>łódź</p>'.encode("iso-8859-2")
    assert (await read(tmp_path, "page.htm", page)).text == "łódź"


async def test_a_page_of_any_depth_is_read(tmp_path: Path) -> None:
    deep = b"<div>" * 200_000 + b"<p>the bottom" + b"</div>" * 200_000
    assert (await read(tmp_path, "deep.html", deep)).text == "the bottom"


async def test_a_table_with_quotes_and_line_ends_in_its_cells_is_one_row_a_line(tmp_path: Path) -> None:
    table = 'name;note\n"Ann";"said ""hi""\nand left; really"\nBob;\n'
    outcome = await read(tmp_path, "people.csv", table.encode())
    assert outcome.text == 'name | note\nAnn | said "hi" and left; really\nBob | '.strip()
    assert [chunk.place for chunk in outcome.chunks] == ["rows 2 to 3"]


async def test_more_text_than_is_taken_is_refused(tmp_path: Path) -> None:
    error = await refused(tmp_path, "big.log", b"a line of a log\n" * 400_000)
    assert (error.code, error.expected) == ("too_much_text", "at most 5,000,000 characters")


async def test_a_page_that_would_unfold_without_end_is_stopped(tmp_path: Path) -> None:
    """The bounds hold, whatever it is that takes so long or so much."""
    content = b"<!doctype html>" + b"<p>word " * 600_000
    error = await refused(tmp_path, "slow.html", content, Limits(wall_s=0))
    assert error.code == "reading_too_long"
    error = await refused(tmp_path, "large.html", content, Limits(memory=100 * 2**20))
    assert error.code == "reading_too_large"

"""A library that runs on a real database, and the files that its tests put in: made here, byte by byte."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fakes import FakeEmbedding, MemoryBench

from alma.memory.knowledge.documents import Document
from alma.memory.knowledge.library import Library
from alma.memory.records import Filter, Memory, Reader

OWNER = "ann"


class Shelf:
    """A library and what it told. `until` waits for a word of it, however long that takes."""

    def __init__(
        self,
        url: str,
        folder: Path,
        watched: Path | None = None,
        embedding: FakeEmbedding | None = None,
        **options: Any,
    ) -> None:
        self.bench = MemoryBench(url, embedding=embedding)
        self.told: list[tuple[Document, bool]] = []
        self._heard = asyncio.Condition()
        self._folder = folder
        self._watched = watched
        self._options = {"poll_s": 0.05, "max_bytes": 2_000_000} | options
        self.library = self._library()
        self._said = asyncio.Event()

    def _library(self) -> Library:
        return Library(
            self.bench.database,
            self.bench.memories,
            self._folder / "originals",
            folder=self._watched,
            owner=OWNER,
            told=self._hear,
            clock=self.bench.clock,
            **self._options,
        )

    def _hear(self, document: Document, deleted: bool) -> None:
        self.told.append((document, deleted))
        self._said.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Shelf]:
        with self.bench:
            async with self.started():
                yield self

    @asynccontextmanager
    async def started(self) -> AsyncGenerator[Shelf]:
        """A new library on what is there: as after a start."""
        self.library = self._library()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.library.run())
            yield self
            task.cancel()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._said.clear()
            async with asyncio.timeout(60):
                await self._said.wait()

    async def settled(self, name: str) -> Document:
        """The document of this name once it is ready or failed."""
        while True:
            self._said.clear()
            found = {document.name: document for document in await self.library.list(OWNER)}
            if name in found and found[name].state in ("ready", "failed"):
                return found[name]
            async with asyncio.timeout(60):
                await self._said.wait()

    async def gone(self, name: str) -> None:
        await self.until(lambda: any(deleted and document.name == name for document, deleted in self.told))

    async def put(self, name: str, content: bytes | str) -> Document:
        content = content.encode() if isinstance(content, str) else content
        await self.library.put(OWNER, name, content)
        return await self.settled(name)

    async def memories(self, state: Any = "alive") -> list[Memory]:
        found, _, _ = await self.bench.memories.list(Reader(OWNER), Filter(state=state), 1000)
        return sorted(found, key=lambda memory: (memory.line, memory.position))


def pdf_of(*pages: str, titles: Iterable[tuple[str, int]] = ()) -> bytes:
    """A PDF written by hand. `titles`: of its table of contents, with the page (from 0)."""
    from pypdf import PdfReader, PdfWriter

    parts = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    parts.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    parts.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, page in enumerate(pages):
        parts.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>".encode()
        )
        shown = "".join(f"({line}) Tj 0 -14 Td " for line in page.split("\n"))
        stream = f"BT /F 12 Tf 50 750 Td {shown}ET".encode("latin-1")
        parts.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places: list[int] = []
    for number, part in enumerate(parts, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, part))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, table))
    if not titles:
        return out.getvalue()
    writer = PdfWriter(clone_from=PdfReader(out))
    for title, page in titles:
        writer.add_outline_item(title=title, page_number=page)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def encrypted(pdf: bytes, password: str) -> bytes:
    """With the old cipher (RC4); `password` empty: only the owner's rights are locked."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.encrypt(password, owner_password="the owner's", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx_of(body: str, **parts: bytes) -> bytes:
    """A Word document with this in its body."""
    out = io.BytesIO()
    kinds = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{kinds}.document.main+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            'officeDocument" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/document.xml",
            '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            f"<w:body>{body}</w:body></w:document>",
        )
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def word_paragraph(text: str, style: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{styled}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'

"""What the indexes see of a memory: the text that is embedded, and the words that are looked up.

Who speaks is part of both: questions name people ("What did Ana say about the flat?"), turns rarely name their speaker.
What stands beside a turn is *not* mixed into its vector, though that was tried (see docs/decisions/0016-recall.md):
recall adds the neighbours' own scores instead, which found more, and lets the same text keep the same vector wherever
it stands.
"""

from __future__ import annotations

from alma.memory.records import Memory, NewMemory


def embedded_text(memory: Memory | NewMemory) -> str:
    return f"{memory.speaker}: {memory.text}" if memory.speaker else memory.text


def indexed_words(memory: Memory | NewMemory) -> str:
    """What goes into `memory_words`: its speaker, its text, and what its place in a file is called."""
    return " ".join(part for part in (memory.speaker, memory.text, memory.source.place) if part)

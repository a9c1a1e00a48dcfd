"""Search in the files that a user has put into the conversation."""

from __future__ import annotations

from alma.errors import InvalidRequest
from alma.tools.fault import ToolFault
from alma.tools.files import ThreadFiles
from alma.tools.passages import words_of
from alma.tools.signature import ToolContext
from alma.tools.tool import tool


@tool(idempotent=True, outside="files of the conversation")
def search_files(query: str, context: ToolContext, files: ThreadFiles) -> str:
    """Search the files of this conversation. Gives the passages that fit best, each with its file and lines.

    query: a few words that should stand in the passage
    """
    try:
        names = [file.name for file in files.list(context.thread_id)]
    except InvalidRequest as error:
        raise ToolFault(error.message) from None
    if not names:
        return "This conversation has no files."
    if not words_of(query):
        raise ToolFault(f"There is no word in the query {query[:80]!r} to search for.")
    passages = files.search(context.thread_id, query)
    if not passages:
        listed = ", ".join(names[:10]) + (" and others" if len(names) > 10 else "")
        return f"Nothing about {', '.join(words_of(query))} in this conversation's files: {listed}."
    return "\n\n".join(
        f"{passage.file}, lines {passage.first_line}-{passage.last_line}:\n{passage.text}" for passage in passages
    )

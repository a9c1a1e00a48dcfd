"""The slots of a server that is not there: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from endpoints_at_hand import collect, raw_server
from hypothesis import given, settings
from hypothesis import strategies as st

from alma.errors import EndpointRejected, EndpointUnreachable
from alma.model_call import Sampling, Usage
from alma.models.chat import ChatMessage, ChatRequest, Chunk, ToolCall, ToolSpec
from alma.models.local_slots import SlotFiles, Slots, begin, prepare_folder, prompt_of
from alma.models.prefixes import beginning, length

LONG = "word " * 800


def request(*said: str, **fields) -> ChatRequest:
    roles = ("system", "user", "assistant")
    messages = [ChatMessage(roles[0] if not n else roles[2 - n % 2], text) for n, text in enumerate(said)]
    return ChatRequest("m", messages, Sampling(max_tokens=8), **fields)


class Server:
    """A slot's client that answers at once. `cached`: tokens that it says it had; `refuses`: prompts by themselves."""

    def __init__(self, cached: int = 0, *, refuses: bool = False) -> None:
        self.cached = cached
        self.refuses = refuses
        self.asked: list[ChatRequest] = []

    async def stream(self, request: ChatRequest):
        self.asked.append(request)
        if self.refuses and not request.sampling.max_tokens:
            raise EndpointRejected("No user message.", endpoint="embedded")
        yield Chunk("so ", tokens=1)
        yield Chunk("be it", tokens=1, finish_reason="stop", usage=Usage(1000, 2, self.cached))


class Files(SlotFiles):
    """Files that always work."""

    def __init__(self) -> None:
        self.acts: list[tuple] = []

    async def save(self, slot, name):
        self.acts.append(("save", slot, name))
        return 1000

    async def restore(self, slot, name):
        self.acts.append(("restore", slot, name))
        return True

    async def remove(self, names):
        self.acts.append(("remove", *names))


def test_a_prompt_is_its_tools_and_its_messages():
    tool = ToolSpec("clock", "Tells the time.", {})
    call = ToolCall("1", "clock", "{}")
    messages = [ChatMessage("user", "When?"), ChatMessage("assistant", "", tool_calls=[call])]
    tools, question, asked = prompt_of(ChatRequest("m", messages, tools=[tool]))
    assert "clock" in tools
    assert question == "user\nWhen?"
    assert asked.startswith("assistant\n[{")
    assert prompt_of(request("Be kind."))[0] == ""


# A role of whose message nothing is left is left out.
_HEADS = {role[:at] for role in ("system", "user", "assistant") for at in range(len(role) + 1)}


@settings(deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=20), min_size=1, max_size=5), st.data())
def test_a_beginning_is_read_as_the_whole_prompt_begins(said, data):
    whole = request(*said)
    chars = data.draw(st.integers(0, length(prompt_of(whole))))
    first = begin(whole, chars)
    read, prompt = prompt_of(first), prompt_of(whole)
    if first.messages[-1] == ChatMessage("user", ""):
        read = read[:-1]
    wanted = "".join(beginning(prompt, chars))
    assert wanted.startswith("".join(read))
    assert wanted[length(read) :].replace("\n", "") in _HEADS
    assert (first.sampling.max_tokens, first.messages[-1].role) == (0, "user")


async def test_what_has_a_schema_is_read_without_it():
    schema = {"type": "object"}
    server = Server()
    await collect(Slots([server], Files()), request("Be kind.", json_schema=schema))
    await collect(Slots([server], Files()), request(LONG, "Go on.", json_schema=schema))
    assert [one.json_schema for one in server.asked] == [schema, None, schema]


async def test_a_beginning_is_read_kept_and_put_into_the_next_slot():
    files, servers = Files(), [Server(900), Server(900)]
    slots = Slots(servers, files, clock=itertools.count().__next__)  # reading takes seconds
    async with asyncio.TaskGroup() as group:
        for text in ("One.", "Two."):
            group.create_task(collect(slots, request(LONG, text)))
    assert files.acts == [("save", 0, "1.bin"), ("restore", 1, "1.bin")]
    assert [[one.messages[-1].content for one in server.asked] for server in servers] == [["", "One."], ["Two."]]
    assert slots.load == (0, 0)


async def test_a_model_that_gives_nothing_back_is_noticed():
    files = Files()
    slots = Slots([Server(cached=0)], files)
    for n in range(4):
        await collect(slots, request(f"{n} {LONG}", "Go on."))
    assert not slots.prefixes.able
    done = len(files.acts)
    await collect(slots, request(f"last {LONG}", "Go on."))
    assert len(files.acts) == done


async def test_a_model_that_reads_nothing_by_itself_reads_all_with_the_call():
    files, server = Files(), Server(refuses=True)
    slots = Slots([server], files)
    said = await collect(slots, request(LONG, "Go on."))
    assert "".join(chunk.text for chunk in said) == "so be it"
    await collect(slots, request(f"other {LONG}", "Go on."))
    assert (files.acts, len(server.asked)) == ([], 3)


async def test_what_waits_to_be_read_in_advance_gives_way_to_what_comes_later():
    server = Server()
    slots = Slots([server], Files())
    slots.warm([request(f"old {LONG}")])
    slots.warm([request(f"new {LONG}"), request(f"new {LONG}"), request(f"next {LONG}")])
    async with asyncio.TaskGroup() as group:
        warming = group.create_task(slots.keep_warm())
        async with asyncio.timeout(120):
            while not slots.warmed:
                await asyncio.sleep(0)
        warming.cancel()
    assert [one.messages[0].content[:4] for one in server.asked] == ["new ", "next"]


async def test_reading_in_advance_that_is_refused_is_no_error():
    slots = Slots([Server(refuses=True)], Files())
    slots.warm([request(LONG)])
    async with asyncio.TaskGroup() as group:
        warming = group.create_task(slots.keep_warm())
        async with asyncio.timeout(120):
            while not slots.warmed:
                await asyncio.sleep(0)
        warming.cancel()
    assert slots.load == (0, 0)


async def test_of_a_deleted_conversation_nothing_stays_in_a_file_or_comes_into_one():
    files = Files()
    slots = Slots([Server()], files)
    await collect(slots, request(LONG, "A secret.", "Hush.", "Another one."))
    await collect(slots, request(f"other {LONG}", "Who?"))
    said, role = [act[2] for act in files.acts if act[0] == "save"]
    await collect(slots, request(f"third {LONG}", "A secret as well. " * 100))
    slots.warm([request(f"typed {LONG}", "A secret that is not sent yet.")])
    files.acts.clear()
    await slots.forget()
    assert slots.warmed
    (removed,) = files.acts
    assert said in removed
    assert role not in removed
    files.acts.clear()
    await collect(slots, request("Something else.", "Hello."))
    assert files.acts == [], "what the slot had read last is not kept any more"


async def test_a_conversation_that_is_deleted_while_it_is_put_into_a_file_is_taken_out_again():
    class Slow(Files):
        async def save(self, slot, name):
            await slots.forget()
            return await super().save(slot, name)

    files = Slow()
    slots = Slots([Server()], files)
    await collect(slots, request(LONG, "A secret.", "Hush.", "Another one."))
    assert files.acts[1:] == [("save", 0, "1.bin"), ("remove", "1.bin")]


async def test_who_waits_when_the_server_goes_is_told_so():
    class Stuck(Server):
        async def stream(self, request):
            await asyncio.Event().wait()
            yield Chunk()

    slots = Slots([Stuck()], Files())
    async with asyncio.TaskGroup() as group:
        working = group.create_task(collect(slots, request("One.")))
        waiting = group.create_task(_refused(slots))
        while slots.load != (1, 1):
            await asyncio.sleep(0)
        slots.close()
        await waiting
        working.cancel()
    await _refused(slots)


async def _refused(slots: Slots) -> None:
    with pytest.raises(EndpointUnreachable):
        await collect(slots, request("Two."))


async def test_a_server_that_cannot_keep_slots_is_no_error(session, scripted_server, tmp_path: Path):
    files = SlotFiles(session, scripted_server.url, "key", tmp_path)
    assert await files.save(0, "a.bin") == 0
    assert await files.restore(0, "a.bin") is False
    await SlotFiles(session, "http://127.0.0.1:1/v1", "key", tmp_path).save(0, "a.bin")
    (tmp_path / "a.bin").touch()
    await files.remove(["a.bin", "b.bin"])
    assert list(tmp_path.iterdir()) == []


async def test_a_server_that_does_not_answer_is_not_waited_for_without_end(session, tmp_path: Path, caplog):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with raw_server(silent) as url:
        files = SlotFiles(session, url, "key", tmp_path, patience=0.05)
        async with asyncio.timeout(120):
            assert await files.restore(0, "a.bin") is False
    assert "could not restore a slot: TimeoutError" in caplog.text


def test_the_folder_is_empty_and_for_nobody_else(tmp_path: Path):
    folder = tmp_path / "prefixes"
    folder.mkdir()
    (folder / "of-before.bin").touch()
    prepare_folder(folder)
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700

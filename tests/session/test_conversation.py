"""The main job through the socket: a task in, events out, everything in the journal."""

from __future__ import annotations

import asyncio

from session_bench import SessionBench, texts


async def test_a_task_is_acknowledged_then_answered_in_order(bench: SessionBench) -> None:
    client = bench.connect()
    command = client.say("run.start", key="k1", text="!say one two three", kind="chat")
    ack = await client.answer(command)
    end = await client.until(type="RUN_FINISHED")

    run_id = ack["runId"]
    assert end["status"] == "completed"
    kinds = [f["name"] if f["type"] == "CUSTOM" else f["type"] for f in client.frames]
    assert kinds[:5] == ["alma.welcome", "alma.ack", "RUN_STARTED", "alma.route", "TEXT_MESSAGE_START"]
    assert kinds[-2:] == ["TEXT_MESSAGE_END", "RUN_FINISHED"]
    assert set(kinds[5:-2]) == {"TEXT_MESSAGE_CONTENT"}
    assert [f["seq"] for f in client.frames if "seq" in f] == [1, 2, 3, 4, 5]
    assert texts(client.frames) == {f"{run_id}.main": "one two three"}
    journal = await bench.journal.read(run_id)
    assert journal[3].entry.text == "one two three"


async def test_two_clients_see_the_same_run_and_a_late_one_sees_it_whole(bench: SessionBench) -> None:
    first, second = bench.connect(), bench.connect()
    ack = await first.answer(first.say("run.start", key="k", text="!tokens 40 200", kind="chat"))
    await first.until(type="TEXT_MESSAGE_CONTENT")
    second.say("thread.subscribe", threadId=ack["threadId"])
    await first.until(type="RUN_FINISHED")
    await second.until(type="RUN_FINISHED")
    late = bench.connect()
    late.say("thread.subscribe", threadId=ack["threadId"])
    await late.until(name="alma.live")
    assert texts(first.frames) == texts(second.frames) == texts(late.frames)
    assert len(texts(late.frames)[f"{ack['runId']}.main"]) > 40


async def test_a_conversation_gives_the_model_its_history(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await client.answer(client.say("run.start", key="k1", text="!say I am Bob", kind="chat"))
    await client.until(type="RUN_FINISHED")
    client.say("run.start", key="k2", threadId=ack["threadId"], text="!say yes", kind="chat")
    await client.until(type="RUN_FINISHED")
    contents = [message.content for message in bench.model.requests[-1].messages]
    assert contents[1:] == ["!say I am Bob", "I am Bob", "!say yes"]


async def test_the_same_key_starts_one_run_and_another_command_under_it_is_refused(bench: SessionBench) -> None:
    client, other = bench.connect(), bench.connect()
    one = await client.answer(client.say("run.start", key="same", text="!say hi", kind="chat"))
    two = await other.answer(other.say("run.start", key="same", text="!say hi", kind="chat"))
    assert two["runId"] == one["runId"]
    assert two["duplicate"] is True
    await other.until(type="RUN_FINISHED")
    assert bench.model.calls["!say hi"] == 1
    refused = await other.answer(other.say("run.start", key="same", text="!say something else", kind="chat"))
    assert refused["code"] == "key_reused"


async def test_retry_and_edit_make_branches_and_keep_the_old_one(bench: SessionBench) -> None:
    client = bench.connect()
    first = await client.answer(client.say("run.start", key="1", text="!say first", kind="chat"))
    await client.until(type="RUN_FINISHED")
    again = await client.answer(client.say("run.retry", key="2", runId=first["runId"], kind="creative"))
    await client.until(type="RUN_FINISHED", runId=again["runId"])
    edited = await client.answer(client.say("run.retry", key="3", runId=first["runId"], text="!say other", kind="chat"))
    await client.until(type="RUN_FINISHED", runId=edited["runId"])
    started = {f["runId"]: f for f in client.frames if f["type"] == "RUN_STARTED"}
    assert len(started) == 3
    assert all("parentRunId" not in frame for frame in started.values())
    assert started[again["runId"]]["ofRunId"] == first["runId"]
    assert started[again["runId"]]["text"] == "!say first"
    assert texts(client.frames)[f"{first['runId']}.main"] == "first"
    assert texts(client.frames)[f"{edited['runId']}.main"] == "other"
    assert len(bench.model.requests[-1].messages) == 2, "an edited first turn has no history"


async def test_stop_keeps_what_had_streamed_and_ends_the_model_call(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!tokens 1000 100", kind="chat"))
    await client.until(type="TEXT_MESSAGE_CONTENT")
    stopped = await client.answer(client.say("run.stop", runId=ack["runId"]))
    assert stopped["runId"] == ack["runId"]
    end = await client.until(type="RUN_FINISHED")
    assert end["status"] == "canceled"
    assert bench.model.active == 0
    finished = next(f for f in client.frames if f["type"] == "TEXT_MESSAGE_END")
    assert finished["finishReason"] == "stopped"
    assert 0 < len(texts(client.frames)[f"{ack['runId']}.main"]) == finished["n"]


async def test_stopping_a_run_that_has_ended_is_no_error(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!say x", kind="chat"))
    await client.until(type="RUN_FINISHED")
    assert "code" not in await client.answer(client.say("run.stop", runId=ack["runId"]))


async def test_a_model_that_breaks_is_tried_again_and_the_new_attempt_replaces_the_text(bench: SessionBench) -> None:
    client = bench.connect()
    await client.answer(client.say("run.start", key="1", text="!cut 3 x1 !say a b c d e f", kind="chat"))
    end = await client.until(type="RUN_FINISHED")
    failure = next(f for f in client.frames if f.get("name") == "alma.attempt_failed")["value"]
    assert failure["error"]["code"] == "endpoint_cut"
    assert failure["retryInMs"] > 0
    starts = [f["attempt"] for f in client.frames if f["type"] == "TEXT_MESSAGE_START"]
    assert starts == [1, 2]
    assert list(texts(client.frames).values()) == ["a b c d e f"]
    assert end["status"] == "completed"


async def test_a_model_that_always_breaks_fails_the_run_with_its_reason(bench: SessionBench) -> None:
    client = bench.connect()
    await client.answer(client.say("run.start", key="1", text="!status 500", kind="chat"))
    end = await client.until(type="RUN_ERROR")
    assert end["code"] == "endpoint_failed"
    assert bench.model.calls["!status 500"] == 3
    await client.answer(client.say("run.start", key="2", text="!status 401", kind="chat"))
    end = await client.until(type="RUN_ERROR")
    assert end["code"] == "endpoint_unauthorized"
    assert bench.model.calls["!status 401"] == 1, "a wrong key does not get better by trying again"


async def test_two_owners_do_not_see_each_other(bench: SessionBench) -> None:
    ada, bob = bench.connect(owner="ada"), bench.connect(owner="bob")
    ack = await ada.answer(ada.say("run.start", key="1", text="!say secret", kind="chat"))
    await ada.until(type="RUN_FINISHED")
    for refused in (
        await bob.answer(bob.say("thread.subscribe", threadId=ack["threadId"])),
        await bob.answer(bob.say("run.start", key="1", threadId=ack["threadId"], text="hi", kind="chat")),
    ):
        assert refused["code"] == "unknown_thread"
    for refused in (
        await bob.answer(bob.say("run.stop", runId=ack["runId"])),
        await bob.answer(bob.say("run.retry", key="2", runId=ack["runId"])),
        await bob.answer(bob.say("route.correct", runId=ack["runId"], kind="chat")),
    ):
        assert refused["code"] == "unknown_run"


async def test_what_was_acknowledged_is_never_refused_when_sent_again(quick: SessionBench) -> None:
    client = quick.connect()
    start = {"key": "k", "text": "!say x", "kind": "chat", "model": "scripted/x"}
    first = await client.answer(client.say("run.start", **start))
    await client.until(type="RUN_FINISHED")
    quick.sessions.limits = type(quick.sessions.limits)(max_unfinished_runs=0)
    refused = await client.answer(client.say("run.start", key="other", text="!say y", kind="chat"))
    assert refused["code"] == "too_many_runs"
    assert (await client.answer(client.say("run.start", **start)))["runId"] == first["runId"]


async def test_the_shown_prompt_is_the_one_that_was_sent(bench: SessionBench) -> None:
    client = bench.connect()
    slow = await client.answer(client.say("run.start", key="1", text="!tokens 100 100", kind="chat"))
    await client.until(type="TEXT_MESSAGE_CONTENT")
    ack = await client.answer(client.say("run.start", key="2", threadId=slow["threadId"], text="!say b", kind="chat"))
    for _ in range(2):
        await client.until(type="RUN_FINISHED")
    sent = bench.model.requests[-1].messages
    shown = (await bench.sessions.prompt("ada", ack["runId"])).messages
    assert shown == sent
    assert [message.role for message in sent] == ["system", "user"], "an unanswered question goes before the next"


async def test_a_deleted_thread_ends_its_runs_and_tells_its_followers(bench: SessionBench) -> None:
    client, other = bench.connect(), bench.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!tokens 900 100", kind="chat"))
    other.say("thread.subscribe", threadId=ack["threadId"])
    await other.until(type="TEXT_MESSAGE_CONTENT")
    await bench.sessions.delete_thread("ada", ack["threadId"])
    for follower in (client, other):
        assert (await follower.until(name="alma.error"))["value"]["code"] == "unknown_thread"
    async with asyncio.timeout(120):
        while bench.engine.running or bench.model.active:
            await asyncio.sleep(0.01)


async def test_after_unsubscribing_nothing_more_comes(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!tokens 400 200", kind="chat"))
    other = quick.connect()
    for _ in range(5):
        other.say("thread.subscribe", threadId=ack["threadId"])
        done = other.say("thread.unsubscribe", threadId=ack["threadId"])
        await other.answer(done)
        seen = len(other.frames)
        other.say("ping")
        await other.until(name="alma.heartbeat")
        assert len(other.frames) == seen + 1


async def test_only_reasoning_had_streamed_when_it_was_stopped(quick: SessionBench) -> None:
    client = quick.connect()
    ack = await client.answer(client.say("run.start", key="1", text="!slow 0.05 !think a b c d e f g h", kind="chat"))
    await client.until(type="REASONING_MESSAGE_CONTENT")
    await client.answer(client.say("run.stop", runId=ack["runId"]))
    await client.until(type="RUN_FINISHED")
    finished = next(one.entry for one in await quick.journal.read(ack["runId"]) if hasattr(one.entry, "reasoning"))
    assert finished.reasoning.startswith("a")


async def test_search_finds_words_of_answers_and_no_words_of_ours(bench: SessionBench) -> None:
    client = bench.connect()
    await client.answer(client.say("run.start", key="1", text='!say the "quoted" zebra', kind="chat"))
    await client.until(type="RUN_FINISHED")

    async def found(words: str) -> int:
        return len(await bench.sessions.list_threads("ada", search=words, limit=9, before=None))

    assert await found('"quoted" ZEBRA') == 1
    assert await found("message_finished") == await found("usage") == await found("z_bra") == 0


async def test_a_client_that_does_not_read_cannot_fill_the_memory(quick: SessionBench) -> None:
    quick.outbox_bytes = 2000
    client = quick.connect()
    await client.until(name="alma.welcome")
    client.blocked = asyncio.Event()
    for number in range(2000):
        client.say("ping" if number % 2 else "route.preview", **({} if number % 2 else {"text": f"t{number}"}))
    await asyncio.sleep(0.1)
    assert client.inbox.qsize() > 1900, "it is read no further until it reads"
    client.blocked.set()
    await client.until(id="c2000")


async def test_who_tries_again_means_the_same_model(bench: SessionBench) -> None:
    client = bench.connect()
    ack = await client.answer(client.say("run.start", key="k1", text="!say one", kind="chat", model="lab/special"))
    await client.until(type="RUN_FINISHED")
    again = await client.answer(client.say("run.retry", key="k2", runId=ack["runId"]))
    started = await client.until(type="RUN_STARTED", runId=again["runId"])
    assert started["model"] == "lab/special"
    other = await client.answer(client.say("run.retry", key="k3", runId=again["runId"], model="lab/other"))
    started = await client.until(type="RUN_STARTED", runId=other["runId"])
    assert started["model"] == "lab/other"

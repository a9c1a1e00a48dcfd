"""`alma threads` against a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from server_stand import Peer, Stand

from alma.__main__ import build_parser, main
from alma.cli.door import Door
from alma.cli.following import parse_event
from alma.cli.server_transport import to_server
from alma.cli.transcript import fold_turns, newest_branch
from alma.errors import Misuse

THREAD = {"id": "t_1", "title": "Rain", "createdAt": 1_700_000_000.0, "updatedAt": 1_700_000_000.0, "runs": 2}


async def threads(tmp_path: Path, *words: str) -> None:
    arguments = build_parser().parse_args(["threads", *words])
    async with to_server(tmp_path, 1) as transport:
        await arguments.act(Door(transport), arguments)


async def tell_a_branched_thread(peer: Peer) -> None:
    """Turn r_1, answered; r_2 follows it; r_3 retries r_2."""
    await peer.welcome()
    command = await peer.command()
    await peer.custom("alma.ack", id=command["id"], threadId="t_1")
    for number, parent in ((1, None), (2, "r_1"), (3, "r_1")):
        run = {"threadId": "t_1", "runId": f"r_{number}"}
        text = f"task {number}"
        await peer.send(
            type="RUN_STARTED", **run, seq=1, text=text, parentRunId=parent, timestamp=1_700_000_000_000 + number
        )
        message = {"messageId": f"r_{number}.main", "attempt": 1}
        await peer.send(
            type="TEXT_MESSAGE_START", **run, **message, seq=2, name="m", model="tiny", endpoint="e", sections=[]
        )
        await peer.send(type="TEXT_MESSAGE_CONTENT", **run, **message, n=8, delta=f"answer {number}")
        await peer.send(type="RUN_FINISHED", **run, seq=3, outcome={}, status="completed")
    await peer.send(type="CUSTOM", name="alma.live", threadId="t_1", value={})


async def test_list_is_a_table(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand.answers["GET /api/threads"] = (200, {"threads": [THREAD], "more": True})
    await threads(tmp_path, "list", "--limit", "1")
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].split() == ["thread", "changed", "turns", "title"]
    assert shown.out.splitlines()[1].startswith("t_1")
    assert "--limit 5" in shown.err
    assert stand.asked == [("GET /api/threads?limit=1", None)]


async def test_search_sends_the_words(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand.answers["GET /api/threads"] = (200, {"threads": [], "more": False})
    await threads(tmp_path, "search", "rain & snow")
    assert stand.asked == [("GET /api/threads?limit=20&search=rain+%26+snow", None)]
    assert "No thread has these words." in capsys.readouterr().err


async def test_search_takes_several_words(stand: Stand, tmp_path: Path) -> None:
    stand.answers["GET /api/threads"] = (200, {"threads": [], "more": False})
    await threads(tmp_path, "search", "two", "words")
    assert stand.asked == [("GET /api/threads?limit=20&search=two+words", None)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("list", "--limit", "0"), "a whole number from 1 to 200, got '0'"),
        (("search", "rain", "--limit", "many"), "a whole number from 1 to 200, got 'many'"),
        (("rename", "t_1", " "), "a title that is not empty"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(
    words: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["threads", *words])
    assert caught.value.code == 2
    assert f"expected {expected}" in capsys.readouterr().err


async def test_an_export_that_cannot_be_written_is_a_sentence(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.script = tell_a_branched_thread
    stand.answers["GET /api/threads/t_1"] = (200, THREAD)
    words = ["threads", "export", "t_1", "--data-dir", str(tmp_path), "-o", "/nope/x"]
    assert await asyncio.to_thread(main, words) == 1
    assert "/nope/x cannot be used: No such file or directory." in capsys.readouterr().err


async def test_show_follows_the_newest_branch(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand.script = tell_a_branched_thread
    await threads(tmp_path, "show", "t_1")
    shown = capsys.readouterr()
    assert [word for word in ("answer 1", "answer 2", "answer 3") if word in shown.out] == ["answer 1", "answer 3"]
    assert "1 turn on other branches" in shown.err


async def test_show_all_has_every_turn(stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand.script = tell_a_branched_thread
    await threads(tmp_path, "show", "--all", "t_1")
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("answer 1", "answer 2", "answer 3"))


async def test_show_prints_answers_only_and_plans_when_asked(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def script(peer: Peer) -> None:
        await peer.welcome()
        command = await peer.command()
        await peer.custom("alma.ack", id=command["id"], threadId="t_1")
        await peer.plan()
        await peer.task("1", "Gas is dear.")
        await peer.task_opens("", step="decide")
        await peer.task_says("", 2, "{}", step="decide")
        await peer.task_closes("", 2, step="decide")
        await peer.answer("Take a pump.")
        await peer.send(type="CUSTOM", name="alma.live", threadId="t_1", value={})

    stand.script = script
    await threads(tmp_path, "show", "t_1")
    plain = capsys.readouterr().out
    assert plain.endswith("the task\n\nTake a pump.\n\n")
    await threads(tmp_path, "show", "--plans", "t_1")
    planned = capsys.readouterr().out
    assert "  ✓ [1] researcher  Gas (2.0 s, 20 tokens)\n" in planned
    assert "  · [3] analyst  Compare both.  (after 1, 2)\n" in planned
    assert "Gas is dear." not in planned


async def test_export_writes_a_page(stand: Stand, tmp_path: Path) -> None:
    stand.script = tell_a_branched_thread
    stand.answers["GET /api/threads/t_1"] = (200, THREAD)
    await threads(tmp_path, "export", "t_1", "-o", str(tmp_path / "talk.md"))
    text = (tmp_path / "talk.md").read_text()
    assert text.startswith("# Rain\n\n> task 1\n\nanswer 1\n")
    assert "answer 2" not in text


async def test_export_of_events_keeps_every_frame(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.script = tell_a_branched_thread
    await threads(tmp_path, "export", "--events", "t_1")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 12
    assert {line["runId"] for line in lines} == {"r_1", "r_2", "r_3"}


async def test_rename_and_delete_ask_the_server(stand: Stand, tmp_path: Path) -> None:
    stand.answers["PATCH /api/threads/t_1"] = (200, THREAD)
    stand.answers["GET /api/threads/t_1"] = (200, THREAD)
    stand.answers["DELETE /api/threads/t_1"] = (204, None)
    await threads(tmp_path, "rename", "t_1", "Snow")
    await threads(tmp_path, "delete", "--yes", "t_1")
    assert stand.asked[0] == ("PATCH /api/threads/t_1", {"title": "Snow"})
    assert stand.asked[-1] == ("DELETE /api/threads/t_1", None)


async def test_nothing_is_deleted_without_a_yes(
    stand: Stand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand.answers["GET /api/threads/t_1"] = (200, THREAD)
    await threads(tmp_path, "delete", "t_1")
    assert [request for request, _ in stand.asked] == ["GET /api/threads/t_1"]
    assert "`--yes` is needed" in capsys.readouterr().err


async def test_an_unknown_thread_is_an_error_with_its_code(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(Misuse) as caught:
        await threads(tmp_path, "rename", "t_9", "Snow")
    assert caught.value.code == "unknown_thread"


def test_a_replaced_attempt_is_not_in_the_transcript() -> None:
    frames = [
        {"type": "RUN_STARTED", "runId": "r", "seq": 1, "text": "task"},
        *(
            event
            for attempt, text in ((1, "wrong"), (2, "right"))
            for event in (
                {"type": "TEXT_MESSAGE_START", "name": "m", "model": "x", "endpoint": "e", "sections": []},
                {"type": "TEXT_MESSAGE_CONTENT", "n": 5, "delta": text},
            )
            if event.update(runId="r", messageId="m", attempt=attempt) is None
        ),
        {"type": "RUN_ERROR", "runId": "r", "seq": 9, "code": "endpoint_cut", "message": "It broke."},
    ]
    events = [event for frame in frames if (event := parse_event(json.dumps(frame))) is not None]
    [turn] = fold_turns(events)
    assert (turn.answer, turn.status, turn.error) == ("right", "failed", "It broke. (endpoint_cut)")
    assert newest_branch([turn]) == [turn]
    assert newest_branch([]) == []

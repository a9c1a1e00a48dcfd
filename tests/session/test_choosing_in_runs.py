"""Who does a task, in runs: learned from feedback, each owner apart, exact in prompts and after a crash."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from alma.agent.role import load_role
from alma.events import ChoicesMade, MessageStarted, PlanMade
from alma.learned import Choice, Trial
from alma.learner.version_records import What
from alma.learning.bandit import MARGIN
from alma.plan import MAIN
from alma.schooling import Choice as Learning
from alma.schooling import Schooling
from alma.server import problems, router_api
from alma.session.feedback import Said
from alma.session.rehearsals import Rehearsals
from alma.session.starting import Ask
from asked_by import ask_as
from planned import COMPARE, end_of, log_of, plans, prompts_are_exact, role_file, seen, start, task
from session_bench import Info, SessionBench

_keys = itertools.count()


@asynccontextmanager
async def learning(folder: Path, exploration: float = 0.5, *, on: bool = True) -> AsyncGenerator[SessionBench]:
    """Sessions that learn; `brisk` is another way to be the manager."""
    roles = folder / "roles"
    if not roles.exists():
        role_file(roles, "brisk", "You are brisk.", variant_of="manager", sampling={"temperature": 0.9})
    bench = SessionBench(f"sqlite:///{folder / 'alma.db'}", roles=roles, learning=Learning(on, exploration))
    bench.sessions.feedback.listen(school(bench).books.signaled)
    async with bench.running():
        yield bench


def school(bench: SessionBench) -> Schooling:
    assert bench.schooling is not None
    return bench.schooling


async def run(bench: SessionBench, text: str = "!say Hello", owner: str = "ada", **fields: Any) -> str:
    ask = Ask(key=f"k{next(_keys)}", text=text, **{"kind": "chat", **fields})
    run_id = (await bench.sessions.start(owner, ask)).run_id
    assert run_id is not None
    await bench.ended(run_id)
    return run_id


async def doer(bench: SessionBench, run_id: str) -> str:
    return (await log_of(bench, run_id, MessageStarted, MAIN))[-1].role


async def choices(bench: SessionBench, run_id: str, task_id: str = MAIN) -> list[Choice]:
    return [one for made in await log_of(bench, run_id, ChoicesMade, task_id) for one in made.choices]


async def rate(bench: SessionBench, run_id: str, good: str, owner: str = "ada") -> str:
    """A thumb up for who is `good`, down for others; gives who did it."""
    role = await doer(bench, run_id)
    await bench.sessions.feedback.give(owner, run_id, Said("thumb", 1.0 if role == good else -1.0))
    await school(bench).books.settled()
    return role


async def acts(bench: SessionBench, what: What, content: str, of: str = "manager") -> str:
    """From now on this version does; gives its id."""
    versions = school(bench).versions
    draft = await versions.draft("ada", what, of, content, title="", made_by="hand", reason="")
    return (await versions.promote("ada", draft.id, by="ada", why="")).id


# ── learning ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_pleases_an_owner_does_more_of_the_owners_tasks_and_of_nobody_elses(tmp_path: Path) -> None:
    async with learning(tmp_path) as bench:
        before = (await choices(bench, await run(bench, owner="bob")))[0].options
        done = [await rate(bench, await run(bench), "brisk") for _ in range(24)]
        assert done[-8:].count("brisk") >= 5
        (last,) = await choices(bench, await run(bench))
        usual, brisk = last.options
        assert (last.context, usual.id, brisk.id) == ("chat", "||", "brisk||")
        assert brisk.mean > usual.mean
        after = (await choices(bench, await run(bench, owner="eve")))[0].options
        assert after == before, "of whom nothing is known it is believed as before"


async def test_without_exploration_nothing_is_tried_out(tmp_path: Path) -> None:
    async with learning(tmp_path, 0.0) as bench:
        done = [await rate(bench, await run(bench), "brisk") for _ in range(12)]
        assert set(done) == {"manager"}
        (choice,) = await choices(bench, await run(bench))
        assert (choice.by, choice.propensity) == ("learned", 1.0)


async def test_what_is_explored_is_called_so(tmp_path: Path) -> None:
    async with learning(tmp_path, 1.0) as bench:
        first = [(await choices(bench, run_id))[0] for run_id in [await run(bench) for _ in range(3)]]
        assert {one.chosen for one in first} == {"||"}, "nothing was said yet that one could go by"
        for number in range(6):
            await rate(bench, await run(bench), ("manager", "brisk")[number % 2])
        found: list[Choice] = []
        while len(found) < 80 and not any(one.by == "explored" for one in found):
            found += await choices(bench, await run(bench))
        for one in found:
            best = max(one.options, key=lambda option: option.mean - option.cost - MARGIN * (option.id != "||"))
            assert (one.by == "explored") == (one.chosen != best.id)
        assert any(one.by == "explored" for one in found)


async def test_with_learning_off_runs_are_as_without_a_teacher(tmp_path: Path) -> None:
    async def told(bench: SessionBench) -> tuple[list[Any], list[Any]]:
        plans(bench, task("analyst", "Flour"), task("writer", "Dough", 1))
        log: list[Any] = []
        for text, kind in (("!say Hello", "chat"), ("Tell me about bread.", "analytical")):
            entries = await bench.journal.read(await run(bench, text, kind=kind))
            log += [_bare(msgspec.to_builtins(one.entry)) for one in entries]
        return log, [msgspec.to_builtins(one.messages) for one in bench.model.requests]

    async with learning(tmp_path, on=False) as off:
        taught = await told(off)
    plain = SessionBench(f"sqlite:///{tmp_path / 'plain.db'}", roles=tmp_path / "roles")
    async with plain.running():
        assert await told(plain) == taught
    assert not any(entry["type"] == "choices_made" for entry in taught[0])


def _bare(value: Any) -> Any:
    """Without what no two runs have alike: moments, durations, ids."""
    if isinstance(value, dict):
        left_out = ("at", "timing", "key", "ms")
        return {
            name: _bare(one)
            for name, one in value.items()
            if name not in left_out and not name.endswith(("_id", "_ids"))
        }
    return [_bare(one) for one in value] if isinstance(value, list) else value


async def test_the_users_own_model_is_never_overridden(tmp_path: Path) -> None:
    (tmp_path / "roles").mkdir()
    lead = load_role("manager").source.replace("name: manager\n", "name: manager\nmodels: [other/one]\n")
    (tmp_path / "roles" / "manager.md").write_text(lead)
    async with learning(tmp_path, 1.0) as bench:
        resolve = bench.models.resolve
        bench.models.resolve = lambda id: (resolve(id)[0], Info(id=id or "scripted/scripted"))  # type: ignore[method-assign]
        free = [await run(bench) for _ in range(6)]
        for run_id in free:
            await rate(bench, run_id, "nobody")
        free += [await run(bench) for _ in range(8)]
        named = [await run(bench, model="mine/one") for _ in range(8)]

        async def models(runs: list[str]) -> set[str]:
            return {(await log_of(bench, one, MessageStarted))[-1].model for one in runs}

        assert await models(free) == {"scripted/scripted", "other/one"}
        assert await models(named) == {"mine/one"}
        assert not [one for id in named for one in await choices(bench, id)]


# ── what was chosen holds ─────────────────────────────────────────────────────────────────────────────────────────


async def test_after_a_crash_the_same_one_goes_on(tmp_path: Path) -> None:
    async with learning(tmp_path, 0.0) as before:
        policy = await acts(before, "policy", '{"pinned": "brisk||"}')
        client = before.connect()
        ack = await start(client, "!tokens 5000 100", kind="chat")
        await seen(client, type="TEXT_MESSAGE_CONTENT")
        await school(before).versions.revert("ada", policy, by="ada", why="")
    async with learning(tmp_path, 0.0) as after:
        client = after.connect()
        client.say("thread.subscribe", threadId=ack["threadId"])
        client.say("run.stop", runId=ack["runId"])
        await end_of(client, ack["runId"])
        assert len(await log_of(after, ack["runId"], ChoicesMade)) == 1
        assert {one.role for one in await log_of(after, ack["runId"], MessageStarted)} == {"brisk"}
        assert await doer(after, await run(after)) == "manager"


async def test_a_variant_that_is_gone_is_done_without(tmp_path: Path) -> None:
    async with learning(tmp_path, 0.0) as bench:
        await acts(bench, "policy", '{"pinned": "brisk||"}')
        client = bench.connect()
        ack = await start(client, "!status 500 x1", kind="chat")
        await seen(client, type="TEXT_MESSAGE_START")
        (tmp_path / "roles" / "brisk.md").unlink()
        bench.roles.reload()
        await end_of(client, ack["runId"])
        assert await doer(bench, await run(bench)) == "manager"


async def test_not_splitting_is_a_way(tmp_path: Path) -> None:
    async with learning(tmp_path, 0.0) as bench:
        split = await run(bench, COMPARE, kind="analytical")
        assert await log_of(bench, split, PlanMade)
        await acts(bench, "policy", '{"pinned": "||direct"}')
        whole = await run(bench, COMPARE, kind="analytical")
        assert (await choices(bench, whole))[0].chosen == "||direct"
        assert not await log_of(bench, whole, PlanMade)
        assert await prompts_are_exact(bench, whole) == 1


async def test_a_variant_does_a_planned_task_and_is_believed_for_that_kind_of_tasks(tmp_path: Path) -> None:
    async with learning(tmp_path, 0.0) as bench:
        role_file(tmp_path / "roles", "terse", "You are terse.", variant_of="analyst")
        bench.roles.reload()
        await bench.database.write(lambda connection: _keep_all(bench, connection))
        await acts(bench, "policy", '{"pinned": "terse||"}', of="analyst")
        plans(bench, task("analyst", "Flour"), task("writer", "Dough", 1))
        run_id = await run(bench, "Tell me about bread.", kind="analytical")
        assert [one.role for one in await log_of(bench, run_id, MessageStarted, "1")] == ["terse"]
        assert await prompts_are_exact(bench, run_id) == 4
        await rate(bench, run_id, "manager")
        books = school(bench).books
        assert books.tally("ada", "arm:terse||", "task:analyst").count == 1
        assert books.tally("ada", "role:terse", "task:analyst").count == 1


def _keep_all(bench: SessionBench, connection: Any) -> None:
    from alma.engine.role_files import keep_role

    for role in bench.roles.all():
        keep_role(connection, role)


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_prompts_of_variants_versions_and_notes_are_shown_as_they_were_sent(tmp_path: Path) -> None:
    async with learning(tmp_path, 0.0) as bench:
        role = bench.roles.get("brisk")
        await acts(bench, "policy", '{"pinned": "brisk||"}')
        await acts(bench, "prompt", role.source.replace("You are brisk.", "You are very brisk."), of="brisk")
        await acts(bench, "notes", '[{"id": "n1", "text": "Say when you do not know."}]', of="brisk")
        run_id = await run(bench)
        assert [one.what for one in await choices(bench, run_id)] == ["arm", "policy", "prompt", "notes"]
        system = bench.model.requests[-1].messages[0].content
        assert system == "You are very brisk.\n\nSay when you do not know."
        assert bench.model.requests[-1].sampling.temperature == pytest.approx(0.9)
        shown = await bench.sessions.prompt("ada", run_id)
        assert shown.messages == bench.model.requests[-1].messages
        (started,) = await log_of(bench, run_id, MessageStarted)
        assert started.prompt_version == (await choices(bench, run_id))[2].chosen != role.version


async def test_a_trial_is_told_who_does_it_and_teaches_nothing(tmp_path: Path) -> None:
    async with learning(tmp_path, 1.0) as bench:
        notes = await school(bench).versions.draft(
            "ada", "notes", "brisk", '[{"id": "n", "text": "Be kind."}]', title="", made_by="hand", reason=""
        )
        trial = Trial("experiment", "e1", stand_in={"manager": "brisk"}, notes={"brisk": notes.hash})
        done = await Rehearsals(bench.sessions).rehearse("ada", trial, "!say Hi", kind="chat", key="k")
        found = await choices(bench, done.run_id)
        assert [(one.what, one.chosen, one.by) for one in found] == [
            ("arm", "brisk||", "trial"),
            ("notes", notes.hash, "trial"),
        ]
        assert bench.model.requests[-1].messages[0].content == "You are brisk.\n\nBe kind."
        assert await prompts_are_exact(bench, done.run_id) == 1
        await school(bench).books.settled()
        assert school(bench).books.beliefs("ada") == []


async def test_what_is_believed_of_each_way_and_what_was_chosen_is_told(tmp_path: Path) -> None:
    async with learning(tmp_path, 1.0) as bench:
        runs: list[str] = []
        while len(runs) < 8 or await doer(bench, runs[-1]) != "brisk":
            runs.append(await run(bench))
            await rate(bench, runs[-1], "brisk")
        parts = school(bench)
        app = FastAPI()
        app.include_router(router_api.routes(parts.choosing, parts.roles, parts.database, parts.routing))
        problems.install(app)
        ask_as(app, "ada")
        with TestClient(app) as client:
            told = client.get("/api/learning/router", params={"context": "chat"}).json()
            assert client.get("/api/learning/router", params={"role": "nobody"}).status_code == 404
            wrong = client.get("/api/learning/router", params={"context": "task:writer"})
            assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_field")
            other = client.get("/api/learning/router", params={"role": "brisk"}).json()
        usual, brisk = told["arms"]
        assert (usual["usual"], usual["role"], usual["model"]) == (True, "manager", "scripted/scripted")
        assert (brisk["usual"], brisk["role"]) == (False, "brisk")
        assert usual["low"] < usual["mean"] < brisk["mean"] < brisk["high"]
        assert usual["share"] + brisk["share"] == pytest.approx(1.0)
        assert "usual" in usual["priorFrom"]
        assert brisk["ms"] > 0
        assert [one["runId"] for one in told["choices"]] == runs[::-1]
        assert all(one["threadId"] for one in told["choices"])
        assert all((one["reward"] > 0.5) == (one["chosen"] == "brisk||") for one in told["choices"])
        explored = sum(one["by"] == "explored" for one in told["choices"])
        assert told["lately"] == {"choices": len(runs), "explored": explored, "budget": 1.0, "waits": False}
        assert (other["role"], other["context"], other["choices"]) == ("manager", "analytical", [])

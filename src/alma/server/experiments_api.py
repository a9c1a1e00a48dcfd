"""Experiments over HTTP: checked beforehand, begun, watched, judged by people, told as page, Markdown, CSV, picture."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from alma.errors import InvalidRequest
from alma.experiments.dataset import Row, written
from alma.experiments.experiments import Experiments
from alma.experiments.records import CellState
from alma.experiments.report import csv_text, markdown, svg
from alma.experiments.spec import Spec
from alma.security.fields import Id, Line
from alma.server.asking import Asker, Owner
from alma.server.experiments_bodies import (
    CellList,
    CheckReply,
    CompareBody,
    ComparedReply,
    DataSetReply,
    ExperimentBody,
    ExperimentList,
    ExperimentReply,
    Key,
    NextPairReply,
    PromoteBody,
    PromotedReply,
    ResultsReply,
    StandingReply,
    StartBody,
    ThreadsBody,
    VerdictBody,
    VerdictReply,
    cell_list,
    check_reply,
    comparison_reply,
    experiment_fields,
    pair_reply,
    results_reply,
    standing_reply,
)

_NONE: list[str] = []  # never changed
_FILES = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def routes(experiments: Experiments) -> APIRouter:
    router = APIRouter(prefix="/api/experiments", tags=["experiments"])

    async def read(owner: str, body: ExperimentBody) -> tuple[Spec, list[Row]]:
        if (body.spec is None) == (body.text is None):
            raise InvalidRequest("invalid_field", "An experiment is given once.", expected="either `text` or `spec`")
        if body.threads and body.data is not None:
            raise InvalidRequest("invalid_field", "The tasks are given once.", expected="either `data` or `threads`")
        spec = await asyncio.to_thread(body.read_spec)
        if body.threads:
            return spec, await experiments.rows_of(owner, body.threads)
        return spec, await asyncio.to_thread(body.read_rows)

    async def standing(owner: str, experiment_id: str) -> StandingReply:
        return standing_reply(await experiments.get(owner, experiment_id))

    @router.post("/check")
    async def check(caller: Asker, body: ExperimentBody) -> CheckReply:
        """What is wrong with it, and what it is going to cost about. A file that cannot be read is refused."""
        spec, rows = await read(caller.owner, body)
        return check_reply(experiments.before.check(caller.owner, spec, rows, admin=caller.admin))

    @router.post("", status_code=201)
    async def create(caller: Asker, body: ExperimentBody) -> StandingReply:
        """Keep it; it begins when it is started."""
        spec, rows = await read(caller.owner, body)
        made = await experiments.create(caller.owner, spec, rows, admin=caller.admin)
        return await standing(caller.owner, made.id)

    @router.get("")
    async def list_experiments(owner: Owner) -> ExperimentList:
        """The newest first."""
        found = await experiments.listed(owner)
        return ExperimentList(experiments=[ExperimentReply(**experiment_fields(one, n)) for one, n in found])

    @router.post("/compare")
    async def compare(owner: Owner, body: CompareBody) -> ComparedReply:
        """The variants of two experiments that are called the same, else their baselines, on the tasks of both."""
        found = await experiments.compare(owner, body.a, body.b)
        return ComparedReply(comparisons=[comparison_reply(one) for one in found])

    @router.post("/data")
    async def data_of_threads(owner: Owner, body: ThreadsBody) -> DataSetReply:
        """The tasks of threads as a data set, with the answers that were approved."""
        rows = await experiments.rows_of(owner, body.threads)
        return DataSetReply(rows=len(rows), data=written(rows))

    @router.get("/{experiment_id}")
    async def get_experiment(owner: Owner, experiment_id: Id) -> StandingReply:
        return await standing(owner, experiment_id)

    @router.delete("/{experiment_id}", status_code=204)
    async def delete_experiment(owner: Owner, experiment_id: Id) -> None:
        """With all its runs; what is under way is stopped."""
        await experiments.delete(owner, experiment_id)

    @router.post("/{experiment_id}/start")
    async def start(caller: Asker, experiment_id: Id, body: StartBody) -> StandingReply:
        """Begin, or go on after a pause."""
        await experiments.start(caller.owner, experiment_id, money=body.money, admin=caller.admin)
        return await standing(caller.owner, experiment_id)

    @router.post("/{experiment_id}/pause")
    async def pause(owner: Owner, experiment_id: Id) -> StandingReply:
        """Begin no more runs; those under way are finished."""
        await experiments.pause(owner, experiment_id)
        return await standing(owner, experiment_id)

    @router.post("/{experiment_id}/cancel")
    async def cancel(owner: Owner, experiment_id: Id) -> StandingReply:
        """End it for good."""
        await experiments.cancel(owner, experiment_id)
        return await standing(owner, experiment_id)

    _results(router, experiments)
    _people(router, experiments)
    return router


def _results(router: APIRouter, experiments: Experiments) -> None:
    @router.get("/{experiment_id}/results")
    async def read_results(owner: Owner, experiment_id: Id) -> ResultsReply:
        """Of what is done until now."""
        return results_reply((await experiments.results(owner, experiment_id))[2])

    @router.get("/{experiment_id}/runs")
    async def read_runs(
        owner: Owner,
        experiment_id: Id,
        state: CellState | None = None,
        variant: Annotated[str, Line(60)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> CellList:
        """Its runs in the order in which they are done; all, or those in a state, or of a variant."""
        experiment, cells = await experiments.cells(owner, experiment_id)
        wanted = [
            cell
            for cell in cells
            if (state is None or cell.state == state) and (not variant or cell.variant == variant)
        ]
        return cell_list(experiment, wanted, limit)

    @router.get("/{experiment_id}/report.md", response_class=Response)
    async def report_markdown(owner: Owner, experiment_id: Id) -> Response:
        experiment, _, found = await experiments.results(owner, experiment_id)
        return Response(markdown(experiment, found), media_type="text/markdown; charset=utf-8", headers=_FILES)

    @router.get("/{experiment_id}/report.csv", response_class=Response)
    async def report_csv(owner: Owner, experiment_id: Id) -> Response:
        """A line for each run."""
        experiment, cells, _ = await experiments.results(owner, experiment_id)
        text = await asyncio.to_thread(csv_text, experiment, cells)
        return Response(text, media_type="text/csv; charset=utf-8", headers=_FILES)

    @router.get("/{experiment_id}/report.svg", response_class=Response)
    async def report_svg(owner: Owner, experiment_id: Id) -> Response:
        """Differences with their intervals, for light and dark."""
        experiment, _, found = await experiments.results(owner, experiment_id)
        return Response(svg(experiment, found), media_type="image/svg+xml", headers=_FILES)

    @router.post("/{experiment_id}/promote")
    async def promote(owner: Owner, experiment_id: Id, body: PromoteBody) -> PromotedReply:
        """Make drafts of versions of what the winner, or the variant named, says otherwise."""
        return PromotedReply(versions=await experiments.promote(owner, experiment_id, body.variant))


def _people(router: APIRouter, experiments: Experiments) -> None:
    @router.get("/{experiment_id}/next-pair")
    async def next_pair(
        owner: Owner, experiment_id: Id, skip: Annotated[list[Key], Query(max_length=200)] = _NONE
    ) -> NextPairReply:
        """Two answers to compare, without being told whose they are. `skip`: keys of pairs that come last."""
        return pair_reply(await experiments.next_pair(owner, experiment_id, skip))

    @router.post("/{experiment_id}/verdicts")
    async def say(owner: Owner, experiment_id: Id, body: VerdictBody) -> VerdictReply:
        """The newest verdict on a pair counts."""
        return VerdictReply(left=await experiments.say(owner, experiment_id, body.key, body.better, body.why))

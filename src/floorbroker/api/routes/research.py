"""Reports of research that are kept in this home."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from floorbroker.api.door import DoorDep, NoQuery, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import problems, returns, returns_list
from floorbroker.api.views.research import ReportView, WholeReportView, report_view, whole_report_view
from floorbroker.app.studies import Studies
from floorbroker.domain.errors import NotFound

router = APIRouter(tags=["Research"], dependencies=[NoQuery])


async def studies_of(door: DoorDep) -> Studies:
    """What is kept here; raises `NotFound` where the door was opened without a home."""
    if door.studies is None:
        raise NotFound("this door keeps no research and no backtests")
    return door.studies


StudiesDep = Annotated[Studies, Depends(studies_of)]


@router.get("/research", operation_id="list_reports", responses=returns_list(ReportView, "Reports.") | problems(503))
async def list_reports(request: Request, studies: StudiesDep) -> Response:
    """Which reports of research are kept, and of which day each is"""
    return list_reply(request, [report_view(one) for one in await studies.reports()], None)


@router.get(
    "/research/{name}",
    operation_id="get_report",
    responses=returns(WholeReportView, "The newest report of its kind.") | problems(503),
)
async def get_report(
    studies: StudiesDep,
    name: Annotated[str, Path(max_length=32, description="sectors, outliers, ranking, allocation.")],
) -> Response:
    """The newest report of a kind, with all it says"""
    return reply(whole_report_view(await studies.report(name)))

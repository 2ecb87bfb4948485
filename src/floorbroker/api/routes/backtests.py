"""Backtests: those that are kept, and new ones, which are long work."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field, StringConstraints

from floorbroker.api.door import CallerDep, DoorDep, NoQuery, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.params import BacktestsQuery, Day
from floorbroker.api.views.backtests import (
    BacktestView,
    OperationView,
    WholeBacktestView,
    backtest_view,
    operation_view,
    whole_backtest_view,
)
from floorbroker.api.wishes import Wish, wish_of
from floorbroker.app.backtesting import BacktestAsked, Backtests
from floorbroker.domain.errors import FieldError, InvalidRequest, NotFound
from floorbroker.oms.schema_types import Positive, Symbol

router = APIRouter(tags=["Backtests"])
Id = Annotated[str, Path(max_length=64, description="The id.")]
Parameters = dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=256)]]


class BacktestSchema(Wish):
    """What to play to whom; days are inclusive, `parameters` are those of the strategy, as text."""

    strategy: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=50)]
    parameters: Annotated[Parameters, Field(max_length=50)] = Field(default_factory=dict)
    span: Literal["day", "hour", "minute"] = "day"
    since: Day | None = None
    until: Day | None = None
    cash: Positive | None = None
    fee_bps: Positive | None = None
    slippage_bps: Positive | None = None
    latency_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 0

    @property
    def asked(self) -> BacktestAsked:
        """As the desk takes it.  Raises `InvalidRequest` for days the wrong way round."""
        _assert_in_order(self.since, self.until)
        given = {name: getattr(self, name) for name in ("cash", "fee_bps", "slippage_bps")}
        return BacktestAsked(
            strategy=self.strategy,
            symbols=tuple(dict.fromkeys(self.symbols)),
            parameters=self.parameters,
            span=self.span,
            since=self.since,
            until=self.until,
            latency_ms=self.latency_ms,
            **{name: value for name, value in given.items() if value is not None},
        )


def _assert_in_order(since: date | None, until: date | None) -> None:
    if since is not None and until is not None and since > until:
        wrong = FieldError(pointer="/since", code="out_of_order", detail="since must not be after until")
        raise InvalidRequest(wrong.detail, fields=(wrong,))


async def backtests_of(door: DoorDep) -> Backtests:
    """Raises `NotFound` where the door was opened without a home."""
    if door.studies is None or door.studies.backtests is None:
        raise NotFound("this door runs no backtests")
    return door.studies.backtests


BacktestsDep = Annotated[Backtests, Depends(backtests_of)]


@router.get(
    "/backtests", operation_id="list_backtests", responses=returns_list(BacktestView, "Results.") | problems(503)
)
async def list_backtests(
    request: Request, backtests: BacktestsDep, query: Annotated[BacktestsQuery, Query()]
) -> Response:
    """Backtests that are kept, the newest first, a page at a time"""
    found = await backtests.kept(before=query.cursor or "", limit=query.limit + 1)
    page = found[: query.limit]
    older = page[-1]["id"] if len(found) > len(page) else None
    return list_reply(request, [backtest_view(one) for one in page], older)


@router.post(
    "/backtests",
    operation_id="run_backtest",
    dependencies=[NoQuery],
    status_code=202,
    responses=returns(
        OperationView, "It waits its turn.", status=202, headers={"Location": "Where to ask how far it is."}
    )
    | problems(*WITH_BODY, 503),
    openapi_extra=reads(BacktestSchema),
)
async def run_backtest(request: Request, backtests: BacktestsDep, caller: CallerDep) -> Response:
    """Play recorded prices to a ready-made strategy"""
    wish = await wish_of(request, BacktestSchema)
    made = await backtests.start(wish.asked, caller=caller)
    return reply(operation_view(made), status=202, headers={"Location": f"/api/v1/operations/{made.id}"})


@router.get(
    "/backtests/{id}",
    operation_id="get_backtest",
    dependencies=[NoQuery],
    responses=returns(WholeBacktestView, "The whole result.") | problems(503),
)
async def get_backtest(backtests: BacktestsDep, id: Id) -> Response:
    """One kept backtest, with its fills and round trips"""
    return reply(whole_backtest_view(await backtests.whole(id)))


@router.get(
    "/operations/{id}",
    operation_id="get_operation",
    dependencies=[NoQuery],
    responses=returns(OperationView, "How it stands.") | problems(),
)
async def get_operation(backtests: BacktestsDep, id: Id) -> Response:
    """How far long work is; a desk that was started anew knows nothing of earlier work"""
    return reply(operation_view(backtests.operations.get(id)))


@router.delete(
    "/operations/{id}",
    operation_id="cancel_operation",
    dependencies=[NoQuery],
    responses=returns(OperationView, "How it stands now; what was over stays as it was.") | problems(),
)
async def cancel_operation(backtests: BacktestsDep, caller: CallerDep, id: Id) -> Response:
    """Cancel long work"""
    return reply(operation_view(await backtests.cancel(id, caller=caller)))

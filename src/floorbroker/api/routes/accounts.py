"""Accounts, balances, positions, fills and exposure, of one profile or of all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from floorbroker.api.door import DeskDep, NoQuery, ProfileDep, reply
from floorbroker.api.listing import list_reply, page_of
from floorbroker.api.openapi import REF, VENUE, problems, returns, returns_either, returns_list
from floorbroker.api.params import AccountQuery, PagedQuery, ProfileQuery
from floorbroker.api.routes.orders import orders_page
from floorbroker.api.views.accounts import (
    AccountView,
    BalanceView,
    EquityCurveView,
    PositionView,
    account_view,
    balance_view,
    equity_curve_view,
    position_view,
)
from floorbroker.api.views.consolidated import (
    ConsolidatedView,
    MissingView,
    consolidated_view,
    net_position_view,
)
from floorbroker.api.views.orders import FillView, OrderView, fill_view
from floorbroker.domain.errors import ApiError, NotFound
from floorbroker.domain.values import ProfileName, time_text
from floorbroker.gateway.desk import Desk, Fill

router = APIRouter(prefix="/{env}")
_MISSING = {"type": "array", "items": {"$ref": REF + "Missing"}}
_PARTIAL = {
    "complete": {"type": "boolean"},
    "missing": _MISSING,
    "stale": _MISSING,
    "netted": {"type": "array", "items": {"$ref": REF + "NetPosition"}},
}
OneProfile = Annotated[ProfileQuery, Query()]
FromVenue = problems(*VENUE)


@router.get(
    "/account",
    operation_id="get_account",
    tags=["Accounts"],
    responses=returns_either((ConsolidatedView, AccountView), "All profiles as one account, or the one's.") | FromVenue,
)
async def get_account(desk: DeskDep, query: Annotated[AccountQuery, Query()]) -> Response:
    """All profiles as one account; with `profile`, that one's as its venue tells it."""
    into = query.into
    if query.name is not None:
        return reply(account_view(await desk.account(query.name)))
    return reply(consolidated_view(await desk.consolidated(into)))


@router.get(
    "/account/equity",
    operation_id="get_equity_curve",
    responses=returns(EquityCurveView, "The curve.") | problems(),
    tags=["Accounts"],
)
async def get_equity_curve(desk: DeskDep, query: OneProfile) -> Response:
    """What one profile, or all of them together, were worth since the desk started, a point a minute."""
    names = [status.profile.name for status in desk.profiles()]
    if query.name is not None and query.name not in names:
        raise NotFound("no such profile")
    return reply(equity_curve_view(desk.guard.curve, names if query.name is None else [query.name]))


@router.get(
    "/positions",
    operation_id="list_positions",
    tags=["Positions"],
    responses=returns_list(PositionView, "Positions.", _PARTIAL) | FromVenue,
)
async def list_positions(request: Request, desk: DeskDep, query: OneProfile) -> Response:
    """What is held, at one profile or at all.  Of all, `complete` says whether every profile answered.

    As CSV, which has no place to say that, a list with a profile missing is refused.
    """
    if query.name is not None:
        return list_reply(request, [position_view(p) for p in await desk.positions(query.name)], None)
    whole = await desk.consolidated()
    stale = [MissingView(profile=part.profile, reason=part.stale) for part in whole.profiles if part.stale]
    gone = [MissingView(profile=one.profile, reason=one.reason) for one in whole.missing]
    silent = [one for one, missing in zip(gone, whole.missing, strict=True) if not missing.shared]
    if "text/csv" in request.headers.get("accept", "") and (silent or stale):
        raise ApiError(
            f"not every profile answered: {'; '.join(f'{m.profile}: {m.reason}' for m in (*silent, *stale))}"
        )
    rows = sorted((row for net in whole.positions for row in net.parts), key=lambda r: (r.profile, r.position.symbol))
    netted = [net_position_view(net) for net in whole.positions]
    beside = {"complete": not (silent or stale), "missing": gone, "stale": stale, "netted": netted}
    return list_reply(request, [position_view(row) for row in rows], None, **beside)


@router.get(
    "/fills",
    operation_id="list_fills",
    tags=["Fills"],
    responses=returns_list(FillView, "Fills, newest first.") | problems(),
)
async def list_fills(request: Request, desk: DeskDep, query: Annotated[PagedQuery, Query()]) -> Response:
    """Executions of the orders that the filter finds, a page at a time."""
    return _fills_page(request, desk, query, profile=None)


def _fills_page(request: Request, desk: Desk, query: PagedQuery, *, profile: ProfileName | None) -> Response:
    page, following = page_of(
        lambda page: desk.fills(query.where(profile), page),
        key=_fill_key,
        limit=query.limit,
        cursor=query.cursor,
        newest_first=query.newest_first,
    )
    return list_reply(request, [fill_view(fill) for fill in page], following)


def _fill_key(fill: Fill) -> tuple[str, str]:
    return time_text(fill.execution.transact_time), f"{fill.intent_id}/{fill.execution.exec_id}"


# -- the same, of the profile in the path ---------------------------------------------------------------------------------

of_profile = APIRouter(prefix="/{env}/profiles/{name}", tags=["Profiles"])


@of_profile.get(
    "/account",
    operation_id="get_profile_account",
    dependencies=[NoQuery],
    responses=returns(AccountView, "The account.") | FromVenue,
)
async def get_profile_account(desk: DeskDep, name: ProfileDep) -> Response:
    """Cash, equity and buying power of one profile."""
    return reply(account_view(await desk.account(name)))


@of_profile.get(
    "/balances",
    operation_id="list_profile_balances",
    dependencies=[NoQuery],
    responses=returns_list(BalanceView, "Balances.") | FromVenue,
)
async def list_profile_balances(request: Request, desk: DeskDep, name: ProfileDep) -> Response:
    """Each currency or coin of one profile."""
    return list_reply(request, [balance_view(b) for b in await desk.balances(name)], None)


@of_profile.get(
    "/positions",
    operation_id="list_profile_positions",
    dependencies=[NoQuery],
    responses=returns_list(PositionView, "Positions.") | FromVenue,
)
async def list_profile_positions(request: Request, desk: DeskDep, name: ProfileDep) -> Response:
    """What one profile holds."""
    return list_reply(request, [position_view(p) for p in await desk.positions(name)], None)


@of_profile.get(
    "/orders",
    operation_id="list_profile_orders",
    responses=returns_list(OrderView, "Orders, newest first.") | problems(),
)
async def list_profile_orders(
    request: Request, desk: DeskDep, name: ProfileDep, query: Annotated[PagedQuery, Query()]
) -> Response:
    """Orders of one profile, a page at a time."""
    return orders_page(request, desk, query, profile=name)


@of_profile.get(
    "/fills", operation_id="list_profile_fills", responses=returns_list(FillView, "Fills, newest first.") | problems()
)
async def list_profile_fills(
    request: Request, desk: DeskDep, name: ProfileDep, query: Annotated[PagedQuery, Query()]
) -> Response:
    """Executions of one profile, a page at a time."""
    return _fills_page(request, desk, query, profile=name)

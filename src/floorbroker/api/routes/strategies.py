"""Strategies that trade, and why they did."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from floorbroker.api.door import DoorDep, IdentityDep, NoQuery
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import problems, returns_list
from floorbroker.api.params import DecisionsQuery
from floorbroker.api.views.strategies import BotView, DecisionView, bot_view, decision_view

router = APIRouter()


@router.get(
    "/strategies",
    operation_id="list_strategies",
    tags=["Strategies"],
    dependencies=[NoQuery],
    responses=returns_list(BotView, "Bots.") | problems(),
)
async def list_strategies(request: Request, door: DoorDep, identity: IdentityDep) -> Response:
    """Every bot that has run in an environment of yours"""
    found = {} if door.strategies is None else await door.strategies.bots(sees=identity.environments)
    return list_reply(request, [bot_view(name, kept) for name, kept in found.items()], None)


@router.get(
    "/decisions",
    operation_id="list_decisions",
    tags=["Decisions"],
    responses=returns_list(DecisionView, "Decisions.") | problems(),
)
async def list_decisions(
    request: Request, door: DoorDep, identity: IdentityDep, query: Annotated[DecisionsQuery, Query()]
) -> Response:
    """What strategies decided in your environments and why, newest first, a page at a time"""
    if door.strategies is None:
        return list_reply(request, [], None)
    page = await door.strategies.decisions(
        sees=identity.environments, before=query.before, limit=query.limit, strategy=query.strategy
    )
    older = None if page.older is None else str(page.older)
    return list_reply(request, [decision_view(line) for line in page.lines], older)

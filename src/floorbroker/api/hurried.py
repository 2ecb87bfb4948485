"""The short way of the one request whose milliseconds count: placing an order.

The framework looks through its routes twice for each request and solves what a route depends on one by one, which takes as long
as risk, journal and audit together.  This route stands before all others and asks the same functions in the same order; the
documented one behind it (`routes.orders.submit_order`) is what the OpenAPI document describes, and answers alike (ADR 0043).
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from floorbroker.api.access import allowed
from floorbroker.api.door import caller_of, no_query
from floorbroker.api.routes.orders import place
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Desk


class HurriedRoute(BaseRoute):
    """`POST /api/v1/{env}/orders` of the environments that are served; everything else is the framework's."""

    name = "submit_order"

    def __init__(self, desks: Mapping[Environment, Desk], *, prefix: str) -> None:
        self._at = {f"{prefix}/{environment.value}/orders": (environment, desk) for environment, desk in desks.items()}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Exactly this method at exactly these paths."""
        if scope["type"] != "http" or scope["method"] != "POST" or (found := self._at.get(scope["path"])) is None:
            return Match.NONE, {}
        return Match.FULL, {"route": self, "path_params": {"env": found[0].value}}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Who may, who asks, and the order; errors are the app's to tell, as everywhere."""
        request = Request(scope, receive, send)
        environment, desk = self._at[scope["path"]]
        await allowed(request)
        await no_query(request)
        caller = await caller_of(request)
        reply = await place(request, environment, desk, caller, request.headers.get("idempotency-key"))
        await reply(scope, receive, send)

"""Bugs of the wire: requests that leave again, and replies that are read for more than they say."""

from __future__ import annotations

import json
from dataclasses import replace

from floorbroker.domain.errors import DuplicateOrderId, Outcome, VenueError
from floorbroker.domain.orders import Approved
from floorbroker.domain.ports import Reports
from floorbroker.transport.types import Request, Response
from tests.simulation.house import Plant
from tests.simulation.teeth.bug import Bug, struck_by
from tests.simulation.teeth.ports import BrokerAround, OrderShell, around_broker

SILENCE = ("order.lost", "order.reset", "order.cut", "order.drop", "order.delay", "order.slow")


class RetriesBlindly(OrderShell):
    async def send(self, request: Request) -> Response:
        try:
            return await self.honest.send(request)
        except VenueError as error:
            if request.method != "POST" or error.outcome is not Outcome.UNKNOWN:
                raise
            return await self.honest.send(request)


class RetriesAnew(OrderShell):
    async def send(self, request: Request) -> Response:
        try:
            return await self.honest.send(request)
        except VenueError as error:
            if request.method != "POST" or error.outcome is not Outcome.UNKNOWN:
                raise
            body = json.loads(request.body) | {"client_order_id": f"again-{request.order}"}
            return await self.honest.send(replace(request, body=json.dumps(body).encode()))


class RetriesOnErrorPages(OrderShell):
    async def send(self, request: Request) -> Response:
        reply = await self.honest.send(request)
        return await self.honest.send(request) if reply.status >= 500 and request.method == "POST" else reply


class RetriesWhenThrottled(OrderShell):
    async def send(self, request: Request) -> Response:
        reply = await self.honest.send(request)
        return await self.honest.send(request) if reply.status == 429 and request.method == "POST" else reply


class BelievesErrorPages(OrderShell):
    async def send(self, request: Request) -> Response:
        reply = await self.honest.send(request)
        if reply.status >= 500:
            return Response(status=403, body=b'{"code":40310000,"message":"insufficient buying power"}')
        return reply


class CallsSilenceFailure(BrokerAround):
    async def submit_order(self, approved: Approved) -> Reports:
        try:
            reports: Reports = await self.honest.submit_order(approved)
        except VenueError as error:
            error.outcome = Outcome.NOT_SENT
            raise
        return reports


class CallsDuplicatesRefused(BrokerAround):
    async def submit_order(self, approved: Approved) -> Reports:
        try:
            reports: Reports = await self.honest.submit_order(approved)
        except DuplicateOrderId as error:
            error.outcome = Outcome.REFUSED
            raise
        return reports


BUGS = (
    Bug(
        name="blind retry",
        what="The transport sends a submit again when the connection broke, as many libraries do.",
        breaks="I4",
        plant=Plant(order_http=RetriesBlindly),
        wants=struck_by(*SILENCE),
    ),
    Bug(
        name="retry under a new id",
        what="The transport sends a submit again under a fresh client id, so that the venue takes it.",
        breaks="I1",
        plant=Plant(order_http=RetriesAnew),
        wants=struck_by(*SILENCE),
    ),
    Bug(
        name="retry on 5xx",
        what="The transport sends a submit again when a gateway answered with an error page.",
        breaks="I4",
        plant=Plant(order_http=RetriesOnErrorPages),
        wants=struck_by("order.page", "order.page_after"),
    ),
    Bug(
        name="retry on 429",
        what="The transport sends a submit again when it was told to slow down.",
        breaks="I4",
        plant=Plant(order_http=RetriesWhenThrottled),
        wants=struck_by("order.throttle"),
    ),
    Bug(
        name="error page read as refusal",
        what="Every error page is taken for the venue's own no.",
        breaks="I3",
        plant=Plant(order_http=BelievesErrorPages),
        wants=struck_by("order.page_after"),
    ),
    Bug(
        name="silence read as not sent",
        what="A lost reply is taken for a request that never left.",
        breaks="I3",
        plant=Plant(desk=around_broker(CallsSilenceFailure)),
        wants=struck_by(*SILENCE),
    ),
    Bug(
        name="duplicate id read as refusal",
        what="The reply that a client id was seen before is taken for a no, though it says that the order exists.",
        breaks="RELIABILITY 2.5",
        plant=Plant(desk=around_broker(CallsDuplicatesRefused)),
        wants=struck_by("order.replay"),
    ),
)

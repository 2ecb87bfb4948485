"""Order commands over the connection of the program, with the promises of the HTTP client of orders.

A command is a `Request` like any other, so the stack above is the same: its body says in JSON what is placed or cancelled, the
server's version decides how that is written, and what was said about it comes back as JSON.  A group leaves in one write.
Everything that fails before it is NOT_SENT; everything after it, the loss of the connection included, is UNKNOWN.
"""

from __future__ import annotations

import asyncio

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import BadFrame, place_order, requests
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.rest.calls import CANCEL, CANCEL_ALL, CHANGE, PLACE
from floorbroker.brokers.ibkr.rest.collect import Answered, CancelHeard
from floorbroker.brokers.ibkr.rest.link import Link
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.domain.errors import (
    ConnectionFailed,
    InvalidRequest,
    NotReady,
    Outcome,
    StreamLost,
    Timeout,
)
from floorbroker.domain.ports import NO_STEPS, Steps
from floorbroker.domain.steps import SENDING, Sending
from floorbroker.transport.layers.gate import Check
from floorbroker.transport.types import Lane, Request, Response

_OK, _REFUSED = 200, 400
_COMMAND = msgspec.json.Decoder(wire.Command)
_CANCEL = msgspec.json.Decoder(wire.Cancel)


class Door:
    """`OrderHttp` over the socket.  `check` is the send gate's check, asked once more when the connection had to be opened."""

    def __init__(self, program: Program, *, check: Check, steps: Steps = NO_STEPS) -> None:
        self._program = program
        self._check = check
        self._steps = steps

    async def send(self, request: Request) -> Response:
        """Send once, and hear what answers it.  Raises a `VenueError` whose `outcome` tells whether it may have left."""
        link = self._program.link
        if link is None:
            link = await self._opened(request)
        if link.lost and request.lane is not Lane.CANCEL:
            raise NotReady(f"the program has lost the broker's servers: {link.lost}")
        frames, answered = self._spelled(request, link)
        named = SENDING.get(request.endpoint)
        if named is not None:
            self._steps.reach(named.connected)
        told = await self._exchange(link, frames, answered, request, named)
        if named is not None:
            self._steps.reach(named.replied)
        return Response(status=_REFUSED if told.errors else _OK, body=msgspec.json.encode(told))

    async def close(self) -> None:
        await self._program.close()

    async def _opened(self, request: Request) -> Link:
        """Getting a connection takes half of the time at most, so that the rest is for the answer."""
        try:
            async with asyncio.timeout(request.timeout_s / 2):
                link = await self._program.ready()
        except TimeoutError:
            raise Timeout("no connection to the program in time", broker=BROKER, outcome=Outcome.NOT_SENT) from None
        self._check(request)  # the gate looked before the wait
        return link

    def _spelled(self, request: Request, link: Link) -> tuple[bytes, Answered | CancelHeard | None]:
        """The frames, and what hears their answer.  Raises `InvalidRequest` for what has no spelling."""
        version, client_id = link.session.version, self._program.client_id
        try:
            match request.path:
                case path if path in (PLACE, CHANGE):
                    placed = _COMMAND.decode(request.body).orders
                    frames = (place_order(each.order_id, each.contract, each.order, version=version) for each in placed)
                    return b"".join(frames), Answered(client_id, placed, is_change=path == CHANGE)
                case path if path == CANCEL:
                    cancel = _CANCEL.decode(request.body)
                    heard = CancelHeard(client_id, cancel.order_id, until_over=cancel.until_over)
                    return requests.cancel_order(cancel.order_id, version=version), heard
                case path if path == CANCEL_ALL:
                    return requests.global_cancel(), None
                case _:
                    raise InvalidRequest(f"{request.endpoint}: there is no such command")
        except (BadFrame, msgspec.MsgspecError) as error:
            raise InvalidRequest(f"{request.endpoint}: it cannot be written ({error})") from error

    async def _exchange(
        self,
        link: Link,
        frames: bytes,
        answered: Answered | CancelHeard | None,
        request: Request,
        named: Sending | None,
    ) -> wire.Told:
        waiting = None if answered is None else link.wait_for(answered)
        try:
            await self._write(link, frames)
            if named is not None:
                self._steps.reach(named.written)
            if waiting is None or answered is None:
                return wire.Told()
            async with asyncio.timeout(request.timeout_s):
                await waiting
            return answered.told
        except TimeoutError:
            raise Timeout("no answer in time", broker=BROKER, outcome=Outcome.UNKNOWN) from None
        finally:
            if answered is not None:
                link.forget(answered)

    @staticmethod
    async def _write(link: Link, frames: bytes) -> None:
        """`StreamLost` of a socket means that nothing of this was written."""
        try:
            await link.write(frames)
        except StreamLost as loss:
            raise ConnectionFailed(loss.detail, broker=BROKER, outcome=Outcome.NOT_SENT) from loss

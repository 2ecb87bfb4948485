"""An order and the questions about it, as one send.

    POST .../orders  ->  placed, refused, or a question
    POST /iserver/reply/{id} {"confirmed":true}  ->  the same again, until it is placed or refused

A question is no acceptance: the order does not exist before the last one is confirmed, and the yes belongs to the same intent.
Which questions may get a yes is a list of the profile; any other gets a no, and the order is refused with the venue's
words.  Once a yes was handed to the transport and its answer is missing, nobody knows: UNKNOWN, as for the order itself.
A yes that provably never left leaves a question that nobody answers, so there is no order.  Another order in between
would void the question, so one is placed at a time; a cancel waits for nobody.  Document:
interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, place order reply confirmation.
"""

from __future__ import annotations

import asyncio

from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest.answers import Acceptance, Question, read_placing
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.domain.errors import FloorbrokerError, OrderRejected, Outcome
from floorbroker.domain.ports import Log
from floorbroker.transport.types import Request, Response, Transport

QUESTIONS_MAX = 20


class Placing:
    """Sends orders and changes of one account, one after the other."""

    def __init__(self, commands: Transport, calls: Calls, *, confirmed: frozenset[str], log: Log) -> None:
        self._commands = commands
        self._calls = calls
        self._confirmed = confirmed
        self._log = log
        self._turn = asyncio.Lock()

    async def send(self, request: Request, *, orders: int, what: str) -> Acceptance:
        """What the venue accepted: `orders` lines.  Raises what is known otherwise."""
        async with self._turn:
            told = read_placing(await self._commands.send(request), orders=orders, cl_ord_id=request.order, what=what)
            for _ in range(QUESTIONS_MAX):
                if isinstance(told, Acceptance):
                    return told
                if not told.ids or not self._confirmed.issuperset(told.ids):
                    raise await self._decline(
                        told, request, what, f"asked {_names(told)}, which the profile does not confirm"
                    )
                told = read_placing(
                    await self._confirm(told, request, what), orders=orders, cl_ord_id=request.order, what=what
                )
            if isinstance(told, Acceptance):
                return told
            raise await self._decline(told, request, what, f"asked more than {QUESTIONS_MAX} questions")

    async def _confirm(self, question: Question, request: Request, what: str) -> Response:
        self._log.info("order.confirmed", questions=_names(question), order=request.order)
        answer = self._calls.reply(
            question.reply_id, confirmed=True, decided_at=request.decided_at, order=request.order
        )
        try:
            return await self._commands.send(answer)
        except FloorbrokerError as error:
            if error.outcome is not Outcome.NOT_SENT:
                raise
            raise OrderRejected(
                f"{what}: the venue asked {_names(question)}, and the answer did not leave: {error.detail}",
                broker=BROKER,
                venue_text=question.text,
            ) from error

    async def _decline(self, question: Question, request: Request, what: str, why: str) -> OrderRejected:
        """Say no.  A no that is lost changes nothing: an unanswered question is no order either."""
        answer = self._calls.reply(question.reply_id, confirmed=False, decided_at=None, order=request.order)
        try:
            await self._commands.send(answer)
        except FloorbrokerError as error:
            self._log.warning("order.not_declined", code=error.code, order=request.order)
        return OrderRejected(f"{what}: the venue {why}", broker=BROKER, venue_text=question.text)


def _names(question: Question) -> str:
    return ", ".join(question.ids) or "a question without an id"

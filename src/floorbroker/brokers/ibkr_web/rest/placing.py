"""An order and the questions about it, as one send.

    POST .../orders  ->  placed, refused, or a question
    POST /iserver/reply/{id} {"confirmed":true}  ->  the same again, until it is placed or refused

A question is no acceptance: the order does not exist before the last one is confirmed, and the yes belongs to the same intent.
Which questions may get a yes is a list of the profile; any other gets a no, and the order is refused with the venue's words.
A group may be asked about ticket by ticket: all its questions are looked at before one gets a yes, and when a part of it is
placed and another part is not, nobody can call that an order or none: UNKNOWN.  Once a yes was handed to the transport and its
answer is missing, nobody knows either.  A yes that provably never left leaves a question that nobody answers, so there is
no order.  Another order in between would void the question, so one is placed at a time; a cancel waits for nobody.
Document: interactivebrokers.com/campus/ibkr-api-page/cpapi-v1, place order reply confirmation.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest.answers import Line, Question, accepted, read_placing
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.domain.errors import ApiError, FloorbrokerError, OrderRejected, Outcome, VenueError
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

    async def send(self, request: Request, *, orders: int, name: str | None, what: str) -> tuple[Line, ...]:
        """What the venue accepted: `orders` lines, the one that goes by `name` first.  Raises what is known otherwise."""
        async with self._turn:
            told = read_placing(await self._commands.send(request), what=what)
            lines, open_questions = list(told.lines), deque(told.questions)
            try:
                for _ in range(QUESTIONS_MAX):
                    if not open_questions:
                        return accepted(lines, orders=orders, cl_ord_id=name, what=what)
                    if strange := [each for each in open_questions if not self._may_confirm(each)]:
                        why = f"asked {_names(strange)}, which the profile does not confirm"
                        raise await self._decline(open_questions, request, what, why)
                    told = read_placing(await self._confirm(open_questions.popleft(), request, what), what=what)
                    lines += told.lines
                    open_questions.extend(told.questions)
                raise await self._decline(open_questions, request, what, f"asked more than {QUESTIONS_MAX} questions")
            except FloorbrokerError as error:
                if not lines or error.outcome is Outcome.UNKNOWN:
                    raise
                raise ApiError(
                    f"{what}: the venue placed a part of it, and of the rest: {error.detail}",
                    broker=BROKER,
                    venue_text=error.venue_text if isinstance(error, VenueError) else None,
                    outcome=Outcome.UNKNOWN,
                ) from error

    def _may_confirm(self, question: Question) -> bool:
        """Whether every message of a question is one that the profile confirms."""
        return bool(question.ids) and self._confirmed.issuperset(question.ids)

    async def _confirm(self, question: Question, request: Request, what: str) -> Response:
        self._log.info("order.confirmed", questions=_names([question]), order=request.order)
        answer = self._calls.reply(
            question.reply_id, confirmed=True, decided_at=request.decided_at, order=request.order
        )
        try:
            return await self._commands.send(answer)
        except FloorbrokerError as error:
            if error.outcome is not Outcome.NOT_SENT:
                raise
            raise OrderRejected(
                f"{what}: the venue asked {_names([question])}, and the answer did not leave: {error.detail}",
                broker=BROKER,
                venue_text=question.text,
            ) from error

    async def _decline(self, questions: Iterable[Question], request: Request, what: str, why: str) -> OrderRejected:
        """Say no to each.  A no that is lost changes nothing: an unanswered question is no order either."""
        text = ""
        for question in questions:
            text = text or question.text
            answer = self._calls.reply(question.reply_id, confirmed=False, decided_at=None, order=request.order)
            try:
                await self._commands.send(answer)
            except FloorbrokerError as error:
                self._log.warning("order.not_declined", code=error.code, order=request.order)
        return OrderRejected(f"{what}: the venue {why}", broker=BROKER, venue_text=text)


def _names(questions: Iterable[Question]) -> str:
    return ", ".join(name for each in questions for name in each.ids or ("a question without an id",))

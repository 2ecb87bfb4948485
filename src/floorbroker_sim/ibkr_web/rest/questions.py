"""Questions before an order: asked one after the other, answered by their id; the order exists once the last is confirmed.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#place-order-reply
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import errors, info, wire
from floorbroker_sim.ibkr_web.rest.reading import body

if TYPE_CHECKING:
    from floorbroker_sim.ibkr_web.rest.state import State

_DROPS = frozenset({"No", "Cancel"})


@dataclass(slots=True, kw_only=True)
class Pending:
    """An order, or a change of one, that waits for answers; `act` carries it out and answers for it."""

    client_id: str | None
    order_id: int
    remaining: list[str]
    act: Callable[[], Reply]
    asked_s: float = 0.0
    token: str = ""


class Desk:
    """One order at a time: another one makes the questions of the first void."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pending: Pending | None = None
        self._void: deque[str] = deque(maxlen=1000)
        self._script: deque[list[str]] = deque()

    def script(self, ids: list[str], orders: int) -> None:
        """Ask these before each of the next orders, whatever they are; an empty list asks nothing."""
        self._script.extend([list(ids) for _ in range(orders)])

    def begin(self, pending: Pending) -> Reply:
        """The first answer to an order: its first question, or the order."""
        self._forget()
        if self._script:
            pending.remaining = self._script.popleft()
        suppressed = self._state.login.asked.suppressed
        pending.remaining = [one for one in dict.fromkeys(pending.remaining) if one not in suppressed]
        return self._next(pending)

    def answer(self, token: str, *, confirmed: bool) -> Reply:
        """The answer to a question, or to one that is void, or to none."""
        pending = self._pending
        if pending is None or pending.token != token:
            if token in self._void:
                raise errors.unavailable()
            raise errors.order_error(f"reply id not found: '{token}'")
        self._pending = None
        if self._state.clock.monotonic() - pending.asked_s > info.REPLY_WITHIN_S:
            raise errors.unavailable()
        if not confirmed:
            raise errors.order_error("Order not confirmed ")
        return self._next(pending)

    def answer_prompt(self, answer: wire.PromptAnswer) -> Reply:
        """The answer to a prompt, whose questions stand under its request id."""
        pending = self._pending
        if pending is None or (pending.order_id, pending.token) != (answer.order_id, answer.req_id):
            raise errors.broken("Prompt not found")
        self._pending = None
        if answer.text in _DROPS:
            return json_reply("Order not confirmed")
        return self._next(pending)

    def client_id(self, token: str) -> str | None:
        """The client's order id that a question is about."""
        return self._pending.client_id if self._pending is not None and self._pending.token == token else None

    def _forget(self) -> None:
        if self._pending is not None:
            self._void.append(self._pending.token)
            self._pending = None

    def _next(self, pending: Pending) -> Reply:
        if not pending.remaining:
            return pending.act()
        one = pending.remaining.pop(0)
        pending.asked_s = self._state.clock.monotonic()
        self._pending = pending
        if one == info.PROMPT:
            pending.token = str(self._state.random.randrange(10_000, 99_999))
            return json_reply(_prompt(pending))
        pending.token = self._state.token()
        text = info.QUESTIONS.get(one, f"The message {one} wants to be confirmed.")
        return json_reply([{"id": pending.token, "message": [text], "isSuppressed": False, "messageIds": [one]}])


def _prompt(pending: Pending) -> dict[str, object]:
    return {
        "orderId": pending.order_id, "reqId": pending.token, "dismissable": [], "text": info.PROMPT_TEXT,
        "options": list(info.PROMPT_OPTIONS), "type": "M", "messageId": info.PROMPT, "prompt": True,
    }  # fmt: skip


# --- Paths -----------------------------------------------------------------------------------------------------------


def post_reply(state: State, request: Request, token: str) -> Reply:
    state.login.need_accounts()
    return state.desk.answer(token, confirmed=body(request, wire.Answer).confirmed)


def post_notification(state: State, request: Request) -> Reply:
    state.login.need_accounts()
    return state.desk.answer_prompt(body(request, wire.PromptAnswer))


def suppress(state: State, request: Request) -> Reply:
    state.login.need_brokerage()
    ids = body(request, wire.Suppress).message_ids
    if len(ids) > info.MAX_SUPPRESSED:
        raise errors.broken(f"more than {info.MAX_SUPPRESSED} message ids")
    state.login.asked.suppressed |= set(ids)
    return json_reply({"status": "submitted"})


def suppress_reset(state: State, _request: Request) -> Reply:
    state.login.need_brokerage()
    state.login.asked.suppressed.clear()
    return json_reply({"status": "submitted"})

"""Signals on their way to orders: whose they are, whether they came before, what they ask for, and the ordinary order path.

    body -> Alert -> right secret? -> seen before? -> template -> OrderSchema -> the hook's limits -> Desk.submit

A signal's order has an idempotency key made of what makes the signal itself: the alert's id, or its bytes within `replay_s`.
So a signal that is sent again leads to the order it led to, whatever was lost in between.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    FloorbrokerError,
    Forbidden,
    Hint,
    InvalidRequest,
    NotFound,
    RateLimitExceeded,
    RiskLimitExceeded,
)
from floorbroker.domain.frozen import frozen
from floorbroker.domain.options import SHARES, OptionContract
from floorbroker.domain.ports import Log, Meter
from floorbroker.domain.values import Environment, IntentId, ProfileName, Side, text_of
from floorbroker.gateway.desk import Caller, Desk, Submitted
from floorbroker.hooks.alert import Alert, read_alert
from floorbroker.hooks.records import Auth, Hook, Signal
from floorbroker.hooks.rows import Rows
from floorbroker.hooks.signing import objection
from floorbroker.hooks.template import wish_of
from floorbroker.oms.schema import OrderSchema

HOOKS_CACHED_S = 5.0
WRONG_PER_MINUTE = 10
BRAKES_MAX = 4096
GRACE_S = 0.25  # for a quick answer of the venue
LOOK_EVERY_S = 0.05
DETAIL_MAX = 300

Placed = Callable[[Environment, str, ProfileName, str], IntentId | None]
"""The intent that a principal's key at a profile has led to, once that is durable."""


class Unauthorized(Forbidden):
    """No such hook, or not its secret: a stranger is not told which."""

    def __init__(self) -> None:
        super().__init__("no hook has this address and this secret")


@frozen
class Received:
    """What became of a signal.  `submitted` is the order as it stands; None while the venue has not answered."""

    signal: Signal
    intent_id: str
    submitted: Submitted | None = None
    replayed: bool = False


@dataclass(slots=True, kw_only=True)
class Inbox:
    """All hooks of a desk.  `close` waits for the orders that are on their way."""

    rows: Rows
    desks: Mapping[Environment, Desk]
    clock: Clock
    log: Log
    meter: Meter
    placed: Placed
    new_id: Callable[[], str]
    _hooks: dict[str, Hook] = field(default_factory=dict[str, Hook])
    _read_s: float = float("-inf")
    _seen_s: dict[str, deque[float]] = field(default_factory=dict[str, "deque[float]"])
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])
    _running: set[asyncio.Task[Submitted]] = field(default_factory=set["asyncio.Task[Submitted]"])

    def forget(self) -> None:
        """The hooks were changed: read them again before the next signal."""
        self._read_s = float("-inf")

    async def close(self) -> None:
        """Wait for orders that are on their way; the desk must still run."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def receive(self, hook_id: str, body: bytes, *, signature: str, address: str, request_id: str) -> Received:
        """One signal.  Raises `Unauthorized`, `RateLimitExceeded`, `InvalidRequest`, and whatever a submit raises."""
        hook, now = (await self._known()).get(hook_id), self.clock.now()
        guesses = f"wrong:{'*' if hook is None else hook.id}:{address}"
        try:
            alert = read_alert(body)
        except InvalidRequest:
            if hook is None:
                raise self._refused(guesses) from None
            raise
        if hook is None or not self._is_right(hook, alert, body, signature, now=now):
            raise self._refused(guesses)
        self._brake(hook.id, hook.per_minute)
        async with self._turns.setdefault(hook.id, asyncio.Lock()):
            signal, is_new = await self._begun(hook, alert, body, now=now)
        return await self._act(hook, alert, signal, is_new=is_new, request_id=request_id)

    def preview(self, hook: Hook, body: bytes) -> OrderSchema:
        """The wish that a signal would become; nothing is kept, nothing is sent."""
        return wish_of(hook.template, hook.words, read_alert(body), profile=hook.profile, strategy=hook.strategy)

    async def screen(self, hook: Hook, wish: OrderSchema) -> None:
        """Raises `RiskLimitExceeded` for what this hook may not ask for."""
        if hook.symbols and wish.symbol not in hook.symbols:
            raise _limit("symbols", f"this hook trades {', '.join(hook.symbols)}", value=wish.symbol)
        if hook.max_quantity is not None:
            if wish.quantity is None:
                raise _limit("max_quantity", "this hook has a largest quantity: its orders name one")
            if wish.quantity > hook.max_quantity:
                told = f"this hook trades at most {text_of(hook.max_quantity)} at a time"
                raise _limit("max_quantity", told, limit=hook.max_quantity, value=wish.quantity)
        if hook.max_notional is not None and (worth := await self._worth(hook, wish)) > hook.max_notional:
            told = f"this hook trades for at most {text_of(hook.max_notional)} at a time"
            raise _limit("max_notional", told, limit=hook.max_notional, value=worth)

    # -- whose it is ------------------------------------------------------------------------------------------------------

    async def _known(self) -> Mapping[str, Hook]:
        if self.clock.monotonic() - self._read_s >= HOOKS_CACHED_S:
            self._hooks = {hook.id: hook for hook in await self.rows.hooks()}
            self._read_s = self.clock.monotonic()
        return self._hooks

    def _is_right(self, hook: Hook, alert: Alert, body: bytes, signature: str, *, now: datetime) -> bool:
        if hook.auth is Auth.HMAC:
            return hook.secret is not None and not objection(signature, body, hook.secret, now=now)
        return hmac.compare_digest(digest_of(alert.secret), hook.digest)

    def _refused(self, guesses: str) -> Unauthorized:
        """Slower from the same address; whoever has the secret is never held up by guesses of others behind one proxy."""
        self._brake(guesses, WRONG_PER_MINUTE)
        self.meter.count("webhook_signals", outcome="refused")
        return Unauthorized()

    def _brake(self, what: str, per_minute: int) -> None:
        """At most so many a minute.  Raises `RateLimitExceeded`."""
        if len(self._seen_s) >= BRAKES_MAX and what not in self._seen_s:  # guesses give way, the paces of hooks stay
            del self._seen_s[
                next((known for known in self._seen_s if known.startswith("wrong:")), next(iter(self._seen_s)))
            ]
        seen, now_s = self._seen_s.setdefault(what, deque(maxlen=1000)), self.clock.monotonic()
        while seen and now_s - seen[0] >= 60:
            seen.popleft()
        if len(seen) >= per_minute:
            wait_s = max(1.0, 60 - (now_s - seen[0]) if seen else 60.0)
            raise RateLimitExceeded(f"at most {per_minute} a minute", hint=Hint(retry_after_s=wait_s))
        seen.append(now_s)

    # -- whether it came before -------------------------------------------------------------------------------------------

    async def _begun(self, hook: Hook, alert: Alert, body: bytes, *, now: datetime) -> tuple[Signal, bool]:
        """By the moment its signature was looked at: a signal that waited since is no older, and what it repeats is known."""
        if alert.id:
            return await self.rows.begin_signal(self._signal(hook, f"id:{alert.id}", now))
        like = f"body:{hashlib.sha256(body).hexdigest()}:"
        since = now - timedelta(seconds=hook.replay_s)
        return await self.rows.begin_signal(self._signal(hook, f"{like}{now.isoformat()}", now), like=like, since=since)

    def _signal(self, hook: Hook, dedupe: str, now: datetime) -> Signal:
        key = f"hook:{hook.id}:{hashlib.sha256(dedupe.encode()).hexdigest()[:32]}"
        return Signal(id=self.new_id(), hook_id=hook.id, at=now, dedupe=dedupe, key=key)

    # -- what it leads to -------------------------------------------------------------------------------------------------

    async def _act(self, hook: Hook, alert: Alert, signal: Signal, *, is_new: bool, request_id: str) -> Received:
        try:
            received = await self._submitted(hook, alert, signal, request_id=request_id)
        except FloorbrokerError as error:
            await self._end(replace(signal, outcome=error.code, detail=error.detail[:DETAIL_MAX]), keep=not is_new)
            raise
        replayed = not is_new or (received.submitted is not None and received.submitted.replayed)
        outcome = "replayed" if replayed else "accepted"
        self.meter.count("webhook_signals", outcome=outcome)
        ended = replace(signal, outcome="accepted", intent_id=received.intent_id)
        await self._end(ended, keep=not is_new)
        return replace(received, signal=ended, replayed=replayed)

    async def _end(self, signal: Signal, *, keep: bool) -> None:
        """Note what became of it; of one that came again the first time stands, unless it had come to nothing."""
        if signal.outcome != "accepted":
            self.meter.count("webhook_signals", outcome="refused")
        if not keep or signal.intent_id:
            await self.rows.end_signal(signal)

    async def _submitted(self, hook: Hook, alert: Alert, signal: Signal, *, request_id: str) -> Received:
        if not hook.enabled:
            raise Forbidden("this hook is switched off")
        desk = self.desks.get(hook.environment)
        if desk is None:
            raise NotFound(f"no desk of {hook.environment.value} runs here")
        wish = wish_of(hook.template, hook.words, alert, profile=hook.profile, strategy=hook.strategy)
        await self.screen(hook, wish)
        caller = Caller(principal=hook.principal, via="webhook", request_id=request_id, token=hook.principal)
        submitting = asyncio.get_running_loop().create_task(
            desk.submit(wish, profile=hook.profile, caller=caller, key=signal.key, body_hash=wish.digest()),
            name=f"signal {signal.id}",
        )
        self._running.add(submitting)
        submitting.add_done_callback(self._done)
        return await self._durable(hook, signal, submitting)

    def _done(self, task: asyncio.Task[Submitted]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.info("webhook.not_placed", detail=getattr(error, "detail", type(error).__name__))

    async def _durable(self, hook: Hook, signal: Signal, submitting: asyncio.Task[Submitted]) -> Received:
        """As soon as the intent is durable: a sender gives up after three seconds, and a venue may take longer."""
        waited_s = 0.0
        while True:
            pause_s = GRACE_S if waited_s == 0 else LOOK_EVERY_S
            await first_of(submitting, self.clock, pause_s)
            if submitting.done():
                done = submitting.result()
                return Received(signal=signal, intent_id=done.order.intent_id, submitted=done)
            waited_s += pause_s
            if (intent_id := self.placed(hook.environment, hook.principal, hook.profile, signal.key)) is not None:
                return Received(signal=signal, intent_id=intent_id)

    async def _worth(self, hook: Hook, wish: OrderSchema) -> Decimal:
        """What an order may cost, in quote currency.

        A limit to buy costs no more than it says; any other order may trade at the market, whatever price it names.
        """
        if wish.notional is not None:
            return wish.notional
        order = wish.to_order()
        price = order.price
        if price is None or order.side is Side.SELL:
            quote = await self.desks[hook.environment].quote(order.symbol, hook.profile)
            touch = quote.ask if order.side is Side.BUY else quote.bid
            price = max((one for one in (touch, order.price, order.stop_px) if one is not None), default=None)
        if price is None or wish.quantity is None:
            raise _limit("max_notional", "this hook has a largest value, and there is no price to reckon with")
        return price * wish.quantity * (SHARES if OptionContract.parse(order.symbol) else 1)


async def first_of(task: asyncio.Task[Submitted], clock: Clock, longest_s: float) -> None:
    """Until the task is done, or for so long; the task goes on."""
    timer = asyncio.ensure_future(clock.sleep(longest_s))
    try:
        await asyncio.wait([task, timer], return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()


def digest_of(secret: str) -> str:
    """The only form in which a secret that is shown in bodies is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _limit(
    control: str, detail: str, *, limit: Decimal | None = None, value: Decimal | str | None = None
) -> RiskLimitExceeded:
    shown = text_of(value) if isinstance(value, Decimal) else value
    return RiskLimitExceeded(detail, control=control, limit=None if limit is None else text_of(limit), value=shown)

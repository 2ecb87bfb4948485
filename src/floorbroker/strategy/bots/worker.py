"""The strategy's side of a bot: the same whether it runs in a process of its own or inside the desk's."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from floorbroker.domain.instrument import quote_of, usual_multiplier
from floorbroker.domain.records import Quote
from floorbroker.domain.values import Quantity
from floorbroker.matching import by_name
from floorbroker.strategy.bars import microseconds, moment_of
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.bots.wire import Act, Begin, Done, Purse, Seen
from floorbroker.strategy.decisions import Decision
from floorbroker.strategy.ground import Ground
from floorbroker.strategy.loading import strategy_class
from floorbroker.strategy.runner import Runner
from floorbroker.strategy.timers import NEVER
from floorbroker.strategy.wishes import Action, Fired, Ordered

TRACE_LINES = 6  # of what a strategy raised, the last ones


class BotGround(Ground):
    """Wishes are collected and leave with the answer; the account is what the desk's side said last."""

    def __init__(self, begin: Begin) -> None:
        super().__init__(calendar=by_name(begin.calendar))
        self.acts: list[Act] = []
        self.decisions: list[Decision] = []
        self.decided = self.decisions.append
        self.now_us = microseconds(begin.now)
        self.day = begin.day
        self.quotes: dict[str, Quote] = {}
        self.wishes = {ordered.wish: ordered for ordered in begin.wishes}
        self._so_far: Mapping[str, Decimal] = {}
        self.look_into(begin.purse, begin.so_far)

    def look_into(self, purse: Purse, so_far: Mapping[str, Decimal]) -> None:
        """The account, and what each open wish has filled by then."""
        self.purse, self._so_far = purse, so_far
        for ordered in [*self.wishes.values()]:
            self._keep_step(ordered)

    def heard(self, ordered: Ordered) -> None:
        """What the strategy is told is where the wish stood; what it counts with is how it stands now."""
        super().heard(ordered)
        if ordered.wish in self.wishes:
            self._keep_step(ordered)

    def _keep_step(self, ordered: Ordered) -> None:
        filled = self._so_far.get(ordered.wish)
        if filled is not None and filled != ordered.cum_qty:
            self.wishes[ordered.wish] = replace(ordered, cum_qty=Quantity(filled))

    def due(self) -> list[Fired]:
        """A clock that was moved, or a machine that slept, makes many moments come at once."""
        return self.timers.due(self.now_us, skips=True)

    def send(self, action: Action) -> None:
        self.acts.append(Act.of(action))

    @property
    def cash(self) -> Decimal:
        return self.purse.cash

    @property
    def equity(self) -> Decimal:
        return self.purse.equity

    def held(self) -> Mapping[str, Decimal]:
        return self.purse.held

    def quote(self, symbol: str) -> Quote | None:
        return self.quotes.get(symbol)

    def worth(self, symbol: str) -> Decimal | None:
        """What is held and not listened to is worth what the desk says."""
        price = self.price(symbol)
        return self.purse.marks.get(symbol) if price is None else price

    def scale(self, symbol: str) -> Decimal | None:
        told, plain = self.purse.scales.get(symbol), self.purse.scales.get("")
        if told is not None or plain is None or quote_of(symbol):
            return told
        return usual_multiplier(symbol) * plain


class Worker:
    """One strategy and its ground; `begin` first, then `see` for each event.  Neither raises for what the strategy does."""

    def __init__(self) -> None:
        self._ground: BotGround | None = None
        self._runner: Runner | None = None
        self._strategy: Strategy | None = None

    def begin(self, begin: Begin) -> Done:
        """Make the strategy as it was left, and start it."""
        try:
            strategy = strategy_class(begin.strategy)(**begin.parameters)
            ground = BotGround(begin)
            for closed in begin.history:
                ground.track(closed.bar.symbol).add(closed.bar, end=closed.end)
            strategy.state.update(begin.state)
            self._strategy, self._ground, self._runner = strategy, ground, Runner(strategy, ground)
            self._runner.start()
        except Exception as error:  # noqa: BLE001 - a strategy may raise anything: it is told, and its bot is stopped
            return Done(trouble=told(error))
        return self._done()

    def see(self, seen: Seen) -> Done:
        """Hand one event to the strategy."""
        assert self._runner is not None
        assert self._ground is not None
        self._ground.now_us = max(self._ground.now_us, microseconds(seen.now))
        self._ground.look_into(seen.purse, seen.so_far)
        self._ground.quotes.update((quote.symbol, quote) for quote in seen.quotes)
        try:
            self._hand(seen, self._runner, self._ground)
        except Exception as error:  # noqa: BLE001 - a strategy may raise anything: it is told, and its bot is stopped
            return Done(trouble=told(error))
        return self._done()

    def _hand(self, seen: Seen, runner: Runner, ground: BotGround) -> None:
        if seen.ordered is not None:
            ground.heard(seen.ordered)
            runner.settle()
        elif seen.filled is not None:
            runner.tell([seen.filled])
        elif seen.quote is not None:
            ground.quotes[seen.quote.symbol] = seen.quote
            runner.quote(seen.quote)
        elif seen.trade is not None:
            runner.trade(seen.trade)
        elif seen.book is not None:
            runner.book(seen.book)
        elif seen.bar is not None:
            runner.bar(ground.track(seen.bar.bar.symbol).add(seen.bar.bar, end=seen.bar.end))
        elif seen.stop:
            runner.stop()
            return
        runner.timers()

    def _done(self) -> Done:
        ground, strategy = self._ground, self._strategy
        assert ground is not None
        assert strategy is not None
        acts, ground.acts = ground.acts, []
        decisions = [decision.members(strategy=strategy.called) for decision in ground.decisions]
        ground.decisions.clear()
        due = ground.timers.next_us
        return Done(
            acts=acts,
            decisions=decisions,
            state=strategy.state,
            day=ground.day,
            next_timer=None if due == NEVER else moment_of(due),
            wants=[kind for kind in ("quote", "trade", "book") if _handles(strategy, kind)],
        )


def _handles(strategy: Strategy, kind: str) -> bool:
    """Whether it overrides the handler."""
    return getattr(type(strategy), f"on_{kind}") is not getattr(Strategy, f"on_{kind}")


def told(error: Exception) -> str:
    """What a strategy raised, with the end of its trace: it is the user's own code."""
    lines = traceback.format_exception(error)
    return "".join(lines)[-2_000:] if len(lines) <= TRACE_LINES else "".join(lines[-TRACE_LINES:])[-2_000:]

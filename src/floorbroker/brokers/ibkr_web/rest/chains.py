"""Option chains, whose contracts the venue tells strike by strike: asked for once a day, the nearest to the price first.

    search -> days of expiry     strikes -> strikes of a month     info -> contracts, of a whole month where the gateway does that

Where it does not, every strike and right is a question of its own out of ten requests a second.  One call then asks for those
nearest to the price, and what it leaves out is counted in the chain: the next call goes on where it ended.  Questions come one
after the other, each in the lowest lane, so no more than one of them is ever before anything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping import chains
from floorbroker.brokers.ibkr_web.mapping.chains import Month, Pair
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract, month_of, ticker_of
from floorbroker.brokers.ibkr_web.mapping.market import Fields
from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.asking import Asking
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.brokers.ibkr_web.rest.contracts import Contracts
from floorbroker.brokers.ibkr_web.rest.market import MarketReads
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.options import NEW_YORK, OptionChain, chosen_expiry, in_order
from floorbroker.domain.values import text_of
from floorbroker.transport.types import Transport

ASKED_MAX = 40  # strikes and rights in one call: eight seconds of what reads may use
QUOTED_MAX = 20  # contracts; each takes a line of market data, of which an account has a hundred from the start
_WALK_S = 12.0
_KEPT_MAX = 50_000  # contracts, over all shares
_EVERY_STRIKE = "0"
_NOTHING = "no contracts retrieved"  # so the venue says, with a 500, that there is no contract


@dataclass(slots=True)
class _Share:
    """What is known of the options on a share, on one day in New York."""

    conid: int
    today: date
    session: int  # in which it was searched for: the venue answers about strikes only then
    days: tuple[date, ...]
    months: dict[str, Month] = field(default_factory=dict[str, Month])


class Chains(Asking):
    """The chains of one account's shares.  Safe to ask at the same time: they are told one after the other."""

    def __init__(
        self,
        reads: Transport,
        calls: Calls,
        brokerage: Brokerage,
        contracts: Contracts,
        *,
        market: MarketReads,
        clock: Clock,
    ) -> None:
        super().__init__(reads)
        self._calls = calls
        self._brokerage = brokerage
        self._contracts = contracts
        self._market = market
        self._clock = clock
        self._lock = asyncio.Lock()
        self._kept: dict[str, _Share] = {}

    async def chain(self, underlying: str, expiry: date | None) -> OptionChain:
        """The contracts of one expiration, the next to come unless one is named, those near the price with quotes.

        Raises `SymbolNotFound`, and `ApiError` for answers of which nothing can be made.
        """
        async with self._lock:
            asked_at = self._clock.now()
            share = await self._share(underlying, asked_at.astimezone(NEW_YORK).date())
            day = chosen_expiry(share.days, expiry, today=share.today)
            if day is None:
                raise _none(underlying, expiry)
            month = await self._month(share, underlying, day)
            near = await self._market.about(share.conid) or chains.middle(strike for strike, _ in month.listed)
            await self._walk(share, month, day, near)
            contracts, left_out = month.on(day), {strike for strike, _ in month.open_on(day)}
            if not contracts and not left_out:
                raise _none(underlying, day)
            quoted, note = await self._quotes(month, contracts, near)
            return OptionChain(
                underlying=underlying,
                expiry=day,
                expirations=share.days,
                contracts=in_order(
                    chains.row_of(one, underlying, quoted.get(one), now=self._clock.now()) for one in contracts
                ),
                asked_at=asked_at,
                source="ibkr_web",
                left_out=len(left_out),
                note=f"{_more(left_out, near)}{note}",
            )

    async def _share(self, underlying: str, today: date) -> _Share:
        """Searched for in this session; days and contracts stay what they were for as long as it is the same day."""
        opened = await self._brokerage.ensure()
        kept = self._kept.get(underlying)
        if kept is not None and (kept.today, kept.session) == (today, opened.number):
            return kept
        conid = (await self._contracts.contract(underlying)).conid
        found = await self._ask(
            self._calls.search(ticker_of(underlying)), list[wire.Found], what=f"options on {underlying}"
        )
        days = chains.days_in(found, conid, underlying)
        months = kept.months if kept is not None and (kept.today, kept.conid) == (today, conid) else {}
        if sum(len(month.found) for one in self._kept.values() for month in one.months.values()) >= _KEPT_MAX:
            self._kept.clear()
        share = self._kept[underlying] = _Share(conid, today, opened.number, days, months)
        return share

    async def _month(self, share: _Share, underlying: str, day: date) -> Month:
        name = month_of(day)
        if name not in share.months:
            what = f"strikes of {underlying} in {name}"
            listed = chains.pairs_in(await self._ask(self._calls.strikes(share.conid, name), wire.Strikes, what=what))
            if not listed:  # as it answers a session in which nobody searched
                del self._kept[underlying]
                raise ApiError(f"the venue tells no {what}", broker=BROKER)
            month = Month(root=underlying.replace(".", ""), listed=listed)
            await self._ask_whole(share, month, name)
            share.months[name] = month
        return share.months[name]

    async def _ask_whole(self, share: _Share, month: Month, name: str) -> None:
        """Both rights of every strike in two questions, where the gateway does that; else they stay to be asked for."""
        for right in "CP":
            request = self._calls.option(share.conid, name, _EVERY_STRIKE, right)
            try:
                rows = answers.answers(await self._reads.send(request), wire.OptionInfo, what=f"options of {name}")
                month.hear_whole(rows)
            except ApiError:
                return  # no document promises it, and one by one they are asked for anyway

    async def _walk(self, share: _Share, month: Month, day: date, near: Decimal) -> None:
        """Ask for what is not known of a day, the nearest first, until all is known, or so much was asked.

        A question that fails ends it: the next call goes on with others.  Raises that failure while nothing at all is known.
        """
        end_s = self._clock.monotonic() + _WALK_S
        for _ in range(ASKED_MAX):
            pairs = month.open_on(day)
            if not pairs or self._clock.monotonic() >= end_s:
                return
            pair = min(pairs, key=lambda one: (one in month.put_off, abs(one[0] - near), one))
            try:
                month.hear(pair, await self._at(share, month_of(day), pair))
            except ApiError:
                month.put_off.add(pair)
                if not month.found:
                    raise
                return

    async def _at(self, share: _Share, month: str, pair: Pair) -> Sequence[wire.OptionInfo]:
        strike, right = text_of(pair[0]), pair[1]
        request, what = self._calls.option(share.conid, month, strike, right), f"the options at {strike} {right}"
        return await self._any(request, wire.OptionInfo, what=what, nothing=_NOTHING)

    async def _quotes(
        self, month: Month, contracts: Sequence[OptionContract], near: Decimal
    ) -> tuple[Mapping[OptionContract, Fields], str]:
        """What the nearest contracts are quoted at, and a word about those that are not.  Orders may name each from now on."""
        numbers = chains.numbers(month, contracts)
        for contract, conid in numbers.items():
            self._contracts.learn(Contract(symbol=contract.symbol, conid=conid))
        nearest = sorted(numbers, key=lambda one: (abs(one.strike - near), one.strike, one.right))[:QUOTED_MAX]
        told = await self._market.many([numbers[one] for one in nearest])
        quoted = {one: told[numbers[one]] for one in nearest if numbers[one] in told}
        if nearest and not quoted:
            return {}, "the venue tells no real-time prices of these options"
        word = (
            f"prices are those of the {QUOTED_MAX} contracts nearest to {text_of(near)}: ask for the quote of another"
        )
        return quoted, word if len(contracts) > len(nearest) else ""


def _none(underlying: str, day: date | None) -> SymbolNotFound:
    named = "" if day is None else f" that expires on {day.isoformat()}"
    return SymbolNotFound(f"IBKR_WEB lists no option on {underlying[:40]}{named}", broker=BROKER)


def _more(left_out: set[Decimal], near: Decimal) -> str:
    if not left_out:
        return ""
    return (
        f"{len(left_out)} more strikes are listed in that month, and were not asked for yet: ask again, and those come that"
        f" are nearest to {text_of(near)}; "
    )

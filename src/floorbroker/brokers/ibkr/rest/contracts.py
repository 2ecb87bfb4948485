"""Contracts looked up and kept: symbols to the venue's numbers, instruments with their price steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import requests
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.mapping import contracts, orders
from floorbroker.brokers.ibkr.rest.collect import Listed, Single
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.options import OptionChain, chosen_expiry
from floorbroker.domain.orders import NewOrder

_AGE_S = 3600.0
_CHAIN_S = 30.0
_KEPT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class _Kept:
    asked_s: float
    details: wire.ContractDetails
    instrument: Instrument | None = None


class Contracts:
    """What can be asked about contracts; answers are kept for an hour."""

    def __init__(self, program: Program, *, clock: Clock) -> None:
        self._program = program
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._steps: dict[int, tuple[tuple[Decimal, Decimal], ...]] = {}

    def known(self, symbol: str) -> wire.Contract | None:
        """The contract of a symbol that was looked up before."""
        kept = self._kept.get(symbol)
        return None if kept is None else kept.details.contract

    async def contract(self, symbol: str) -> wire.Contract:
        """With the venue's number.  Raises `SymbolNotFound`."""
        return (await self._looked(symbol)).details.contract

    async def _looked(self, symbol: str) -> _Kept:
        kept = self._kept.get(symbol)
        if kept is not None and self._clock.monotonic() - kept.asked_s < _AGE_S:
            return kept
        wanted, number = contracts.contract_for(symbol), self._program.next_request()
        found = await self._program.ask(
            Listed((wire.ContractDetails,), wire.ContractDetailsEnd, request=number, what=f"the contract of {symbol}"),
            lambda version: requests.contract_details(number, wanted, version=version),
            endpoint="contracts.details",
        )
        kept = _Kept(self._clock.monotonic(), contracts.one_of(symbol, found.rows))
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[symbol] = kept
        return kept

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules for a symbol.  Raises `SymbolNotFound`."""
        kept = await self._looked(symbol)
        if kept.instrument is None:
            steps = await self._price_steps(contracts.rule_of(kept.details))
            made = contracts.instrument_from(symbol, kept.details, steps, as_of=self._clock.now())
            kept = self._kept[symbol] = _Kept(kept.asked_s, kept.details, made)
        assert kept.instrument is not None
        return kept.instrument

    async def _price_steps(self, rule: int | None) -> tuple[tuple[Decimal, Decimal], ...]:
        if rule is None:
            return ()
        if rule not in self._steps:
            told = await self._program.ask(
                Single(wire.MarketRule, lambda found: found.rule_id == rule, request=rule, what="a market rule"),
                lambda _: requests.market_rule(rule),
                endpoint="contracts.rules",
            )
            if told.answer is None:
                raise ApiError("a market rule is not told", broker=BROKER)
            self._steps[rule] = told.answer.increments
        return self._steps[rule]

    async def chain(self, underlying: str, expiry: date | None) -> OptionChain:
        """The contracts of one expiration, the next to come unless one is named, without prices: each is asked for by itself.

        Raises `SymbolNotFound`.
        """
        asked_at = self._clock.now()
        share = await self.contract(underlying)
        days = await self._expirations(share)
        day = chosen_expiry(days, expiry, today=asked_at.astimezone(contracts.NEW_YORK).date())
        if day is None:
            named = "" if expiry is None else f" that expires on {expiry.isoformat()}"
            raise SymbolNotFound(f"IBKR lists no option on {underlying[:40]}{named}", broker=BROKER)
        wanted, number = contracts.options_on(share, day), self._program.next_request()
        found = await self._program.ask(
            Listed((wire.ContractDetails,), wire.ContractDetailsEnd, request=number, what=f"options on {underlying}"),
            lambda version: requests.contract_details(number, wanted, version=version),
            endpoint="contracts.details",
            within_s=_CHAIN_S,
        )
        listed = contracts.listed_from(underlying, day, found.rows)
        return OptionChain(
            underlying=underlying,
            expiry=day,
            expirations=days,
            contracts=listed,
            asked_at=asked_at,
            source="ibkr",
            note="no prices come with a chain here: ask for the quote of a contract",
        )

    async def _expirations(self, share: wire.Contract) -> tuple[date, ...]:
        """Every day on which options on a share expire, at any exchange."""
        number = self._program.next_request()
        found = await self._program.ask(
            Listed((wire.OptionParams,), wire.OptionParamsEnd, request=number, what=f"expirations of {share.symbol}"),
            lambda _: requests.option_params(number, symbol=share.symbol, sec_type=share.sec_type, con_id=share.con_id),
            endpoint="contracts.options",
        )
        days = {day for row in found.rows for text in row.expirations if (day := contracts.day_of(text)) is not None}
        return tuple(sorted(days))

    async def combo(self, order: NewOrder) -> wire.Contract:
        """The combo of a multi-leg order."""
        return orders.combo(order, [(leg, await self.contract(leg.symbol)) for leg in order.legs])

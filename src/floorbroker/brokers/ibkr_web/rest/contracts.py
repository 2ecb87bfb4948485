"""Contracts looked up and kept: symbols to numbers and back, instruments (kept for an hour)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.info import INFO
from floorbroker.brokers.ibkr_web.mapping import contracts
from floorbroker.brokers.ibkr_web.mapping.contracts import Contract, Known
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, conid_of
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.asking import Asking
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract, asset_class_of
from floorbroker.domain.values import text_of
from floorbroker.transport.types import Transport

_RULES_AGE_S = 3600.0
_RULES_MAX = 2_000
_DEFINED_MAX = 200
_SYMBOL_MAX = 32
_NOBODY = "no symbol found"  # so the venue says of a search that finds nothing


@dataclass(frozen=True, slots=True)
class _Kept:
    asked_s: float
    instrument: Instrument


class Contracts(Asking):
    """What can be asked about contracts."""

    def __init__(self, reads: Transport, calls: Calls, brokerage: Brokerage, known: Known, *, clock: Clock) -> None:
        super().__init__(reads)
        self._calls = calls
        self._brokerage = brokerage
        self._known = known
        self._clock = clock
        self._instruments: dict[str, _Kept] = {}

    async def contract(self, symbol: str) -> Contract:
        """The number of a symbol.  Raises `SymbolNotFound`."""
        if (found := self._known.contract(symbol)) is not None:
            return found
        if asset_class_of(symbol) not in INFO.asset_classes or not symbol.isascii() or len(symbol) > _SYMBOL_MAX:
            raise SymbolNotFound(
                f"IBKR_WEB trades shares and options, and {symbol[:_SYMBOL_MAX]} is neither", broker=BROKER
            )
        option = OptionContract.parse(symbol)
        looked = await (self._share(symbol) if option is None else self._option(option))
        self._known.learn(looked)
        return looked

    def learn(self, contract: Contract) -> None:
        """A contract that another look-up told, in all its terms."""
        self._known.learn(contract)

    async def _share(self, symbol: str) -> Contract:
        found = await self._ask(
            self._calls.stocks(contracts.ticker_of(symbol)),
            dict[str, list[wire.Stock] | None],
            what=f"the share {symbol}",
        )
        return contracts.share_in({name: rows or [] for name, rows in found.items()}, symbol)

    async def _option(self, option: OptionContract) -> Contract:
        """On the first underlying that has options of its class.  Raises `SymbolNotFound` of the likeliest where none has."""
        await self._brokerage.ensure()
        missing: list[SymbolNotFound] = []
        for ticker in contracts.underlyings_of(option.root):
            try:
                return await self._option_on(ticker, option)
            except SymbolNotFound as error:
                missing.append(error)
        raise missing[0]

    async def _option_on(self, ticker: str, option: OptionContract) -> Contract:
        """Search, strikes, contract: in this order, since the venue answers the later ones only after the first."""
        what, month = f"the option {option.symbol}", contracts.month_of(option.expiry)
        rows = await self._any(self._calls.search(ticker), wire.Found, what=what, nothing=_NOBODY)
        underlying = contracts.underlying_in(rows, ticker, month)
        strikes = await self._ask(self._calls.strikes(underlying, month), wire.Strikes, what=what)
        contracts.assert_strike(strikes, option)
        request = self._calls.option(underlying, month, text_of(option.strike), option.right)
        infos = answers.answers(await self._reads.send(request), wire.OptionInfo, what=what)
        return contracts.option_in(infos, option)

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules, kept for an hour."""
        kept = self._instruments.get(symbol)
        if kept is not None and self._clock.monotonic() - kept.asked_s < _RULES_AGE_S:
            return kept.instrument
        contract = await self.contract(symbol)
        told = await self._ask(self._calls.definitions([contract.conid]), wire.Definitions, what=f"{symbol}")
        definition = next((one for one in told.secdef or [] if conid_of(one.conid) == contract.conid), None)
        if definition is None:
            raise SymbolNotFound(f"the venue does not define {symbol}", broker=BROKER)
        rules = await self._ask(self._calls.rules(contract.conid), wire.Rules, what=f"the rules of {symbol}")
        opened = self._brokerage.opened
        found = contracts.instrument_from(
            symbol, definition, rules, account=opened.account if opened else None, as_of=self._clock.now()
        )
        if len(self._instruments) >= _RULES_MAX:
            self._instruments.clear()
        self._instruments[symbol] = _Kept(self._clock.monotonic(), found)
        return found

    async def name(self, conids: Iterable[int | str | None]) -> None:
        """Learn what contracts are that others brought up: rows and positions name them by number.  It fills no look-up."""
        unknown = sorted(
            {conid for each in conids if (conid := conid_of(each)) is not None and not self._known.has(conid)}
        )
        for begin in range(0, len(unknown), _DEFINED_MAX):
            asked = unknown[begin : begin + _DEFINED_MAX]
            told = await self._ask(self._calls.definitions(asked), wire.Definitions, what="contracts")
            defined = {conid_of(one.conid): one for one in told.secdef or []}
            for conid in asked:
                one = defined.get(conid)
                self._known.name(conid, await self._symbol(conid, one) if one is not None else None)

    async def _symbol(self, conid: int, definition: wire.Definition) -> str | None:
        """A share has its ticker; the definition of an option does not tell its class."""
        if not contracts.is_option(definition):
            return contracts.symbol_in(definition)
        await self._brokerage.ensure()
        info = await self._ask(self._calls.contract_info(conid), wire.ContractInfo, what="an option")
        if conid_of(info.con_id) != conid:
            raise ApiError("the reply is about another contract", broker=BROKER)
        return contracts.symbol_in(definition, trading_class=info.trading_class)

"""Contracts as the socket spells them: the twelve fields of a request, the eleven of an answer, and the long description.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#contracts
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain.values import text_of
from floorbroker_sim.ibkr.codec import Reader, Word

LISTED_SINCE = 164  # no version field, sizes instead of a multiplier
ISSUER_SINCE = 176


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg of a combination, as ordered: `ratio` units of a contract for each unit of the combination."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: str = "0"
    short_slot: str = "0"
    located_at: str = ""
    exempt: str = "-1"

    @property
    def words(self) -> list[Word]:
        return [
            self.con_id, self.ratio, self.action, self.exchange, self.open_close, self.short_slot, self.located_at, self.exempt,
        ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a client names, or what the venue knows.  `strike` is zero and texts are empty where nothing is said."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade: str = ""
    strike: Decimal = Decimal(0)
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary: str = ""
    currency: str = ""
    local: str = ""
    trading_class: str = ""

    @property
    def words(self) -> list[Word]:
        """The eleven fields of most answers: no primary exchange."""
        return [*self.short_words[:7], self.exchange, *self.short_words[7:]]

    @property
    def portfolio_words(self) -> list[Word]:
        """As the portfolio names it: the primary exchange in place of the exchange."""
        return [*self.short_words[:7], self.primary, *self.short_words[7:]]

    @property
    def short_words(self) -> list[Word]:
        """Without any exchange: up to the multiplier, then currency, local symbol and trading class."""
        strike = text_of(self.strike) if self.strike else "0.0"
        return [
            self.con_id, self.symbol, self.sec_type, self.last_trade, strike, self.right, self.multiplier,
            self.currency, self.local, self.trading_class,
        ]  # fmt: skip


def read_contract(reader: Reader) -> Contract:
    """The twelve fields of a request.  Raises `BadMessage`."""
    con_id, (symbol, sec_type, last_trade) = reader.whole(), reader.texts(3)
    strike = reader.number() or Decimal(0)
    right, multiplier, exchange, primary, currency, local, trading_class = reader.texts(7)
    return Contract(
        con_id=con_id, symbol=symbol, sec_type=sec_type, last_trade=last_trade, strike=strike, right=right,
        multiplier=multiplier, exchange=exchange, primary=primary, currency=currency, local=local, trading_class=trading_class,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A contract with everything the venue says of it.  Times of sessions are in `zone`."""

    contract: Contract
    market_name: str
    min_tick: Decimal
    order_types: str
    exchanges: str
    under_con_id: int
    long_name: str
    month: str
    industry: tuple[str, str, str]
    zone: str
    hours: str
    liquid_hours: str
    agg_group: int
    under_symbol: str
    under_type: str
    rules: str
    real_expiry: str
    stock_type: str
    sizes: tuple[Decimal, Decimal, Decimal]  # least, step, suggested step

    def words(self, request: int, version: int) -> list[Word]:
        """The whole `contractDetails` message."""
        c = self.contract
        old = version < LISTED_SINCE
        return [
            10, *([8] if old else []), request, c.symbol, c.sec_type, c.last_trade, c.short_words[4], c.right, c.exchange,
            c.currency, c.local, self.market_name, c.trading_class, c.con_id, self.min_tick, *([1] if old else []),
            c.multiplier, self.order_types, self.exchanges, 1, self.under_con_id, self.long_name, c.primary, self.month,
            *self.industry, self.zone, self.hours, self.liquid_hours, "", 0, 0, self.agg_group, self.under_symbol,
            self.under_type, self.rules, self.real_expiry, self.stock_type, *(self._sizes(version)),
        ]  # fmt: skip

    def _sizes(self, version: int) -> list[Word]:
        if version == LISTED_SINCE - 1:
            return [self.sizes[2]]
        return list(self.sizes) if version >= LISTED_SINCE else []

"""Accounts, balances, positions, instruments and hours.

Kraken knows balances alone.  A coin is told as a position too, in the pair it was last traded in, else with the option
`quote`: the desk counts what fills bought and sold, and compares.  Documents: docs.kraken.com/api-reference/account-data and
.../market-data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.symbols import FIAT, asset_of
from floorbroker.brokers.kraken.mapping.values import BROKER, needed, number
from floorbroker.domain.errors import ApiError, InvalidRequest
from floorbroker.domain.instrument import Instrument, TickRule
from floorbroker.domain.records import (
    Account,
    Balance,
    ExecutionReport,
    KeyPermissions,
    MarketHours,
    Position,
    RiskMetrics,
)
from floorbroker.domain.values import ZERO, AssetClass, ExecType

ALWAYS = "24/7"
_MARKETS = frozenset({"crypto", ALWAYS, "24x7", "KRAKEN"})
_DECIMALS_MAX = 18
# What the system takes in each of its states; new words count as closed, since nobody knows what they mean.
_TRADING = frozenset({"online", "post_only", "limit_only"})
WITHDRAW = "withdraw-funds"
TRADE = "modify-trades"
CANCEL = "close-trades"
NEEDED = ("query-funds", "query-open-trades", "query-closed-trades", TRADE, CANCEL, "create-ws-token")


# -- balances ---------------------------------------------------------------------------------------------------------------


def balances_from(held: Mapping[str, wire.Holding]) -> tuple[Balance, ...]:
    """Every asset that is not zero, by our name (`BTC`, `ETH.B`); what is bound cannot be spent."""
    return tuple(_balance(name, holding) for name, holding in sorted(held.items()) if holding.balance)


def _balance(name: str, holding: wire.Holding) -> Balance:
    asset = asset_of(name)
    total = needed(holding.balance, what="a balance")
    return Balance(currency=asset.name, total=total, available=_free(holding) if asset.is_free else ZERO)


def _free(holding: wire.Holding) -> Decimal:
    """available = balance + credit - credit used - held for open orders."""
    credit = needed(holding.credit, what="a credit") - needed(holding.credit_used, what="a credit")
    return needed(holding.balance, what="a balance") + credit - needed(holding.hold_trade, what="a hold")


def coins_of(held: Mapping[str, wire.Holding], *, quote: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Units and free units of each coin, what earns and can be spent included; bound coins and currencies are none."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for name, holding in held.items():
        asset = asset_of(name)
        if not asset.is_free or asset.currency in FIAT or asset.currency == quote:
            continue
        total, free = found.get(asset.currency, (ZERO, ZERO))
        found[asset.currency] = (total + needed(holding.balance, what="a balance"), free + _free(holding))
    return {coin: amounts for coin, amounts in sorted(found.items()) if amounts[0]}


class Traded:
    """The pair that each coin was last traded in, as far as we heard."""

    def __init__(self, *, quote: str) -> None:
        self._quote = quote
        self._last: dict[str, tuple[datetime, str]] = {}

    def hear(self, reports: Iterable[ExecutionReport]) -> None:
        """Trades, from wherever they are told."""
        for report in reports:
            coin, _, quote = report.symbol.partition("/")
            if report.exec_type is not ExecType.TRADE or not quote:
                continue
            at = report.transact_time or report.at
            known = self._last.get(coin)
            if known is None or known[0] <= at:
                self._last[coin] = (at, report.symbol)

    def symbol_of(self, coin: str) -> str:
        """Where its position is told."""
        known = self._last.get(coin)
        return f"{coin}/{self._quote}" if known is None else known[1]


def positions_from(
    coins: Mapping[str, tuple[Decimal, Decimal]], prices: Mapping[str, Decimal], traded: Traded
) -> tuple[Position, ...]:
    """A coin as a position; without a price it has no value."""
    found: list[Position] = []
    for coin, (total, free) in coins.items():
        symbol = traded.symbol_of(coin)
        price = prices.get(symbol)
        worth = None if price is None else total * price
        found.append(Position(symbol=symbol, qty=total, qty_available=free, market_px=price, market_value=worth))
    return tuple(found)


def account_from(
    held: Mapping[str, wire.Holding], told: wire.TradeBalance, key: wire.Key | None, *, quote: str
) -> Account:
    """The account in its quote currency; `equity` is the venue's own valuation of everything.

    Its number is the public account ID, without the spaces that the answer has in it: one text to compare with.
    """
    cash = [holding for name, holding in held.items() if asset_of(name).currency == quote and asset_of(name).is_free]
    permissions = permissions_from(key)
    blocked = "the key may not place orders" if permissions.trade is False else None
    return Account(
        account="" if key is None or key.iban is None else key.iban.replace(" ", ""),
        currency=quote,
        cash=sum((needed(holding.balance, what="a balance") for holding in cash), ZERO),
        equity=needed(told.eb, what="the equity"),
        buying_power=sum((_free(holding) for holding in cash), ZERO),
        can_trade=blocked is None,
        blocked_reason=blocked,
    )


def permissions_from(key: wire.Key | None) -> KeyPermissions:
    """What a key may do, by the venue's own list; nothing where it did not say."""
    if key is None:
        return KeyPermissions(detail="the venue does not tell what this key may do")
    held = frozenset(key.permissions)
    lacking = [name for name in NEEDED if name not in held]
    return KeyPermissions(
        read="query-funds" in held and "query-open-trades" in held,
        trade=TRADE in held,
        withdraw=WITHDRAW in held,
        detail=f"the key lacks {', '.join(lacking)}" if lacking else "",
    )


# -- instruments --------------------------------------------------------------------------------------------------------------


def instrument_from(symbol: str, pair: wire.Pair, *, as_of: datetime) -> Instrument:
    """The rules of one pair: price step, quantity step, smallest order in units and in money."""
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.CRYPTO,
        currency=symbol.partition("/")[2],
        venue_id=pair.altname,
        ticks=(TickRule(from_price=ZERO, tick=_tick(pair)),),
        lot=_step(pair.lot_decimals),
        min_qty=number(pair.ordermin, what="the smallest order") or ZERO,
        min_notional=number(pair.costmin, what="the smallest cost") or ZERO,
        calendar=ALWAYS,
        tradable=pair.status in _TRADING,
        as_of=as_of,
    )


def _tick(pair: wire.Pair) -> Decimal:
    tick = number(pair.tick_size, what="the price step")
    return tick if tick is not None and tick > 0 else _step(pair.pair_decimals)


def _step(decimals: int) -> Decimal:
    if not 0 <= decimals <= _DECIMALS_MAX:
        raise ApiError("an instrument has an unlikely number of decimals", broker=BROKER)
    return Decimal(1).scaleb(-decimals)


# -- hours --------------------------------------------------------------------------------------------------------------------


def check_market(market: str) -> None:
    """Raises `InvalidRequest` for markets that are not Kraken's."""
    if market not in _MARKETS:
        raise InvalidRequest(f"{market[:20]!r} is no market of Kraken; it has one, 24/7 (crypto)")


def hours_of(market: str, day: date, *, status: str) -> MarketHours:
    """A market that never closes, in UTC days; not open now in maintenance and while only cancels are taken."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    return MarketHours(
        market=market,
        day=day,
        is_open_day=True,
        open=start,
        close=start + timedelta(days=1),
        is_open_now=status in _TRADING,
    )


# -- exposure -----------------------------------------------------------------------------------------------------------------


def risk_from(account: Account, values: Sequence[Decimal], open_orders: int) -> RiskMetrics:
    """Exposure by what each coin is worth in the account's currency; a coin without a price counts nothing."""
    gross, equity = sum((abs(value) for value in values), ZERO), account.equity
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=sum(values, ZERO),
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max((abs(value) for value in values), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )

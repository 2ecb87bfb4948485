"""The account, what it holds, what its key may do, and what an order ties up.

A spot account has balances and nothing else.  Coins are shown as positions against the currency they are usually traded in, so
that the desk can compare them with its fills; currencies that money is counted in are balances alone.
Document: developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.orders import take_profit_of
from floorbroker.brokers.binance.mapping.symbols import Rules, Symbols
from floorbroker.brokers.binance.mapping.values import needed
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Account, Balance, KeyPermissions, MarginRequirement, Position, RiskMetrics
from floorbroker.domain.values import ZERO, OrderClass

MONEY = frozenset(
    {
        "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD1", "USDP", "DAI", "AEUR", "EURI", "EUR", "TRY", "BRL", "GBP", "AUD",
        "JPY", "PLN", "RON", "ARS", "UAH", "ZAR", "MXN", "COP", "CZK", "RUB", "NGN", "IDRT", "BIDR", "BKRW", "VAI",
    }
)  # fmt: skip
"""Currencies that are money here: never shown as a position."""
ANCHORS = ("USDT", "USDC", "FDUSD", "BTC", "EUR", "TRY", "BNB", "ETH")
"""What a coin is shown against, the first that has a market with it."""


def balances_from(told: wire.Account) -> tuple[Balance, ...]:
    """Every currency and coin with anything in it."""
    found = (_balance(one) for one in told.balances)
    return tuple(balance for balance in found if balance.total != 0)


def _balance(told: wire.AssetBalance) -> Balance:
    free, locked = needed(told.free, what="a balance"), needed(told.locked, what="a balance")
    return Balance(currency=told.asset, total=free + locked, available=free)


def account_from(told: wire.Account, *, currency: str, prices: Mapping[str, Decimal], symbols: Symbols) -> Account:
    """`prices` are by venue symbol; what has no price in `currency` counts as nothing in the equity."""
    balances = balances_from(told)
    mine = next((balance for balance in balances if balance.currency == currency), None)
    return Account(
        account="" if told.uid is None else str(told.uid),
        currency=currency,
        cash=ZERO if mine is None else mine.total,
        equity=sum((worth(one.currency, one.total, currency, prices, symbols) or ZERO for one in balances), ZERO),
        buying_power=ZERO if mine is None else mine.available,
        environment_hint="",  # the venue says nothing that would tell its test network from its market
        can_trade=told.can_trade,
        blocked_reason=None if told.can_trade else "the account may not trade",
    )


def worth(
    asset: str, amount: Decimal, currency: str, prices: Mapping[str, Decimal], symbols: Symbols
) -> Decimal | None:
    """An amount of one coin in another, by their market, or through one of the anchors; None where there is no way."""
    rate = _rate(asset, currency, prices, symbols)
    if rate is not None:
        return amount * rate
    for anchor in ANCHORS:
        first, second = _rate(asset, anchor, prices, symbols), _rate(anchor, currency, prices, symbols)
        if first is not None and second is not None:
            return amount * first * second
    return None


def _rate(base: str, quote: str, prices: Mapping[str, Decimal], symbols: Symbols) -> Decimal | None:
    if base == quote:
        return Decimal(1)
    if (rules := symbols.find(f"{base}/{quote}")) is not None and (price := prices.get(rules.wire_symbol)):
        return price
    if (rules := symbols.find(f"{quote}/{base}")) is not None and (price := prices.get(rules.wire_symbol)):
        return 1 / price
    return None


def priced_by(held: Iterable[str], currency: str, symbols: Symbols) -> tuple[str, ...]:
    """The venue symbols whose prices tell what these coins are worth in `currency`."""
    found: dict[str, None] = {}
    for asset in held:
        for quote in (currency, *ANCHORS):
            for rules in (symbols.find(f"{asset}/{quote}"), symbols.find(f"{quote}/{asset}")):
                if rules is not None:
                    found[rules.wire_symbol] = None
    return tuple(found)


def positions_from(
    balances: Iterable[Balance],
    *,
    symbols: Symbols,
    traded: Mapping[str, str],
    prices: Mapping[str, Decimal] | None = None,
) -> tuple[Position, ...]:
    """Coins as positions.  `traded` is the symbol that each coin was last traded in, as far as we saw.

    A coin without any market is a balance alone.
    """
    found: list[Position] = []
    for balance in balances:
        rules = None if balance.currency in MONEY else _shown_in(balance.currency, symbols, traded)
        if rules is None:
            continue
        price = (prices or {}).get(rules.wire_symbol)
        found.append(
            Position(
                symbol=rules.symbol,
                qty=balance.total,
                qty_available=balance.available,
                market_px=price,
                market_value=None if price is None else balance.total * price,
            )
        )
    return tuple(found)


def _shown_in(coin: str, symbols: Symbols, traded: Mapping[str, str]) -> Rules | None:
    known = symbols.find(traded[coin]) if coin in traded else None
    if known is not None:
        return known
    found = (symbols.find(f"{coin}/{anchor}") for anchor in ANCHORS)
    return next((rules for rules in found if rules is not None), None)


# -- the key ------------------------------------------------------------------------------------------------------------


def permissions_from(told: wire.KeyRights) -> KeyPermissions:
    """What the venue says of the key itself.  A transfer to another account of the venue is money leaving as well."""
    leaving = (told.enable_withdrawals, told.enable_internal_transfer)
    withdraw = True if True in leaving else False if told.enable_withdrawals is False else None
    limited = "" if told.ip_restrict is None else " from listed addresses" if told.ip_restrict else " from any address"
    return KeyPermissions(
        read=told.enable_reading,
        trade=told.enable_spot_and_margin_trading,
        withdraw=withdraw,
        detail=f"the key works{limited}" if limited else "",
    )


def permissions_of_play_money(told: wire.Account) -> KeyPermissions:
    """The test network does not tell the rights of a key; its money goes nowhere."""
    return KeyPermissions(
        read=True, trade=told.can_trade, withdraw=False, detail="there is no money to move on the test network"
    )


# -- exposure -----------------------------------------------------------------------------------------------------------


def risk_from(account: Account, values: Sequence[Decimal], open_orders: int) -> RiskMetrics:
    """`values` are what the coins held are worth in the account's currency."""
    gross = sum((abs(value) for value in values), ZERO)
    equity = account.equity
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=sum(values, ZERO),
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max((abs(value) for value in values), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )


def margin_for(
    order: NewOrder, rules: Rules, *, reference: Decimal | None, commission: wire.Commission
) -> MarginRequirement:
    """Spot is paid in full: a buy ties up money, a sale coins.  The fee is the taker's, by the venue's word for this symbol."""
    price = (
        take_profit_of(order) if order.order_class is OrderClass.OCO else (order.price or order.stop_px or reference)
    )
    if order.notional is None and price is None:
        raise NotSupported(f"{order.symbol} has no price to compute a cost from")
    value = order.notional if order.notional is not None else (order.order_qty or ZERO) * (price or ZERO)
    parts = (commission.standard_commission, commission.special_commission, commission.tax_commission)
    rate = sum((needed(part.taker, what="a commission") for part in parts), ZERO)
    return MarginRequirement(
        currency=rules.quote, initial=value, buying_power_effect=value, fees=value * rate, source="computed"
    )

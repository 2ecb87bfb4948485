"""Accounts, keys, balances and positions.

Documents: bybit-exchange.github.io/docs/v5/account/wallet-balance, /position, /user/apikey-info.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, SETTLE_COINS, Symbols
from floorbroker.brokers.bybit.mapping.values import above_zero, number, word
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import Account, Balance, KeyPermissions, Position, RiskMetrics
from floorbroker.domain.values import ZERO, Price

_SIGNS = {"Buy": 1, "Sell": -1, "": 0, "None": 0}
_UNIFIED = frozenset({3, 4, 5, 6})
_TRADING = frozenset({"ContractTrade", "Spot", "Derivatives"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSide:
    """One side of a perpetual's position (hedge mode has two).  `qty` is signed; prices in the settle coin."""

    symbol: str
    position_idx: int
    qty: Decimal
    avg_px: Price | None = None
    leverage: Decimal | None = None
    take_profit: Price | None = None
    stop_loss: Price | None = None
    trailing_stop: Decimal | None = None
    market_px: Price | None = None
    unrealized_pl: Decimal | None = None


def account_from(wallet: wire.Wallet, key: wire.KeyInfo, info: wire.AccountInfo, *, currency: str) -> Account:
    """The account in `currency`, one of the coins that contracts settle in.

    Cash is that coin alone.  Equity, buying power and margins are the venue's totals over all coins, told in US dollars: a
    dollar is taken for one of the coin.  In isolated and portfolio margin it tells none; then coins are added up.
    """
    coins = wallet.coin or []
    worth = sum((number(coin.usd_value) or ZERO for coin in coins), ZERO)
    equity = _told(wallet.total_equity, worth)
    cash = (number(coin.wallet_balance, what="a balance") or ZERO for coin in coins if coin.coin == currency)
    blocked = _blocked_reason(key, info)
    return Account(
        account=str(key.user_id)[:40],
        currency=currency,
        cash=sum(cash, ZERO),
        equity=equity,
        buying_power=_told(wallet.total_available_balance, _free_money(coins)),
        can_trade=blocked is None,
        can_short=True,
        initial_margin=number(wallet.total_initial_margin),
        maintenance_margin=number(wallet.total_maintenance_margin),
        blocked_reason=blocked,
    )


def _told(total: str | None, otherwise: Decimal) -> Decimal:
    found = number(total, what="a total")
    return otherwise if found is None else found


def _free_money(coins: Sequence[wire.Coin]) -> Decimal:
    """What is free of the coins that contracts settle in, each taken for a dollar."""
    return sum((max(free_of(coin), ZERO) for coin in coins if coin.coin in SETTLE_COINS), ZERO)


def free_of(coin: wire.Coin) -> Decimal:
    """Coins that no spot order holds and no position ties up."""
    held = (
        number(part, what="an amount") or ZERO for part in (coin.locked, coin.total_order_im, coin.total_position_im)
    )
    return (number(coin.wallet_balance, what="a balance") or ZERO) - sum(held, ZERO)


def _blocked_reason(key: wire.KeyInfo, info: wire.AccountInfo) -> str | None:
    if info.unified_margin_status not in _UNIFIED:
        return "this is a classic account: trading here needs a unified trading account"
    if key.read_only:
        return "this key is read-only"
    return None if _may_trade(key) else "this key has no permission to trade"


def permissions_from(key: wire.KeyInfo) -> KeyPermissions:
    """What the venue says of a key: reading is what every key may; `Wallet` lists what it may do with money."""
    permissions = key.permissions or {}
    wallet = permissions.get("Wallet") or []
    withdraws = any("withdraw" in name.lower() for names in permissions.values() for name in names or ())
    return KeyPermissions(
        read=True,
        trade=not key.read_only and _may_trade(key),
        withdraw=withdraws and not key.read_only,
        detail=_detail(key, wallet),
    )


def _may_trade(key: wire.KeyInfo) -> bool:
    permissions = key.permissions or {}
    return any(permissions.get(kind) for kind in _TRADING)


def _detail(key: wire.KeyInfo, wallet: Sequence[str]) -> str:
    parts = ["read-only" if key.read_only else "reads and trades"]
    if wallet:
        parts.append(f"wallet: {', '.join(word(name) for name in wallet[:8])}")
    if not key.ips or key.ips == ["*"]:
        parts.append("not bound to an address")
        if key.expired_at:
            parts.append(f"expires {word(key.expired_at)}")
    return "; ".join(parts)


def balances_from(wallet: wire.Wallet) -> tuple[Balance, ...]:
    """Every coin."""
    return tuple(
        Balance(
            currency=coin.coin,
            total=number(coin.wallet_balance, what="a balance") or ZERO,
            available=free_of(coin),
        )
        for coin in wallet.coin or []
    )


# -- positions ------------------------------------------------------------------------------------------------------------


def spot_positions(wallet: wire.Wallet, *, quote: str) -> Iterable[Position]:
    """Coins of the wallet as positions in the pair with `quote`; the money that contracts settle in is a balance alone."""
    for coin in wallet.coin or []:
        held = number(coin.wallet_balance, what="a balance") or ZERO
        if coin.coin in SETTLE_COINS or held == 0:
            continue
        yield Position(
            symbol=f"{coin.coin}/{quote}",
            qty=held,
            market_value=number(coin.usd_value, what="a value"),
            qty_available=held - (number(coin.locked, what="an amount") or ZERO),
        )


def side_from(position: wire.Position, symbols: Symbols) -> PositionSide:
    """One row of the position list; raises `ApiError` for a side nobody knows."""
    if position.side not in _SIGNS:
        raise ApiError(f"a position has the unknown side {word(position.side)}", broker=BROKER)
    size = number(position.size, what="a quantity") or ZERO
    return PositionSide(
        symbol=symbols.from_wire(LINEAR, position.symbol),
        position_idx=position.position_idx,
        qty=_SIGNS[position.side] * size,
        avg_px=_price(position.avg_price),
        leverage=number(position.leverage, what="a leverage"),
        take_profit=_price(position.take_profit),
        stop_loss=_price(position.stop_loss),
        trailing_stop=above_zero(position.trailing_stop, what="a trailing stop"),
        market_px=_price(position.mark_price),
        unrealized_pl=number(position.unrealised_pnl, what="a profit"),
    )


def _price(value: str | None) -> Price | None:
    found = above_zero(value, what="a price")
    return None if found is None else Price(found)


def net_positions(sides: Iterable[PositionSide]) -> tuple[Position, ...]:
    """One signed position a symbol.  The two sides of a hedge are netted, and then have no price of their own."""
    by_symbol: dict[str, list[PositionSide]] = {}
    for side in sides:
        if side.qty != 0:
            by_symbol.setdefault(side.symbol, []).append(side)
    return tuple(_net(symbol, held) for symbol, held in by_symbol.items())


def _net(symbol: str, held: Sequence[PositionSide]) -> Position:
    qty = sum((side.qty for side in held), ZERO)
    market_px = held[0].market_px
    return Position(
        symbol=symbol,
        qty=qty,
        avg_px=held[0].avg_px if len(held) == 1 else None,
        market_px=market_px,
        market_value=None if market_px is None else qty * market_px,
        unrealized_pl=sum((side.unrealized_pl or ZERO for side in held), ZERO),
    )


def risk_from(account: Account, positions: Sequence[Position], open_orders: int) -> RiskMetrics:
    """Exposure from market values; a position without one counts at its entry price."""
    values = [_value(position) for position in positions]
    gross, net = sum((abs(v) for v in values), ZERO), sum(values, ZERO)
    equity = account.equity
    return RiskMetrics(
        currency=account.currency,
        equity=equity,
        gross_exposure=gross,
        net_exposure=net,
        leverage=gross / equity if equity > 0 else ZERO,
        concentration=max((abs(v) for v in values), default=ZERO) / equity if equity > 0 else ZERO,
        open_orders=open_orders,
    )


def _value(position: Position) -> Decimal:
    if position.market_value is not None:
        return position.market_value
    return position.qty * (position.market_px or position.avg_px or ZERO)

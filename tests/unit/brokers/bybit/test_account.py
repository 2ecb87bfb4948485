"""Accounts, keys, balances, positions, instruments and hours."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping import account as accounts
from floorbroker.brokers.bybit.mapping.instruments import hours_of, rules_from
from floorbroker.brokers.bybit.mapping.symbols import Symbols
from floorbroker.domain.errors import ApiError, InvalidRequest, SymbolNotFound
from floorbroker.domain.records import Position
from floorbroker.domain.values import AssetClass
from tests.unit.brokers.bybit.fakes import NOW, PAIR, PERP, parsed


def wallet(**changes: Any) -> wire.Wallet:
    found = parsed("wallet")["list"][0] | changes
    return wire.decode(json.dumps(found).encode(), wire.Wallet, what="a wallet")


def key(**changes: Any) -> wire.KeyInfo:
    return wire.decode(json.dumps(parsed("key") | changes).encode(), wire.KeyInfo, what="a key")


def info(**changes: Any) -> wire.AccountInfo:
    return wire.decode(json.dumps(parsed("account_info") | changes).encode(), wire.AccountInfo, what="an account")


def test_an_account_has_one_money_and_totals_over_all_coins() -> None:
    account = accounts.account_from(wallet(), key(), info(), currency="USDT")
    assert (account.account, account.currency) == ("24617703", "USDT")
    assert (account.cash, account.equity, account.buying_power) == (
        Decimal(4950),
        Decimal("12000.5"),
        Decimal("9000.75"),
    )
    assert (account.initial_margin, account.maintenance_margin) == (Decimal(2500), Decimal(125))
    assert (account.can_trade, account.can_short, account.environment_hint) == (True, True, "")


def test_without_totals_coins_are_added_up() -> None:
    account = accounts.account_from(wallet(totalEquity="", totalAvailableBalance=""), key(), info(), currency="USDC")
    assert (account.cash, account.equity) == (Decimal(600), Decimal("12000.3"))
    assert account.buying_power == Decimal(4300 + 600)


@pytest.mark.parametrize(
    ("of_key", "of_account", "reason"),
    [
        ({"readOnly": 1}, {}, "read-only"),
        ({"permissions": {"Wallet": ["AccountTransfer"]}}, {}, "no permission"),
        ({}, {"unifiedMarginStatus": 1}, "classic"),
    ],
)
def test_why_an_account_cannot_trade(of_key: dict[str, Any], of_account: dict[str, Any], reason: str) -> None:
    account = accounts.account_from(wallet(), key(**of_key), info(**of_account), currency="USDT")
    assert account.can_trade is False
    assert reason in (account.blocked_reason or "")


def test_what_a_key_may_do() -> None:
    permissions = accounts.permissions_from(key())
    assert (permissions.read, permissions.trade, permissions.withdraw) == (True, True, False)
    assert "AccountTransfer" in permissions.detail
    assert "2026-05-24" in permissions.detail
    assert "expires" not in accounts.permissions_from(key(ips=["203.0.113.7"])).detail


def test_a_key_that_can_withdraw_says_so() -> None:
    powerful = parsed("key")["permissions"] | {"Wallet": ["AccountTransfer", "Withdraw"]}
    assert accounts.permissions_from(key(permissions=powerful)).withdraw is True
    assert accounts.permissions_from(key(permissions=powerful, readOnly=1)).withdraw is False


def test_a_read_only_key_reads() -> None:
    permissions = accounts.permissions_from(key(readOnly=1))
    assert (permissions.read, permissions.trade) == (True, False)


def test_balances_are_what_is_there_and_what_is_free() -> None:
    usdt, btc, eth, usdc = accounts.balances_from(wallet())
    assert (usdt.currency, usdt.total, usdt.available) == ("USDT", Decimal(4950), Decimal(4300))
    assert (btc.total, btc.available) == (Decimal("0.1"), Decimal("0.06"))
    assert (eth.total, usdc.available) == (0, Decimal(600))


def test_coins_are_spot_positions_and_money_is_not() -> None:
    (position,) = accounts.spot_positions(wallet(), quote="USDT")
    assert (position.symbol, position.qty, position.market_value) == (PAIR, Decimal("0.1"), Decimal(6400))
    assert position.qty_available == Decimal("0.06")


def sides(*changes: dict[str, Any]) -> list[accounts.PositionSide]:
    rows = changes or tuple(parsed("positions")["list"])
    found = wire.decode(json.dumps(rows).encode(), list[wire.Position], what="positions")
    return [accounts.side_from(position, Symbols()) for position in found]


def test_each_side_of_a_position_with_its_stops() -> None:
    short, long_side, hedge, flat = sides()
    assert (short.symbol, short.qty, short.avg_px, short.leverage) == (PERP, Decimal("-0.3"), Decimal("64100.5"), 10)
    assert (short.take_profit, short.stop_loss, short.trailing_stop) == (Decimal(60000), None, None)
    assert (long_side.qty, long_side.position_idx, long_side.trailing_stop) == (2, 1, Decimal(25))
    assert (hedge.qty, hedge.position_idx, flat.qty) == (Decimal("-0.5"), 2, 0)


def test_positions_are_net_and_flat_ones_are_none() -> None:
    short, hedged = accounts.net_positions(sides())
    assert (short.symbol, short.qty, short.market_value) == (PERP, Decimal("-0.3"), Decimal(-19200))
    assert (hedged.symbol, hedged.qty, hedged.avg_px) == ("ETH/USDT:USDT", Decimal("1.5"), None)
    assert hedged.unrealized_pl == Decimal(250)


def test_a_side_nobody_knows_is_an_error_of_ours() -> None:
    with pytest.raises(ApiError):
        sides({"symbol": "BTCUSDT", "side": "Both", "size": "1"})


def test_exposure() -> None:
    account = accounts.account_from(wallet(), key(), info(), currency="USDT")
    held = (
        Position(symbol=PAIR, qty=Decimal(1), market_value=Decimal("6000.25")),
        Position(symbol=PERP, qty=Decimal(-2), avg_px=Decimal(3000)),
    )
    risk = accounts.risk_from(account, held, 3)
    assert (risk.gross_exposure, risk.net_exposure, risk.open_orders) == (Decimal("12000.25"), Decimal("0.25"), 3)
    assert risk.concentration == Decimal("6000.25") / Decimal("12000.5")


# -- instruments --------------------------------------------------------------------------------------------------------


def rules(name: str, category: str, **changes: Any):
    found = wire.decode(json.dumps(parsed(name) | changes).encode(), wire.Instrument, what="an instrument")
    return rules_from(found, category, Symbols(), as_of=NOW)


def test_a_perpetual() -> None:
    found = rules("instrument_linear", "linear")
    instrument = found.instrument
    assert (instrument.symbol, instrument.asset_class, instrument.currency) == (PERP, AssetClass.PERPETUAL, "USDT")
    assert (instrument.lot, instrument.min_qty, instrument.max_qty) == (Decimal("0.001"), Decimal("0.001"), 1190)
    assert (instrument.min_notional, instrument.multiplier, instrument.calendar) == (5, 1, "24/7")
    assert (instrument.shortable, instrument.marginable, instrument.tradable) == (True, True, True)
    assert instrument.tick_at(Decimal(64000)) == Decimal("0.1")
    assert (found.max_market_qty, found.max_leverage, found.min_px) == (500, 100, Decimal("0.1"))


def test_a_pair_is_measured_by_what_is_not_deprecated() -> None:
    found = rules("instrument_spot", "spot")
    instrument = found.instrument
    assert (instrument.symbol, instrument.asset_class, instrument.currency) == (PAIR, AssetClass.CRYPTO, "USDT")
    assert (instrument.lot, instrument.min_qty, instrument.min_notional) == (Decimal("0.000001"), 0, 5)
    assert (instrument.max_qty, found.max_market_qty, found.quote_step) == (83, Decimal("41.5"), Decimal("0.0000001"))
    assert (instrument.shortable, instrument.marginable) == (False, False)


def test_what_does_not_trade_is_not_tradable_and_dated_futures_are_not_ours() -> None:
    assert rules("instrument_spot", "spot", status="PreLaunch").instrument.tradable is False
    with pytest.raises(SymbolNotFound):
        rules("instrument_linear", "linear", contractType="LinearFutures")


@pytest.mark.parametrize("tick", ["0", "", "-1", "NaN"])
def test_a_step_that_is_none_is_an_error_of_ours(tick: str) -> None:
    with pytest.raises(ApiError):
        rules("instrument_linear", "linear", priceFilter={"tickSize": tick})


def test_trading_is_round_the_clock() -> None:
    hours = hours_of("linear", date(2026, 3, 1))
    assert (hours.open, hours.close) == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    assert (hours.is_open_day, hours.is_open_now) == (True, True)
    with pytest.raises(InvalidRequest):
        hours_of("XNYS", date(2026, 3, 1))

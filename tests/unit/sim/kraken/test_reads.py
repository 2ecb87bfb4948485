"""What the account shows: orders, histories page by page, trades, ledgers, balances, fees."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.unit.sim.kraken.conftest import START, Desk

NOW_S = int(START.timestamp())


def test_the_account_starts_with_money_and_coins(desk: Desk) -> None:
    balance = desk("Balance")
    assert balance["ZUSD"] == "100000.0000"
    assert all(Decimal(amount) > 0 for amount in balance.values())
    assert set(balance) == set(desk.public("Assets"))


def test_trade_balance_is_everything_in_one_asset(desk: Desk) -> None:
    for pair, price in (("ETH/USD", "3000"), ("SOL/USD", "100"), ("XRP/USD", "0.5"), ("DOGE/USD", "0.1"),
                        ("LTC/USD", "70"), ("BTC/EUR", "50000")):  # fmt: skip
        desk.price(price, price, price, symbol=pair)
    expected = 100_000 + 10_000 * Decimal("1.2") + 120_000 + 60_000 + 20_000 + 10_000 + 10_000 + 14_000
    assert Decimal(desk("TradeBalance")["eb"]) == expected
    assert Decimal(desk("TradeBalance", {"asset": "XBT"})["eb"]) == (expected / 60_000).quantize(Decimal("0.0001"))
    assert desk.refused("TradeBalance", {"asset": "GOLD"}) == "EQuery:Unknown asset"


def test_closed_orders_come_newest_first_in_pages_of_fifty(desk: Desk) -> None:
    made = []
    for _ in range(120):
        made.append(desk.market(volume="0.001"))
        desk.wait(1)
    pages = [desk("ClosedOrders", {"ofs": str(ofs)}) for ofs in (0, 50, 100, 150)]
    assert [len(page["closed"]) for page in pages] == [50, 50, 20, 0]
    assert {page["count"] for page in pages} == {120}
    assert [txid for page in pages for txid in page["closed"]] == made[::-1]
    assert "count" not in desk("ClosedOrders", {"without_count": "true"})


def test_closed_orders_are_cut_by_time_and_by_id(desk: Desk) -> None:
    made = []
    for _ in range(4):
        made.append(desk.market(volume="0.001"))
        desk.wait(10)
    assert set(desk("ClosedOrders", {"start": str(NOW_S + 15)})["closed"]) == set(made[2:])
    assert set(desk("ClosedOrders", {"end": str(NOW_S + 15)})["closed"]) == set(made[:2])
    assert set(desk("ClosedOrders", {"start": made[1]})["closed"]) == set(made[2:])
    assert set(desk("ClosedOrders", {"end": made[1]})["closed"]) == set(made[:2])
    assert desk.refused("ClosedOrders", {"start": "yesterday"}) == "EGeneral:Invalid arguments:start"


def test_closetime_chooses_which_moment_counts(desk: Desk) -> None:
    txid = desk.order(volume="0.1")
    desk.wait(100)
    desk("CancelOrder", {"txid": txid})
    late = {"start": str(NOW_S + 50)}
    assert set(desk("ClosedOrders", {**late, "closetime": "close"})["closed"]) == {txid}
    assert set(desk("ClosedOrders", {**late, "closetime": "both"})["closed"]) == {txid}
    assert desk("ClosedOrders", {**late, "closetime": "open"})["closed"] == {}
    assert desk.refused("ClosedOrders", {"closetime": "never"}) == "EGeneral:Invalid arguments:closetime"


def test_orders_are_found_by_user_reference(desk: Desk) -> None:
    mine = desk.order(volume="0.1", userref="-3")
    desk.order(volume="0.1", userref="4")
    assert set(desk("OpenOrders", {"userref": "-3"})["open"]) == {mine}
    assert desk("ClosedOrders", {"userref": "-3"})["count"] == 0


def test_orders_are_asked_for_by_id(desk: Desk) -> None:
    first, second = desk.order(volume="0.1"), desk.market(volume="0.1")
    assert set(desk("QueryOrders", {"txid": f"{first},{second}"})) == {first, second}
    assert "trades" not in desk.look(second)
    assert len(desk.look(second, trades="True")["trades"]) == 1
    assert desk.refused("QueryOrders", {"txid": f"{first},ONONE0-00000-000000"}) == "EOrder:Unknown order"
    assert desk.refused("QueryOrders", {"txid": ",".join([first] * 51)}) == "EGeneral:Invalid arguments:txid"
    assert desk.refused("QueryOrders") == "EGeneral:Invalid arguments:txid"


def test_trades_name_their_order_their_pair_by_id_and_their_ledger_lines(desk: Desk) -> None:
    txid = desk.market("sell", "0.1")
    [(trade_id, trade)] = desk("TradesHistory", {"ledgers": "true"})["trades"].items()
    assert (trade["ordertxid"], trade["pair"], trade["type"], trade["maker"]) == (txid, "XXBTZUSD", "sell", False)
    assert (trade["price"], trade["cost"], trade["fee"], trade["vol"]) == (
        "59999.9",
        "5999.99000",
        "15.60000",
        "0.10000000",
    )
    lines = desk("QueryLedgers", {"id": ",".join(trade["ledgers"])})
    assert {line["refid"] for line in lines.values()} == {trade_id}
    assert {(line["asset"], line["amount"], line["fee"]) for line in lines.values()} == {
        ("XXBT", "-0.1000000000", "0.0000000000"),
        ("ZUSD", "5999.9900", "15.6000"),
    }
    assert desk("QueryTrades", {"txid": trade_id})[trade_id]["ordertxid"] == txid


def test_trades_come_in_pages_and_in_ranges(desk: Desk) -> None:
    for _ in range(60):
        desk.market(volume="0.001")
        desk.wait(1)
    first, second = (desk("TradesHistory", {"ofs": str(ofs)}) for ofs in (0, 50))
    assert (len(first["trades"]), len(second["trades"]), first["count"]) == (50, 10, 60)
    numbers = [trade["trade_id"] for page in (first, second) for trade in page["trades"].values()]
    assert numbers == sorted(numbers, reverse=True)
    assert desk("TradesHistory", {"start": str(NOW_S + 30)})["count"] == 29
    assert desk("TradesHistory", {"type": "closing position"})["trades"] == {}
    oldest = list(second["trades"])[-1]
    assert desk("TradesHistory", {"start": oldest})["count"] == 59


def test_unknown_trades_and_ledger_lines_are_refused(desk: Desk) -> None:
    assert desk.refused("QueryTrades", {"txid": "T"}) == "EQuery:Unknown trade"
    assert desk.refused("QueryLedgers", {"id": "L"}) == "EQuery:Unknown ledger"
    assert desk.refused("QueryTrades", {"txid": ",".join("T" * 21)}) == "EGeneral:Invalid arguments:txid"


def test_ledgers_explain_every_balance(desk: Desk) -> None:
    desk.market(volume="0.5")
    desk.market("sell", "0.25")
    desk.market(volume="1", pair="ETHXBT")
    totals: dict[str, Decimal] = {}
    for ofs in (0, 50):
        for line in desk("Ledgers", {"ofs": str(ofs)})["ledger"].values():
            totals[line["asset"]] = (
                totals.get(line["asset"], Decimal(0)) + Decimal(line["amount"]) - Decimal(line["fee"])
            )
    assert totals == {asset: Decimal(amount) for asset, amount in desk("Balance").items()}


def test_ledgers_are_filtered_by_asset_and_type(desk: Desk) -> None:
    desk.market(volume="0.5")
    assert desk("Ledgers", {"asset": "XBT", "type": "trade"})["count"] == 1
    assert desk("Ledgers", {"asset": "XBT,ZUSD"})["count"] == 4
    assert desk("Ledgers", {"asset": "all", "type": "deposit"})["count"] == 8
    assert desk("Ledgers", {"type": "withdrawal"}) == {"ledger": {}, "count": 0}
    assert desk.refused("Ledgers", {"asset": "GOLD"}) == "EQuery:Unknown asset"
    assert desk.refused("Ledgers", {"type": "theft"}) == "EGeneral:Invalid arguments:type"


def test_spot_has_no_positions(desk: Desk) -> None:
    desk.market(volume="0.5")
    assert desk("OpenPositions") == {}
    assert desk("OpenPositions", {"consolidation": "market"}) == []


def test_fees_are_told_by_pair(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    desk.price("60000", "60000", "60000")
    desk.market(volume="0.5")
    answer = desk("TradeVolume", {"pair": "XBTUSD,ETHUSD"})
    assert (answer["currency"], answer["volume"]) == ("ZUSD", "30000.0000")
    assert answer["fees"]["XXBTZUSD"]["fee"] == "0.2600"
    assert answer["fees_maker"]["XETHZUSD"]["fee"] == "0.1600"
    assert "fees" not in desk("TradeVolume")


@pytest.mark.parametrize("method", ["OrderAmends", "QueryTrades", "QueryLedgers"])
def test_reads_without_a_name_are_refused(desk: Desk, method: str) -> None:
    assert desk.refused(method).startswith("EGeneral:Invalid arguments:")

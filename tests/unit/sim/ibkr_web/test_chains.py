"""Contracts of a month: strike by strike, and all of them for strike 0, as long as nobody says otherwise by hand."""

from __future__ import annotations

from typing import Any

from tests.unit.sim.ibkr_web.conftest import AAPL, Asker


def info(ask: Asker, strike: str, **more: str) -> list[dict[str, Any]]:
    return ask("GET", "/iserver/secdef/info", conid=str(AAPL), sectype="OPT", month="MAR26", strike=strike, **more)


def test_a_search_tells_days_of_expiry_and_their_months(ask: Asker) -> None:
    (found,) = ask("GET", "/iserver/secdef/search", symbol="AAPL")
    assert found["opt"].split(";")[:2] == ["20260306", "20260313"]
    months = next(one["months"] for one in found["sections"] if one["secType"] == "OPT")
    assert months.split(";") == ["MAR26", "APR26"]


def test_strike_0_is_every_strike_of_a_month_and_a_right_left_out_is_both(ask: Asker) -> None:
    ask("GET", "/iserver/secdef/search", symbol="AAPL")
    listed = ask("GET", "/iserver/secdef/strikes", conid=str(AAPL), sectype="OPT", month="MAR26")["put"]
    puts, everything = info(ask, "0", right="P"), info(ask, "0")
    one_by_one = [row for strike in listed for row in info(ask, str(strike), right="P")]
    assert sorted(row["conid"] for row in puts) == sorted(row["conid"] for row in one_by_one)
    assert {row["right"] for row in puts} == {"P"}
    assert len(everything) == 2 * len(puts) == 2 * len(listed) * 4  # Fridays in March


def test_strike_0_is_no_strike_where_it_is_said_so_by_hand(ask: Asker) -> None:
    assert ask.door("POST", "/chains", {"whole": False})[0] == 204
    assert info(ask, "0", right="P") == []
    assert info(ask, "150", right="P")
    assert ask.door("POST", "/chains", {"whole": "no"})[0] == 422
    assert ask.door("POST", "/chains", {"whole": True})[0] == 204
    assert info(ask, "0", right="P")


def test_a_share_class_is_spelled_with_a_space_and_its_options_are_of_a_class_without_one(ask: Asker) -> None:
    assert ask("GET", "/trsrv/stocks", symbols="BRK.B,BRKB") == {"BRK.B": [], "BRKB": []}
    conid = ask("GET", "/trsrv/stocks", symbols="BRK B")["BRK B"][0]["contracts"][0]["conid"]
    for nobody in ("BRK.B", "BRKB"):
        assert ask("GET", "/iserver/secdef/search", symbol=nobody) == {"error": "No symbol found"}
    (found,) = ask("GET", "/iserver/secdef/search", symbol="BRK B")
    assert (found["conid"], found["symbol"]) == (str(conid), "BRK B")
    month = {"conid": str(conid), "sectype": "OPT", "month": "MAR26"}
    strike = ask("GET", "/iserver/secdef/strikes", **month)["put"][0]
    put = ask("GET", "/iserver/secdef/info", **month, strike=str(strike), right="P")[0]
    assert (put["symbol"], put["desc1"], put["tradingClass"]) == ("BRK B", "BRK B", "BRKB")
    told = ask("GET", f"/iserver/contract/{put['conid']}/info")
    assert (told["symbol"], told["trading_class"], told["underlying_con_id"]) == ("BRK B", "BRKB", conid)
    assert told["local_symbol"].startswith("BRKB  26")
    defined = ask("GET", "/trsrv/secdef", conids=f"{conid},{put['conid']}")["secdef"]
    assert [(one["ticker"], one["undConid"]) for one in defined] == [("BRK B", 0), ("BRK B", conid)]
    assert ask.venue.state.market.quote(told["local_symbol"]) is not None

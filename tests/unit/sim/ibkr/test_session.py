"""The session: greeting, pacing, bad input, orders across restarts and lost links."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.ibkr.venue import create_venue
from tests.unit.sim.ibkr.conftest import START, Desk, House, codes, statuses

# --- Greeting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "agreed"), [("v157..178", "178"), ("v100..157", "157"), ("v157..201 +opt", "178"), ("v170", "170")]
)
def test_both_sides_take_the_highest_version_they_share(house: House, asked: str, agreed: str) -> None:
    (hello,) = Desk(house.session()).raw(asked.encode())
    assert hello == [agreed, "20260302 10:00:00 EST"]


@pytest.mark.parametrize("asked", ["v100..156", "v179..200", "hello", ""])
def test_a_version_nobody_shares_is_code_503_and_the_end(house: House, asked: str) -> None:
    desk = Desk(house.session())
    assert codes(desk.raw(asked.encode())) == [(-1, 503)]
    assert desk.session.outbox.close_code is not None


def test_start_api_brings_account_next_id_and_farms(house: House) -> None:
    desk = Desk(house.session())
    desk.raw(b"v157..178")
    told = desk.hear(71, 2, 5, "")
    assert told[0] == ["15", "1", house.venue.state.account]
    assert told[1] == ["9", "1", "1"]
    assert codes(told) == [(-1, 2104), (-1, 2106), (-1, 2158)]


def test_a_client_id_in_use_is_code_326_until_it_is_free(house: House) -> None:
    first, second = house.desk(1), Desk(house.session())
    second.raw(b"v157..178")
    assert codes(second.hear(71, 2, 1, "")) == [(-1, 326)]
    first.session.closed()
    third = Desk(house.session())
    third.raw(b"v157..178")
    assert third.hear(71, 2, 1, "")[0][0] == "15"


# --- Pacing ----------------------------------------------------------------------------------------------------------


def test_the_fifty_first_message_of_a_second_is_code_100_and_who_goes_on_is_thrown_out(house: House) -> None:
    desk = house.desk(per_s=50)
    for _ in range(50):
        assert codes(desk.hear(49, 1, at_s=10.0)) == []
    for _ in range(3):
        assert codes(desk.hear(49, 1, at_s=10.5)) == [(-1, 100)]
        assert desk.session.outbox.close_code is None
    desk.hear(49, 1, at_s=10.6)
    assert desk.session.outbox.close_code is not None


# --- Bad input -------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=8), st.integers(-5, 200).map(str)), max_size=40), st.integers(0, 110))
def test_no_message_breaks_the_session(words: list[str], number: int) -> None:
    house = House(create_venue(clock=ManualClock(START)), ManualClock(START))
    desk = house.desk()
    desk.hear(number, *(word.replace("\0", "") for word in words))
    assert desk.hear(49, 1)[-1][0] == "49"


@pytest.mark.parametrize("cut", range(2, 110, 9))
def test_an_order_that_ends_too_early_is_told_and_never_there(house: House, cut: int) -> None:
    desk = house.desk()
    desk.place(1)
    body = "".join(f"{w}\0" for w in (["3", "2"] + ["0"] * cut)).encode()
    assert [code for _, code in codes(desk.raw(body))] == [320]
    assert len(house.venue.orders()) == 1


def test_a_request_nobody_knows_is_code_322(house: House) -> None:
    assert codes(house.desk().hear(22, 1)) == [(-1, 322)]


# --- Orders ----------------------------------------------------------------------------------------------------------


def test_a_market_order_has_its_words_in_order(house: House) -> None:
    told = house.desk().place(1, kind="MKT", limit="")
    assert [words[0] for words in told] == ["5", "3", "5", "3", "11", "5", "3", "59"]
    assert statuses(told, 1) == ["PreSubmitted", "Submitted", "Filled"]


def test_next_ids_rise_past_every_order_of_the_client(house: House) -> None:
    desk = house.desk()
    desk.place(41)
    assert desk.hear(8, 1, 1) == [["9", "1", "42"]]
    assert codes(desk.place(40)) == [(40, 103)]


def test_a_cancelled_number_cannot_come_again(house: House) -> None:
    desk = house.desk()
    desk.place(1)
    assert statuses(desk.hear(4, 1, 1, ""), 1) == ["PendingCancel", "Cancelled"]
    assert codes(desk.place(1)) == [(1, 103)]
    assert codes(desk.hear(4, 1, 1, "")) == [(1, 10148)]


def test_a_combination_of_type_and_side_cannot_change(house: House) -> None:
    desk = house.desk()
    desk.place(1)
    assert codes(desk.place(1, action="SELL", limit="160")) == [(1, 105)]
    assert codes(desk.place(1, kind="MKT", limit="")) == [(1, 329)]
    assert house.venue.orders()[0]["status"] == "new"


def test_an_order_kept_back_is_nowhere_until_it_is_transmitted(house: House) -> None:
    desk = house.desk()
    assert desk.place(1, transmit="0") == []
    assert desk.hear(5, 1) == [["53", "1"]]
    assert statuses(desk.place(1), 1) == ["PreSubmitted", "Submitted"]


def test_a_parent_that_is_cancelled_takes_its_children_along(house: House) -> None:
    desk = house.desk()
    desk.place(1, transmit="0")
    desk.place(2, action="SELL", limit="160", parent="1")
    told = desk.hear(4, 1, 1, "")
    assert statuses(told, 1)[-1] == statuses(told, 2)[-1] == "Cancelled"


def test_a_child_of_a_parent_that_is_over_has_no_parent(house: House) -> None:
    desk = house.desk()
    desk.place(1)
    desk.hear(4, 1, 1, "")
    assert codes(desk.place(2, action="SELL", limit="160", parent="1")) == [(2, 10006)]
    assert len(house.venue.orders()) == 1


def test_a_correction_and_a_bust_have_higher_last_parts(house: House) -> None:
    desk = house.desk()
    told = desk.place(1, kind="MKT", limit="")
    exec_id = next(words for words in told if words[0] == "11")[14]
    assert house.door("POST", "/corrections", {"exec": exec_id, "qty": "4", "price": "149"})[0] == 204
    corrected = next(words for words in desk.told() if words[0] == "11")
    assert (corrected[14], corrected[19], corrected[20]) == (f"{exec_id[:-2]}02", "4", "149")
    assert house.door("POST", "/busts", {"exec": exec_id})[0] == 204
    assert next(words for words in desk.told() if words[0] == "11")[14] == f"{exec_id[:-2]}03"
    assert house.venue.positions() == []
    assert house.venue.state.ledger.cash == Decimal(100_000)


def test_a_changed_order_can_be_listed_twice_under_one_permanent_id(new_house: Callable[..., House]) -> None:
    desk = new_house(shows_replaced=True).desk()
    desk.place(1)
    desk.place(1, limit="141")
    rows = [words for words in desk.hear(5, 1) if words[0] == "5"]
    assert len(rows) == 2
    assert [row[16] for row in rows] == ["140", "141"]
    assert rows[0][26] == rows[1][26]


# --- The program's nights --------------------------------------------------------------------------------------------


def test_the_link_lost_hides_fills_and_keeps_orders_back(house: House) -> None:
    desk = house.desk()
    desk.place(1)
    house.door("POST", "/link", {"up": False})
    assert codes(desk.told()) == [(-1, 1100)]
    house.price("139.00", "139.50")
    assert desk.told() == []
    told = desk.place(2, kind="MKT", limit="")
    assert [words[0] for words in told] == ["5"]
    assert "ApiPending" in told[0]
    assert [fill["client"] for fill in house.venue.fills()] == ["r-1"]
    house.door("POST", "/link", {"up": True})
    told = desk.told()
    assert codes(told)[0] == (-1, 1102)
    assert statuses(told, 2)[-1] == "Filled"
    assert statuses(told, 1) == []


def test_an_order_in_the_second_before_a_restart_is_lost(house: House) -> None:
    house.door("POST", "/restart", {"in_s": "1", "for_s": "60"})
    now = house.clock.now()
    assert house.venue.program.is_deaf(now)
    assert not house.venue.program.is_down(now)
    house.door("POST", "/clock", {"advance_s": 2})
    assert house.venue.program.is_down(house.venue.now())
    house.door("POST", "/clock", {"advance_s": 60})
    assert not house.venue.program.is_down(house.venue.now())
    assert not house.venue.program.is_deaf(house.venue.now())


def test_a_restart_forgets_what_was_never_transmitted(house: House) -> None:
    desk = house.desk()
    desk.place(1, transmit="0")
    desk.place(2)
    house.door("POST", "/restart", {"in_s": "0", "for_s": "0"})
    assert [line["status"] for line in house.venue.orders()] == ["canceled", "new"]


def test_nights_have_a_restart_and_a_server_reset(new_house: Callable[..., House]) -> None:
    house = new_house(calendar=True)
    desk = house.desk()
    desk.told()
    house.door("POST", "/clock", {"now": datetime(2026, 3, 3, 4, 45, 30, tzinfo=UTC).isoformat()})
    assert house.venue.program.is_down(house.venue.now())
    house.door("POST", "/clock", {"now": datetime(2026, 3, 3, 5, 16, 0, tzinfo=UTC).isoformat()})
    assert (-1, 1100) in codes(desk.told())
    house.door("POST", "/clock", {"now": datetime(2026, 3, 3, 5, 18, 0, tzinfo=UTC).isoformat()})
    assert {code for _, code in codes(desk.told())} & {1101, 1102}


def test_an_order_outside_hours_waits_with_a_warning(new_house: Callable[..., House]) -> None:
    house = new_house(calendar=True)
    house.door("POST", "/clock", {"now": datetime(2026, 3, 2, 23, 0, tzinfo=UTC).isoformat()})
    told = house.desk().place(1, kind="MKT", limit="", tif="GTC")
    assert codes(told) == [(1, 399)]
    assert statuses(told, 1)[-1] == "PreSubmitted"
    assert house.venue.fills() == []


# --- Determinism -----------------------------------------------------------------------------------------------------


def test_the_same_seed_says_the_same_words(new_house: Callable[..., House]) -> None:
    def played() -> list[list[str]]:
        desk = new_house(seed=3).desk()
        search = ["0", "AAPL", "STK", *[""] * 9, "0", "", "", ""]
        return [*desk.place(1, kind="MKT", limit=""), *desk.hear(61, 1), *desk.hear(9, 8, 5, *search)]

    assert played() == played()

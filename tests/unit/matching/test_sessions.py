"""Time in force over a calendar: openings, closings, auctions, expiry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floorbroker.domain.values import OrderClass, TimeInForce
from floorbroker.matching import ALWAYS_OPEN, FX_WEEK, XNYS, by_name
from tests.unit.matching.venue import Venue, buy, fills, instrument, sell, words

NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Sunday evening in New York
OPEN = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def at_night() -> Venue:
    return Venue(calendar=XNYS, start=NIGHT)


def at_noon() -> Venue:
    return Venue(calendar=XNYS, start=NOON)


def test_a_day_order_sent_at_night_works_at_the_open_with_the_first_price_after_it() -> None:
    venue = at_night()
    venue.quote(99, 101)
    assert words(venue.submit("a", buy(1))) == ["Accepted a"]
    assert fills(venue.quote(99, 101)) == []
    assert words(venue.engine.advance(OPEN)) == ["Working a"]
    assert fills(venue.quote(102, 103, at=OPEN + timedelta(seconds=1))) == [("a", "1", "103")]


def test_a_day_order_expires_at_the_close() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    venue.submit("a", buy(1, price=90))
    assert words(venue.engine.advance(CLOSE - timedelta(seconds=1))) == []
    events = venue.engine.advance(CLOSE + timedelta(hours=1))
    assert words(events) == ["Expired a"]
    assert events[0].at == CLOSE


def test_the_close_comes_before_the_quote_that_shows_it() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    venue.submit("a", buy(1, price=90))
    assert words(venue.quote(80, 81, at=CLOSE + timedelta(seconds=1))) == ["Expired a"]


def test_an_extended_order_lives_until_the_late_session_ends() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    venue.submit("a", buy(1, price=90, extended_hours=True))
    assert words(venue.engine.advance(CLOSE)) == []
    assert words(venue.engine.advance(CLOSE + timedelta(hours=4))) == ["Expired a"]


def test_a_good_till_canceled_order_sleeps_at_night() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    venue.submit("a", buy(1, price=90, tif=TimeInForce.GTC))
    assert words(venue.engine.advance(CLOSE)) == ["DoneForDay a"]
    assert venue.status("a") == "done_for_day"
    assert fills(venue.quote(80, 81, at=CLOSE + timedelta(minutes=1))) == []
    assert words(venue.engine.advance(OPEN + timedelta(days=1))) == ["Working a"]
    assert words(venue.engine.advance(CLOSE + timedelta(days=1))) == ["DoneForDay a"]


def test_a_good_till_date_order_expires_on_its_date() -> None:
    venue = at_noon()
    ends = CLOSE + timedelta(hours=20)
    venue.submit("a", buy(1, price=90, tif=TimeInForce.GTD, expire_at=ends))
    assert words(venue.engine.advance(ends)) == ["DoneForDay a", "Working a", "Expired a"]


def test_an_opening_auction_order_trades_once_with_the_first_price() -> None:
    venue = at_night()
    venue.quote(99, 101)
    venue.submit("a", buy(1, tif=TimeInForce.OPG))
    venue.submit("b", buy(1, price=90, tif=TimeInForce.OPG))
    events = venue.quote(95, 96, at=OPEN + timedelta(seconds=1))
    assert words(events) == ["Working a", "Working b", "Fill a", "Canceled b"]


def test_an_opening_order_sent_during_the_session_is_for_tomorrow() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    assert words(venue.submit("a", buy(1, tif=TimeInForce.OPG))) == ["Accepted a"]
    assert words(venue.engine.advance(OPEN + timedelta(days=1))) == ["Working a"]


def test_a_closing_auction_order_trades_at_the_close() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    venue.submit("a", sell(1, tif=TimeInForce.CLS))
    venue.submit("b", sell(1, price=120, tif=TimeInForce.CLS))
    assert fills(venue.quote(97, 98)) == []
    events = venue.engine.advance(CLOSE)
    assert words(events) == ["Working a", "Fill a", "Working b", "Canceled b"]
    assert events[1].at == CLOSE


def test_a_closing_order_without_a_market_expires() -> None:
    venue = at_noon()
    venue.submit("a", sell(1, tif=TimeInForce.CLS))
    assert words(venue.engine.advance(CLOSE)) == ["Working a", "Expired a"]


def test_without_hours_the_next_price_is_the_auction() -> None:
    venue = Venue()
    venue.submit("a", buy(1, tif=TimeInForce.OPG))
    assert fills(venue.quote(99, 101)) == [("a", "1", "101")]
    assert words(venue.submit("b", buy(1, price=90, tif=TimeInForce.CLS))) == ["Working b", "Canceled b"]


def test_without_hours_a_day_order_never_ends() -> None:
    venue = Venue()
    venue.quote(99, 101)
    venue.submit("a", buy(1, price=90))
    assert venue.engine.advance(CLOSE + timedelta(days=900)) == []


def test_immediate_orders_are_canceled_while_the_market_is_closed() -> None:
    venue = at_night()
    venue.quote(99, 101)
    assert words(venue.submit("a", buy(1, tif=TimeInForce.IOC))) == ["Canceled a"]


def test_an_expired_entry_takes_its_exits_along() -> None:
    venue = at_noon()
    venue.quote(99, 101)
    venue.submit("a", buy(1, price=90, order_class=OrderClass.OTO, take_profit=120))
    assert words(venue.engine.advance(CLOSE)) == ["Expired a", "Expired c1"]


def test_each_instrument_keeps_its_own_hours() -> None:
    venue = Venue(calendar=lambda i: by_name(i.calendar), start=NIGHT)
    assert words(venue.submit("a", buy(1, price=90))) == ["Accepted a"]
    assert words(venue.submit("b", buy(1, "BTC/USD", price=90))) == ["Working b"]
    assert instrument("BTC/USD").calendar == "24x7"


def test_a_crypto_day_ends_at_midnight_utc_and_good_till_canceled_never_sleeps() -> None:
    venue = Venue(calendar=ALWAYS_OPEN, start=NOON)
    venue.submit("a", buy(1, "BTC/USD", price=90))
    venue.submit("b", buy(1, "BTC/USD", price=90, tif=TimeInForce.GTC))
    events = venue.engine.advance(NOON + timedelta(days=3))
    assert words(events) == ["Expired a"]
    assert events[0].at == datetime(2026, 3, 3, tzinfo=UTC)


def test_a_currency_day_ends_at_five_in_new_york() -> None:
    venue = Venue(calendar=FX_WEEK, start=NOON)
    venue.submit("a", buy(1, "EUR/USD", price=1))
    assert venue.engine.advance(NOON + timedelta(days=1))[0].at == datetime(2026, 3, 2, 22, 0, tzinfo=UTC)


def test_an_end_that_was_missed_while_the_venue_was_down_is_made_up_for() -> None:
    first = at_noon()
    first.submit("a", buy(1, price=90))
    first.submit("b", buy(1, price=90, tif=TimeInForce.GTC))
    later = Venue(calendar=XNYS, start=OPEN + timedelta(days=1, hours=1))
    for order in first.engine.orders():
        later.engine.restore(order)
    assert words(later.quote(99, 101)) == ["DoneForDay b", "Expired a", "Working b"]

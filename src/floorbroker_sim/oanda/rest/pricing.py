"""Prices: polled, inside fills, and in lines of the stream.  https://developer.oanda.com/rest-live-v20/pricing-ep/"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import invalid
from floorbroker_sim.oanda.mapping import quote_currency
from floorbroker_sim.oanda.rest import money
from floorbroker_sim.oanda.rest.answers import Answer
from floorbroker_sim.oanda.rest.reading import Call

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def instruments_in(call: Call) -> list[str]:
    """The instruments a request names.  Raises `Refused` 400 for one that is not listed."""
    call.needed("instruments")
    names = list(dict.fromkeys(call.names("instruments")))
    if not names or any(name not in info.INSTRUMENTS for name in names):
        raise invalid("instruments")
    return names


def client_price(state: State, instrument: str, *, polled: bool, units: bool = False) -> wire.ClientPrice | None:
    """The price of an instrument; None while there is none."""
    touch, quote = state.touch(instrument), state.quote(instrument)
    if touch is None or quote is None:
        return None
    pip = info.INSTRUMENTS[instrument].pip_size
    step = info.INSTRUMENTS[instrument].tick
    is_tradeable = state.is_tradeable(instrument)
    price = wire.ClientPrice(
        type="PRICE", instrument=instrument, time=quote.time, status="tradeable" if is_tradeable else "non-tradeable",
        tradeable=is_tradeable, bids=[wire.Bucket(price=touch.bid, liquidity=int(quote.bid_size))],
        asks=[wire.Bucket(price=touch.ask, liquidity=int(quote.ask_size))],
        closeout_bid=(touch.bid - pip).quantize(step), closeout_ask=(touch.ask + pip).quantize(step),
    )  # fmt: skip
    factors = money.conversion(state, quote_currency(instrument)) if polled else None
    if factors is not None:
        price.quote_home_conversion_factors = wire.Factors(positive_units=factors.gain, negative_units=factors.loss)
    if polled and units:
        price.units_available = money.units_available(state, instrument)
    return price


def full_price(state: State, instrument: str) -> wire.FullPrice:
    """The price inside a fill."""
    price = client_price(state, instrument, polled=False)
    assert price is not None
    return wire.FullPrice(
        type="PRICE", bids=price.bids, asks=price.asks, closeout_bid=price.closeout_bid, closeout_ask=price.closeout_ask,
        timestamp=price.time,
    )  # fmt: skip


def home_conversions(state: State, instruments: list[str]) -> list[wire.HomeConversion]:
    """Factors for every currency of the instruments."""
    currencies = sorted({part for name in instruments for part in name.split("_")})
    found = ((currency, money.conversion(state, currency)) for currency in currencies)
    return [
        wire.HomeConversion(currency=currency, account_gain=one.gain, account_loss=one.loss, position_value=one.middle)
        for currency, one in found
        if one is not None
    ]


def get_pricing(state: State, call: Call) -> Answer:
    """Prices now; with `since`, those that are newer."""
    names, since = instruments_in(call), call.moment("since")
    units = call.flag("includeUnitsAvailable", default=True)
    prices = [client_price(state, name, polled=True, units=units) for name in names]
    body: dict[str, object] = {
        "prices": [price for price in prices if price is not None and (since is None or price.time > since)],
        "time": state.clock.now(),
    }
    if call.flag("includeHomeConversions", default=False):
        body["homeConversions"] = home_conversions(state, names)
    return Answer(body)


def book(state: State, call: Call, instrument: str, *, name: str) -> Answer:
    """A snapshot of the order book or the position book, made of the price alone: shares fall off with the distance."""
    if instrument not in info.INSTRUMENTS:
        raise invalid("instrument")
    touch, listed = state.touch(instrument), info.INSTRUMENTS[instrument]
    call.moment("time")
    width = listed.pip_size * 5
    buckets: list[dict[str, object]] = []
    middle = (touch.middle // width) * width if touch is not None else Decimal(0)
    for n in range(-10, 11) if touch is not None else ():
        share = Decimal(11 - abs(n)) / 10
        shares = (share, share / 2) if n < 0 else (share / 2, share)
        buckets.append(
            {"price": middle + n * width, "longCountPercent": round(shares[0], 4), "shortCountPercent": round(shares[1], 4)}
        )  # fmt: skip
    shown = {
        "instrument": instrument,
        "time": state.clock.now(),
        "price": middle,
        "bucketWidth": width,
        "buckets": buckets,
    }
    return Answer({name: shown})


def order_book(state: State, call: Call, instrument: str) -> Answer:
    return book(state, call, instrument, name="orderBook")


def position_book(state: State, call: Call, instrument: str) -> Answer:
    return book(state, call, instrument, name="positionBook")

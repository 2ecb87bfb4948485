"""Prices by field numbers, and bars.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#market-data
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.domain.records import Quote
from floorbroker.domain.values import AssetClass, text_of
from floorbroker.matching import XNYS
from floorbroker_sim.history import Candle, aggregated, day_start
from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import info, wire
from floorbroker_sim.ibkr_web.errors import bad_request, broken
from floorbroker_sim.ibkr_web.mapping import millis, price_text
from floorbroker_sim.ibkr_web.rest.reading import body, flag, names, whole
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.rest.symbols import Contract

_PERIOD = re.compile(r"([0-9]{1,4})(min|h|d|w|m|y)", re.ASCII)
_BAR = re.compile(r"([0-9]{1,2})(mins?|hours?|hrs?|h|d|w|m)", re.ASCII)
_SPANS = {
    "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1),
    "m": timedelta(days=30), "y": timedelta(days=365),
}  # fmt: skip
_BAR_WORDS = {"mins": "min", "hour": "h", "hours": "h", "hr": "h", "hrs": "h"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400
_THOUSAND, _MILLION = 1000, 1_000_000


# --- Snapshot --------------------------------------------------------------------------------------------------------


def snapshot(state: State, request: Request) -> Reply:
    """The first answer about a contract names it and no more; values come from the second on."""
    state.login.need_accounts()
    conids = [whole(name.partition("@")[0], "conids") for name in names(request.query, "conids")]
    if not conids:
        raise bad_request("conids is required")
    rows: list[dict[str, object]] = []
    for conid in conids:
        try:
            contract = state.symbols.by_conid(conid)
        except KeyError as error:
            raise broken(f"No contract found for conid {conid}") from error
        rows.append(_row(state, contract, names(request.query, "fields")))
    return json_reply(rows)


def _row(state: State, contract: Contract, wanted: list[str]) -> dict[str, object]:
    row: dict[str, object] = {"conidEx": str(contract.conid), "conid": contract.conid}
    quoted = state.login.asked.quoted
    if contract.conid not in quoted:
        quoted.add(contract.conid)
        return row
    return row | {
        "server_id": info.MARKERS["6119"],
        "_updated": millis(state.clock.now()),
        **info.MARKERS,
        **fields_of(state, contract, wanted),
    }


def fields_of(state: State, contract: Contract, wanted: list[str]) -> dict[str, str]:
    """Text by field number; fields without a value here are left out."""
    quote = state.market.quote(contract.symbol)
    found: dict[str, str] = {}
    for field in wanted:
        reader = _FIELDS.get(field)
        value = None if reader is None else reader(state, contract, quote)
        if value is not None:
            found[field] = value
    return found


def _last(state: State, contract: Contract, quote: Quote | None) -> str | None:
    trade = state.market.last_trade(contract.symbol)
    price = trade.price if trade is not None else None if quote is None else quote.last
    return None if price is None else price_text(price)


def _size(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.to_integral_value():,}"


def _last_size(state: State, contract: Contract, _quote: Quote | None) -> str | None:
    trade = state.market.last_trade(contract.symbol)
    return None if trade is None else _size(trade.size)


def _close(state: State, contract: Contract) -> Decimal | None:
    opened = XNYS.current_or_next(state.clock.now()).open
    return state.market.close_before(contract.symbol, opened) or None


def _change(state: State, contract: Contract, quote: Quote | None) -> Decimal | None:
    before, now = _close(state, contract), None if quote is None else quote.last or quote.mid
    return None if before is None or now is None else now - before


def _percent(state: State, contract: Contract, quote: Quote | None) -> str | None:
    before, change = _close(state, contract), _change(state, contract, quote)
    return None if not before or change is None else f"{change / before * 100:+.2f}%"


def _today(state: State, contract: Contract) -> Candle | None:
    """The day so far, of shares that trade."""
    if contract.option is not None:
        return None
    now = state.clock.now()
    days = list(state.history.days(contract.symbol, day_start(now, is_coin=False), now))
    return days[-1] if days else None


def _of_today(part: Callable[[Candle], Decimal]) -> _Reader:
    def read(state: State, contract: Contract, _quote: Quote | None) -> str | None:
        day = _today(state, contract)
        return None if day is None else price_text(part(day))

    return read


def _volume(state: State, contract: Contract, _quote: Quote | None) -> str | None:
    day = _today(state, contract)
    if day is None:
        return None
    if day.volume >= _MILLION:
        return f"{day.volume / _MILLION:.1f}M"
    return f"{day.volume / _THOUSAND:.1f}K" if day.volume >= _THOUSAND else text_of(day.volume)


def _volume_long(state: State, contract: Contract, _quote: Quote | None) -> str | None:
    day = _today(state, contract)
    return None if day is None else text_of(day.volume)


def _mark(_state: State, _contract: Contract, quote: Quote | None) -> str | None:
    price = None if quote is None else quote.mid or quote.last
    return None if price is None else price_text(price.quantize(Decimal("0.0001")))


_Reader = Callable[[State, Contract, Quote | None], str | None]
_FIELDS: dict[str, _Reader] = {
    "31": _last,
    "55": lambda _s, c, _q: c.ticker,
    "58": lambda _s, c, _q: c.instrument.name.upper(),
    "70": _of_today(lambda day: day.high),
    "71": _of_today(lambda day: day.low),
    "82": lambda s, c, q: None if (change := _change(s, c, q)) is None else f"{change:+.2f}",
    "83": _percent,
    "84": lambda _s, _c, q: None if q is None or q.bid is None else price_text(q.bid),
    "85": lambda _s, _c, q: None if q is None or q.ask is None else _size(q.ask_size),
    "86": lambda _s, _c, q: None if q is None or q.ask is None else price_text(q.ask),
    "87": _volume,
    "88": lambda _s, _c, q: None if q is None or q.bid is None else _size(q.bid_size),
    "6004": lambda _s, _c, _q: "SMART",
    "6008": lambda _s, c, _q: str(c.conid),
    "6070": lambda _s, c, _q: c.sec_type,
    "6119": lambda _s, _c, _q: info.MARKERS["6119"],
    "6509": lambda _s, _c, _q: info.MARKERS["6509"],
    "7051": lambda _s, c, _q: c.instrument.name.upper(),
    "7059": _last_size,
    "7184": lambda _s, _c, _q: "1",
    "7219": lambda _s, c, _q: c.description,
    "7220": lambda _s, c, _q: c.description,
    "7221": lambda _s, c, _q: c.exchange,
    "7295": _of_today(lambda day: day.open),
    "7296": _of_today(lambda day: day.close),
    "7635": _mark,
    "7741": lambda s, c, _q: None if (close := _close(s, c)) is None else price_text(close),
    "7762": _volume_long,
}


def unsubscribe(state: State, request: Request) -> Reply:
    """Forget one contract: its next snapshot is a first one."""
    state.login.need_brokerage()
    conid = body(request, wire.Conid).conid
    if conid not in state.login.asked.quoted:
        raise broken("unknown")
    state.login.asked.quoted.discard(conid)
    return json_reply({"success": True})


def unsubscribe_all(state: State, _request: Request) -> Reply:
    state.login.need_brokerage()
    state.login.asked.quoted.clear()
    return json_reply({"unsubscribed": True})


# --- History ---------------------------------------------------------------------------------------------------------


def history(state: State, request: Request) -> Reply:
    """Bars of a period that begins at `startTime`, or ends now.  Five requests at once are allowed; no two are ever in hand here.

    The specification has `period` as "away from startTime into the future".
    """
    state.login.need_brokerage()
    query = request.query
    try:
        contract = state.symbols.by_conid(whole(query.get("conid", ""), "conid"))
    except KeyError as error:
        raise broken("No contract found") from error
    period, end = query.get("period", "1d"), _moment(state, query.get("startTime", ""))
    if query.get("startTime"):
        end = min(end + _span(period), state.clock.now())
    return json_reply(
        bars_of(
            state,
            contract,
            period=period,
            bar=query.get("bar", "1min"),
            end=end,
            outside=flag(query, "outsideRth"),
        ),
        exact_numbers=True,
    )


def bars_of(
    state: State, contract: Contract, *, period: str, bar: str, end: datetime, outside: bool
) -> dict[str, object]:
    """The answer of one history request.  Raises `Refused`."""
    span, width_s, bar = _span(period), *_width(bar)
    candles = list(_candles(state, contract.symbol, end - span, end, width_s))[-info.BARS_MAX :]
    volume = sum((c.volume for c in candles), Decimal(0))
    high = max((c.high for c in candles), default=Decimal(0))
    low = min((c.low for c in candles), default=Decimal(0))
    first = candles[0].start if candles else end
    return {
        "serverId": str(20_000 + state.random.randrange(10_000)),
        "symbol": contract.ticker,
        "text": contract.instrument.name.upper(),
        "priceFactor": 100,
        "startTime": f"{first:%Y%m%d-%H:%M:%S}",
        "high": f"{high * 100:.0f}/{volume:.2f}/0",
        "low": f"{low * 100:.0f}/{volume:.2f}/0",
        "timePeriod": period,
        "barLength": width_s,
        "mdAvailability": "S",
        "outsideRth": outside,
        "tradingDayDuration": 1440,
        "volumeFactor": 1,
        "priceDisplayRule": 1,
        "priceDisplayValue": "2",
        "chartPanStartTime": f"{first:%Y%m%d-%H:%M:%S}",
        "direction": -1,
        "negativeCapable": False,
        "messageVersion": 2,
        "travelTime": 1,
        "data": [
            {"t": millis(c.start), "o": c.open, "c": c.close, "h": c.high, "l": c.low, "v": c.volume} for c in candles
        ],
        "points": max(len(candles) - 1, 0),
        "mktDataDelay": 0,
    }


def _candles(state: State, symbol: str, start: datetime, end: datetime, width_s: int) -> Iterator[Candle]:
    if state.market.instrument(symbol).asset_class is AssetClass.OPTION:
        return iter(())  # the past of an option is not kept
    if width_s >= _DAY_S:
        found = state.history.days(symbol, start, end)
        return found if width_s == _DAY_S else aggregated(found, lambda at: _bucket(at, width_s))
    found = state.history.minutes(symbol, start, end)
    return found if width_s == _SPANS["min"].seconds else aggregated(found, lambda at: _bucket(at, width_s))


def _bucket(at: datetime, width_s: int) -> datetime:
    seconds = int((at - _EPOCH).total_seconds())
    return _EPOCH + timedelta(seconds=seconds - seconds % width_s)


def _span(period: str) -> timedelta:
    found = _PERIOD.fullmatch(period)
    if found is None or not 0 < int(found[1]) <= info.PERIODS[found[2]]:
        raise bad_request("invalid period")
    return int(found[1]) * _SPANS[found[2]]


def _width(bar: str) -> tuple[int, str]:
    found = _BAR.fullmatch(bar)
    word = bar if found is None else f"{int(found[1])}{_BAR_WORDS.get(found[2], found[2])}"
    if word not in info.BARS:
        raise bad_request("invalid bar")
    return info.BARS[word], word


def _moment(state: State, text: str) -> datetime:
    if not text:
        return state.clock.now()
    try:
        at = datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise bad_request("invalid startTime") from error
    if not _EPOCH + timedelta(days=7300) <= at <= state.clock.now() + timedelta(days=1):
        raise bad_request("startTime is out of reach")
    return at

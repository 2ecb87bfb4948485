"""What the control door of this venue shows, and the hands it has beside those of every venue.

`POST /keys` registers a public key or changes what a key may do; `POST /book` tears a gap into the depth streams of a symbol;
`POST /streams` ends connections; `POST /ban` shuts the address out; `POST /deposit` moves money without a trade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from floorbroker.domain.values import NotExact, decimal_of, text_of, time_text
from floorbroker_sim.binance.auth import Key, key_name, public_key
from floorbroker_sim.binance.rest.records import Execution, Record, Ticket
from floorbroker_sim.binance.rest.state import State
from floorbroker_sim.control import Impossible, Route, fields_of, text_in
from floorbroker_sim.http import Reply, Request, json_reply

if TYPE_CHECKING:
    from floorbroker_sim.binance.venue import BinanceVenue

_TYPES = {
    "LIMIT_MAKER": "limit", "STOP_LOSS": "stop", "STOP_LOSS_LIMIT": "stop_limit", "TAKE_PROFIT": "market_if_touched",
    "TAKE_PROFIT_LIMIT": "limit_if_touched",
}  # fmt: skip
_WORDS = {
    "NEW": "new", "PENDING_NEW": "held", "PARTIALLY_FILLED": "partially_filled", "FILLED": "filled",
    "CANCELED": "canceled", "REJECTED": "rejected", "EXPIRED": "expired", "EXPIRED_IN_MATCH": "expired",
}  # fmt: skip
_MAX_BAN_S = 3 * 86_400


def routes(venue: BinanceVenue) -> Mapping[tuple[str, str], Route]:
    """The doors beside the common ones."""
    return {
        ("GET", "/keys"): lambda _: json_reply([_key_line(key) for key in venue.keys.keys.values()]),
        ("POST", "/keys"): _hand(venue, keys),
        ("POST", "/book"): _hand(venue, book),
        ("POST", "/streams"): _hand(venue, streams),
        ("POST", "/ban"): _hand(venue, ban),
        ("POST", "/deposit"): _hand(venue, deposit),
    }


def _hand(venue: BinanceVenue, hand: Callable[[BinanceVenue, Request], Reply]) -> Route:
    return lambda request: hand(venue, request)


def keys(venue: BinanceVenue, request: Request) -> Reply:
    """Register `public_key` (PEM), or change the `key` named; `withdrawals` and `trading` say what it may do."""
    fields = fields_of(request, {"key", "public_key", "withdrawals", "trading", "remove"})
    if fields.get("public_key") is not None:
        key = _registered(venue, text_in(fields, "public_key"))
    else:
        name = text_in(fields, "key") if fields.get("key") is not None else venue.keys.first.name
        found = venue.keys.keys.get(name)
        if found is None:
            raise Impossible("key", "there is no such key", status=404)
        key = found
    key.may_withdraw = _flag(fields, "withdrawals", default=key.may_withdraw)
    key.may_trade = _flag(fields, "trading", default=key.may_trade)
    if _flag(fields, "remove", default=False):
        if key is venue.keys.first:
            raise Impossible("key", "the first key stays")
        del venue.keys.keys[key.name]
    return json_reply(_key_line(key))


def _registered(venue: BinanceVenue, pem: str) -> Key:
    name = key_name(Random(f"{venue.state.settings.seed} {pem}"))
    try:
        return venue.keys.add(public_key(name, pem))
    except ValueError as error:
        raise Impossible("public_key", str(error)) from error


def _flag(fields: Mapping[str, object], name: str, *, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise Impossible(name, "true or false is needed")
    return value


def _key_line(key: Key) -> dict[str, object]:
    return {"key": key.name, "kind": key.kind, "withdrawals": key.may_withdraw, "trading": key.may_trade}


def book(venue: BinanceVenue, request: Request) -> Reply:
    """`gap`: the book of a symbol changes, and no stream is told; the next update does not follow the last."""
    fields = fields_of(request, {"symbol", "what"})
    named = text_in(fields, "symbol")
    symbol = venue.state.symbols.get(named, named)
    if symbol not in venue.market.instruments:
        raise Impossible("symbol", f"{named} is not listed here")
    if text_in(fields, "what") != "gap":
        raise Impossible("what", "the one word is gap")
    venue.desk.look(symbol)
    known = venue.state.book(symbol)
    if known.quote is not None:
        known.step(known.quote, venue.clock.now(), stir=known.update_id)
    return Reply(status=204)


def streams(venue: BinanceVenue, request: Request) -> Reply:
    """`disconnect` ends every connection, as the venue does after a day; `shutdown` says so before."""
    what = text_in(fields_of(request, {"what"}), "what")
    if what not in {"disconnect", "shutdown"}:
        raise Impossible("what", "the words are disconnect and shutdown")
    for session in venue.sessions:
        if what == "shutdown":
            session.shut_down()
        session.end()
    return Reply(status=204)


def ban(venue: BinanceVenue, request: Request) -> Reply:
    """Shut the address out for some seconds; 0 lets it in again."""
    seconds = _number(fields_of(request, {"seconds"}), "seconds")
    if not 0 <= seconds <= _MAX_BAN_S:
        raise Impossible("seconds", "a ban lasts three days at most")
    venue.state.meter.ban(int(seconds))
    return Reply(status=204)


def deposit(venue: BinanceVenue, request: Request) -> Reply:
    """Money that comes in, or goes out when it is negative, without a trade."""
    fields = fields_of(request, {"asset", "amount"})
    asset, amount = text_in(fields, "asset"), _number(fields, "amount")
    if not asset.isascii() or not asset.isalnum() or len(asset) > 10:
        raise Impossible("asset", "an asset is a short word")
    if amount != amount.quantize(Decimal("0.00000001")) or abs(amount) > Decimal(10**12):
        raise Impossible("amount", "an amount has eight decimals at most")
    if venue.state.free(asset) + amount < 0:
        raise Impossible("amount", "there is not so much of it", status=409)
    venue.desk.deposit(asset, amount)
    venue.desk.flush()
    return Reply(status=204)


def _number(fields: Mapping[str, object], name: str) -> Decimal:
    value = fields.get(name)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise Impossible(name, "a number written as text is needed")
    try:
        return decimal_of(value)
    except NotExact as error:
        raise Impossible(name, str(error)) from error


# --- What oracles see ----------------------------------------------------------------------------------------------------


def order_line(record: Record) -> dict[str, str | None]:
    """One order in our own words."""
    ticket = record.ticket
    average = record.spent / record.executed if record.executed else None
    return {
        "order": str(record.id), "client": record.client_id, "symbol": record.symbol, "side": record.side.value,
        "type": _type_of(ticket),
        "quantity": None if ticket.quote_qty else text_of(record.qty),
        "status": _WORDS[record.status], "filled": text_of(record.executed),
        "avg_px": None if average is None else text_of(average), "limit": text_of(ticket.price) if ticket.price else None,
        "stop": text_of(ticket.stop_price) if ticket.stop_price else None, "created": time_text(record.created_at),
    }  # fmt: skip


def _type_of(ticket: Ticket) -> str:
    if ticket.delta is not None:
        return "trailing_stop"
    return _TYPES.get(ticket.type, ticket.type.lower())


def fill_line(fill: Execution, record: Record) -> dict[str, str | None]:
    """One execution; the fee is in `fee_currency`."""
    return {
        "exec": str(fill.trade_id), "order": str(fill.order_id), "client": record.client_id, "symbol": fill.symbol,
        "side": fill.side.value, "quantity": text_of(fill.qty), "price": text_of(fill.price),
        "fee": text_of(fill.commission), "fee_currency": fill.commission_asset, "time": time_text(fill.at),
    }  # fmt: skip


def positions(state: State) -> list[dict[str, str | None]]:
    """What the account holds of each asset, locked or free."""
    totals = state.balances.totals
    return [
        {"symbol": asset, "quantity": text_of(total), "avg_px": None}
        for asset, total in sorted(totals.items())
        if total
    ]

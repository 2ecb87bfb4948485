"""What a server says: one payload in, one message out.

`decode` never raises anything but `BadFrame`, whatever the payload holds; a message that nothing here asks for is `Other`.
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Self

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import contracts, market, orders
from floorbroker.brokers.ibkr.codec.fields import Reader, integer_in
from floorbroker.brokers.ibkr.codec.framing import BadFrame, split
from floorbroker.brokers.ibkr.wire import Wire

REJECT_JSON = 166
PRICE_REVISIONS = 178
_HELLO_FIELDS = 2


def server_hello(payload: bytes) -> wire.ServerHello:
    """The server's answer to `hello`: exactly two fields."""
    fields = split(payload)
    if len(fields) != _HELLO_FIELDS:
        raise BadFrame("the handshake has two fields")
    version = integer_in(fields[0], "server version")
    if version is None:
        raise BadFrame("the server names no version")
    return wire.ServerHello(version=version, time=fields[1])


class ReadPayload(bytes):
    """A payload and the message that a server of `version` says with it: one that is read goes round to several who ask."""

    message: Wire
    version: int

    @classmethod
    def of(cls, payload: bytes, *, version: int) -> Self:
        """Raises `BadFrame` as `decode` does."""
        read = cls(payload)
        read.message, read.version = decode(payload, version=version), version
        return read


def decode(payload: bytes, *, version: int) -> Wire:
    """Any message after the handshake, as a server of this version writes it."""
    if isinstance(payload, ReadPayload) and payload.version == version:
        return payload.message
    fields = split(payload)
    message_id = integer_in(fields[0], "message id")
    if message_id is None:
        raise BadFrame("a message without an id")
    reader = _READERS.get(message_id)
    return wire.Other(message_id=message_id) if reader is None else reader(Reader(fields, version=version))


def _error(read: Reader) -> wire.Error:
    read.skip("version")
    at, code, text = read.integer("id"), read.whole("errorCode"), read.text("errorText")
    reject = read.text("advancedOrderRejectJson") if read.version >= REJECT_JSON else ""
    return wire.Error(id=-1 if at is None else at, code=code, text=text, reject_json=reject)


def _next_valid_id(read: Reader) -> wire.NextValidId:
    read.skip("version")
    return wire.NextValidId(order_id=read.whole("nextValidId"))


def _managed_accounts(read: Reader) -> wire.ManagedAccounts:
    read.skip("version")
    listed = read.text("accounts").split(",")
    return wire.ManagedAccounts(accounts=tuple(name.strip() for name in listed if name.strip()))


def _current_time(read: Reader) -> wire.CurrentTime:
    read.skip("version")
    return wire.CurrentTime(epoch_s=read.whole("time"))


def _order_status(read: Reader) -> wire.OrderStatus:
    return wire.OrderStatus(
        order_id=read.whole("orderId"),
        status=read.text("status"),
        filled=read.number("filled"),
        remaining=read.number("remaining"),
        avg_fill_price=read.decimal("avgFillPrice"),
        perm_id=read.integer("permId") or 0,
        parent_id=read.integer("parentId") or 0,
        last_fill_price=read.decimal("lastFillPrice"),
        client_id=read.integer("clientId") or 0,
        why_held=read.text("whyHeld"),
        mkt_cap_price=read.decimal("mktCapPrice"),
    )


def _open_order_end(read: Reader) -> wire.OpenOrderEnd:
    del read
    return wire.OpenOrderEnd()


def _completed_orders_end(read: Reader) -> wire.CompletedOrdersEnd:
    del read
    return wire.CompletedOrdersEnd()


def _execution(read: Reader) -> wire.Execution:
    """Message 11; its fields are read in the order they are written here."""
    return wire.Execution(
        req_id=read.whole("reqId"),
        order_id=read.integer("orderId") or 0,
        contract=wire.Contract(**orders.read_contract(read)),
        exec_id=read.text("execId"),
        time=read.text("time"),
        account=read.text("account"),
        exchange=read.text("exchange"),
        side=read.text("side"),
        shares=read.number("shares"),
        price=read.number("price"),
        perm_id=read.integer("permId") or 0,
        client_id=read.integer("clientId") or 0,
        liquidation=read.integer("liquidation") or 0,
        cum_qty=read.number("cumQty"),
        avg_price=read.decimal("avgPrice"),
        order_ref=read.text("orderRef"),
        model_code=read.skip("evRule", 2).text("modelCode"),
        last_liquidity=read.integer("lastLiquidity"),
        pending_price_revision=read.flag("pendingPriceRevision") if read.version >= PRICE_REVISIONS else False,
    )


def _executions_end(read: Reader) -> wire.ExecutionsEnd:
    read.skip("version")
    return wire.ExecutionsEnd(req_id=read.whole("reqId"))


def _commission(read: Reader) -> wire.Commission:
    read.skip("version")
    return wire.Commission(
        exec_id=read.text("execId"),
        commission=read.decimal("commission"),
        currency=read.text("currency"),
        realized_pnl=read.decimal("realizedPNL"),
    )


def _account_value(read: Reader) -> wire.AccountValue:
    read.skip("version")
    key, value, currency = read.text("key"), read.text("value"), read.text("currency")
    return wire.AccountValue(key=key, value=value, currency=currency, account=read.text("account"))


def _account_value_multi(read: Reader) -> wire.AccountValue:
    read.skip("version")
    req_id, account, model = read.whole("reqId"), read.text("account"), read.text("modelCode")
    key, value, currency = read.text("key"), read.text("value"), read.text("currency")
    return wire.AccountValue(
        key=key, value=value, currency=currency, account=account, req_id=req_id, model=model
    )  # fmt: skip


def _account_time(read: Reader) -> wire.AccountTime:
    read.skip("version")
    return wire.AccountTime(time=read.text("time"))


def _account_end(read: Reader) -> wire.AccountEnd:
    read.skip("version")
    return wire.AccountEnd(account=read.text("account"))


def _account_multi_end(read: Reader) -> wire.AccountEnd:
    read.skip("version")
    return wire.AccountEnd(req_id=read.whole("reqId"))


def _portfolio(read: Reader) -> wire.Portfolio:
    read.skip("version")
    return wire.Portfolio(
        contract=wire.Contract(**orders.read_contract(read, exchange="primary_exchange")),
        position=read.number("position"),
        market_price=read.decimal("marketPrice"),
        market_value=read.decimal("marketValue"),
        average_cost=read.decimal("averageCost"),
        unrealized_pnl=read.decimal("unrealizedPNL"),
        realized_pnl=read.decimal("realizedPNL"),
        account=read.text("account"),
    )


def _position(read: Reader) -> wire.Position:
    read.skip("version")
    account = read.text("account")
    contract = wire.Contract(**orders.read_contract(read))
    return wire.Position(
        account=account, contract=contract, position=read.number("position"), avg_cost=read.decimal("avgCost")
    )


def _position_end(read: Reader) -> wire.PositionEnd:
    del read
    return wire.PositionEnd()


def _summary_row(read: Reader) -> wire.SummaryRow:
    read.skip("version")
    req_id, account, tag = read.whole("reqId"), read.text("account"), read.text("tag")
    return wire.SummaryRow(
        req_id=req_id, account=account, tag=tag, value=read.text("value"), currency=read.text("currency")
    )


def _summary_end(read: Reader) -> wire.SummaryEnd:
    read.skip("version")
    return wire.SummaryEnd(req_id=read.whole("reqId"))


def _pnl(read: Reader) -> wire.Pnl:
    req_id, daily = read.whole("reqId"), read.decimal("dailyPnL")
    return wire.Pnl(
        req_id=req_id, daily=daily, unrealized=read.decimal("unrealizedPnL"), realized=read.decimal("realizedPnL")
    )


def _pnl_single(read: Reader) -> wire.Pnl:
    req_id = read.whole("reqId")
    read.skip("position")
    daily = read.decimal("dailyPnL")
    return wire.Pnl(
        req_id=req_id, daily=daily, unrealized=read.decimal("unrealizedPnL"), realized=read.decimal("realizedPnL")
    )


_READERS: Mapping[int, Callable[[Reader], Wire]] = MappingProxyType(
    {
        3: _order_status,
        4: _error,
        5: orders.open_order,
        6: _account_value,
        7: _portfolio,
        8: _account_time,
        9: _next_valid_id,
        11: _execution,
        15: _managed_accounts,
        49: _current_time,
        53: _open_order_end,
        54: _account_end,
        55: _executions_end,
        59: _commission,
        61: _position,
        62: _position_end,
        63: _summary_row,
        64: _summary_end,
        73: _account_value_multi,
        74: _account_multi_end,
        94: _pnl,
        95: _pnl_single,
        101: orders.completed_order,
        102: _completed_orders_end,
        **contracts.READERS,
        **market.READERS,
    }
)
KNOWN = frozenset(_READERS)
"""Ids of the messages that are read here."""

"""Between the venue's spelling and what is kept inside: names of pairs, texts of numbers, order objects, executions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import UNSET, UnsetType

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, OrderType, Price, Quantity, Side, TimeInForce, round_step, time_text
from floorbroker_sim.kraken import info, wire
from floorbroker_sim.kraken.info import Asset, Pair
from floorbroker_sim.kraken.rest.records import (
    LIMITED,
    TRAILING,
    TRIGGERED,
    Amendment,
    Close,
    LedgerLine,
    Level,
    Record,
    Trade,
    Unit,
    Wish,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = Decimal(1_000_000)
_PAIR_NAMES = info.pair_names()
_ASSET_NAMES = info.asset_names()

WS_STATUS = {"pending": "pending_new", "open": "new", "closed": "filled", "canceled": "canceled", "expired": "expired"}
# Ours on the control door; a word that is missing is the same in both.
PUBLIC_TYPE = {
    "iceberg": "limit",
    "stop-loss": "stop",
    "stop-loss-limit": "stop_limit",
    "take-profit": "market_if_touched",
    "take-profit-limit": "limit_if_touched",
    "trailing-stop": "trailing_stop",
    "trailing-stop-limit": "trailing_stop",
}
MISC = {"stop-loss": "stopped", "take-profit": "touched", "trailing-stop": "stopped"}


def pair_of(name: str) -> Pair | None:
    """The pair behind any of its names."""
    return _PAIR_NAMES.get(name.strip().upper())


def asset_of(name: str) -> Asset | None:
    return _ASSET_NAMES.get(name.strip().upper())


def inside(name: str) -> str:
    """Our canonical spelling of a pair; a name nobody knows stays as it is."""
    pair = pair_of(name)
    return name if pair is None else pair.symbol


# --- Numbers and times -----------------------------------------------------------------------------------------------


def fixed(value: Decimal, decimals: int) -> str:
    """Plain text with exactly so many decimals: `0.00000100`, never an exponent."""
    return f"{value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN):f}"


def number(value: Decimal, decimals: int) -> wire.Number:
    """The same as a JSON number."""
    return wire.Number(fixed(value, decimals).encode())


def price_text(pair: Pair, value: Decimal | None) -> str:
    return fixed(value if value is not None else ZERO, pair.price_decimals)


def qty_text(pair: Pair, value: Decimal | None) -> str:
    return fixed(value if value is not None else ZERO, pair.lot_decimals)


def amount_text(asset: Asset, value: Decimal) -> str:
    return fixed(value, asset.decimals)


def rounded(asset: Asset, value: Decimal) -> Decimal:
    """An amount as the asset's ledger keeps it."""
    return round_step(value, Decimal(1).scaleb(-asset.decimals))


def epoch(at: datetime | None) -> Decimal:
    """Seconds since 1970 with a fraction; zero for none."""
    if at is None:
        return ZERO
    span = at - _EPOCH
    return Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds) / _MICRO


def nanoseconds(at: datetime) -> int:
    span = at - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000_000 + span.microseconds * 1000


# --- Orders to the engine --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Basis points of the value, in quote units as the quote asset's ledger keeps them.  https://www.kraken.com/features/fee-schedule"""

    taker: Decimal
    maker: Decimal

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        rate = self.maker if maker else self.taker
        return rounded(info.ASSETS[info.PAIRS[symbol].quote], qty * price * rate / 10_000)


def engine_order(record: Record, *, is_shown: bool) -> NewOrder:
    """The order as the engine works it: market or limit, for what is asked now.  Triggers and dates are kept outside it.

    Where the book is all there is (`is_shown`), a market order takes what it finds and no more.
    """
    is_limit = record.wish.ordertype in LIMITED
    is_immediate = record.wish.tif == "IOC" or (is_shown and not is_limit)
    return NewOrder(
        symbol=record.pair.symbol,
        side=record.side,
        order_type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        order_qty=None if record.qty is None else Quantity(record.qty),
        notional=record.wish.cash,
        price=Price(record.limit) if is_limit and record.limit is not None else None,
        tif=TimeInForce.IOC if is_immediate else TimeInForce.GTC,
    )


def towards(ordertype: str, side: Side) -> int:
    """The direction of an automatic (`#`) offset: away from the market for limits, to the loss for stops."""
    loses = ordertype.startswith(("stop-loss", "trailing"))
    return side.sign if loses else -side.sign


# --- REST objects ----------------------------------------------------------------------------------------------------


def level_text(level: Level | None, pair: Pair) -> str:
    """A price as the description shows it: offsets keep their sign and unit."""
    if level is None:
        return "0"
    if not level.is_offset:
        return price_text(pair, level.value)
    sign = "#" if level.automatic else "+" if level.value >= 0 else "-"
    return f"{sign}{abs(level.value):f}{'%' if level.unit is Unit.PCT else ''}"


def _average_decimals(pair: Pair) -> int:
    """An average needs more digits than a price."""
    return max(pair.price_decimals, pair.cost_decimals)


def _shown(record: Record) -> tuple[str, str]:
    """`descr.price` and `descr.price2`."""
    wish, pair = record.wish, record.pair
    if wish.ordertype in TRAILING:
        return level_text(wish.price, pair), level_text(wish.price2, pair)
    if wish.ordertype in TRIGGERED:
        limit = price_text(pair, record.limit) if record.limit is not None else "0"
        return price_text(pair, record.trigger_px), limit
    return (price_text(pair, record.limit) if record.limit is not None else "0"), "0"


def order_text(record: Record) -> str:
    """`buy 1.25000000 XBTUSD @ limit 37500.0`."""
    wish = record.wish
    amount = wish.cash if wish.cash is not None else record.qty
    price, price2 = _shown(record)
    words = wish.ordertype.removesuffix("-limit").replace("-", " ")
    text = f"{wish.side.value} {qty_text(record.pair, amount)} {record.pair.altname} @ {words}"
    if wish.ordertype == "market":
        return text
    return f"{text} {price} -> limit {price2}" if wish.ordertype in TRIGGERED & LIMITED else f"{text} {price}"


def close_text(close: Close | None, pair: Pair) -> str:
    if close is None:
        return ""
    words = close.ordertype.removesuffix("-limit").replace("-", " ")
    text = f"close position @ {words} {level_text(close.price, pair)}"
    return f"{text} -> limit {level_text(close.price2, pair)}" if close.price2 is not None else text


def misc_of(record: Record) -> str:
    words: list[str] = []
    if record.triggered_at is not None:
        words.append(MISC[record.wish.ordertype.removesuffix("-limit")])
    if record.filled and record.status in {"canceled", "expired"}:
        words.append("partial")
    if record.amended:
        words.append("amended")
    return ",".join(words)


def order_info(record: Record, *, trades: bool) -> wire.OrderInfo:
    """The order object; `trades` adds the ids of its executions."""
    wish, pair = record.wish, record.pair
    price, price2 = _shown(record)
    is_over = not record.is_open
    return wire.OrderInfo(
        refid=record.refid,
        userref=wish.userref or 0,
        cl_ord_id=UNSET if wish.cl_ord_id is None else wish.cl_ord_id,
        status=record.status,
        opentm=epoch(record.opened_at),
        starttm=epoch(wish.start),
        expiretm=epoch(wish.expire),
        descr=wire.Descr(
            pair=pair.altname, type=wish.side.value, ordertype=wish.ordertype, price=price, price2=price2,
            order=order_text(record), close=close_text(wish.close, pair),
        ),
        vol=qty_text(pair, wish.cash if wish.cash is not None else record.qty),
        vol_exec=qty_text(pair, record.filled),
        cost=fixed(record.spent, pair.cost_decimals),
        fee=fixed(record.fee, pair.cost_decimals),
        price=fixed(record.average or ZERO, _average_decimals(pair)),
        stopprice=price_text(pair, record.trigger_px if wish.ordertype in TRIGGERED else None),
        limitprice=price_text(pair, record.limit if wish.ordertype in TRIGGERED and record.triggered_at else None),
        misc=misc_of(record),
        oflags=_flags(record),
        trigger=wish.trigger if wish.ordertype in TRIGGERED else UNSET,
        displayvol=UNSET if record.display is None else qty_text(pair, record.display),
        trades=list(record.trades) if trades and record.trades else UNSET,
        closetm=epoch(record.closed_at) if is_over else UNSET,
        reason=record.reason if is_over else UNSET,
    )  # fmt: skip


def _flags(record: Record) -> str:
    flags = record.wish.flags.removeprefix("post,")
    return f"post,{flags}" if record.post else flags


def trade_info(trade: Trade, *, ledgers: bool) -> wire.TradeInfo:
    pair = trade.pair
    return wire.TradeInfo(
        ordertxid=trade.order_id, pair=pair.id, time=epoch(trade.at), type=trade.side.value, ordertype=trade.ordertype,
        price=price_text(pair, trade.price), cost=fixed(trade.cost, pair.cost_decimals),
        fee=fixed(trade.fee, pair.cost_decimals), vol=qty_text(pair, trade.qty), trade_id=trade.number,
        maker=trade.maker, ledgers=list(trade.ledgers) if ledgers else UNSET,
    )  # fmt: skip


def ledger_info(line: LedgerLine) -> wire.LedgerInfo:
    return wire.LedgerInfo(
        refid=line.refid, time=epoch(line.at), type=line.type, asset=line.asset.id,
        amount=amount_text(line.asset, line.amount), fee=amount_text(line.asset, line.fee),
        balance=amount_text(line.asset, line.balance),
    )  # fmt: skip


def amend_info(step: Amendment, pair: Pair) -> wire.AmendInfo:
    return wire.AmendInfo(
        amend_id=step.id,
        amend_type=step.type,
        order_qty=qty_text(pair, step.order_qty),
        remaining_qty=qty_text(pair, step.remaining),
        timestamp=nanoseconds(step.at),
        display_qty=UNSET if step.display is None else qty_text(pair, step.display),
        limit_price=UNSET if step.limit is None else price_text(pair, step.limit),
        trigger_price=UNSET if step.trigger is None else price_text(pair, step.trigger),
        reason=UNSET if step.reason is None else step.reason,
        post_only=step.post,
    )


# --- Executions ------------------------------------------------------------------------------------------------------


def ws_status(record: Record) -> str:
    """`partially_filled` stands beside the words of REST."""
    if record.status == "open" and record.filled:
        return "partially_filled"
    return WS_STATUS[record.status]


def _opt(value: Decimal | None, decimals: int) -> wire.Number | UnsetType:
    return UNSET if value is None else number(value, decimals)


def terms(record: Record, row: wire.Execution) -> wire.Execution:
    """Add what the order asked for."""
    wish, pair = record.wish, record.pair
    row.symbol, row.side, row.order_type = pair.symbol, wish.side.value, wish.ordertype
    row.order_qty = _opt(record.qty, pair.lot_decimals)
    row.cash_order_qty = _opt(wish.cash, pair.cost_decimals)
    row.time_in_force, row.post_only, row.reduce_only, row.margin = wish.tif, record.post, False, False
    row.fee_ccy_pref = "fcib" if wish.fee_in_base else "fciq"
    if wish.ordertype in LIMITED and record.limit is not None:
        row.limit_price, row.limit_price_type = number(record.limit, pair.price_decimals), "static"
    row.effective_time = UNSET if wish.start is None else time_text(wish.start)
    row.expire_time = UNSET if wish.expire is None else time_text(wish.expire)
    row.ord_ref_id = UNSET if record.refid is None else record.refid
    if record.display is not None:
        row.display_qty = number(record.display, pair.lot_decimals)
        row.display_qty_remain = number(shown_now(record), pair.lot_decimals)
    if wish.ordertype in TRIGGERED:
        row.triggers = triggers_of(record)
    if wish.close is not None:
        row.contingent = _contingent(wish.close, pair)
    return totals(record, row)


def totals(record: Record, row: wire.Execution) -> wire.Execution:
    """Add what it came to so far."""
    pair = record.pair
    row.cum_qty = number(record.filled, pair.lot_decimals)
    row.cum_cost = number(record.spent, pair.cost_decimals)
    row.avg_price = _opt(record.average, _average_decimals(pair))
    row.fee_usd_equiv = number(record.fee, pair.cost_decimals)
    return row


def shown_now(record: Record) -> Decimal:
    """What an iceberg shows of itself: the rest of the slice under way."""
    display, leaves = record.display or ZERO, record.leaves
    if not display:
        return leaves
    rest = display - record.filled % display
    return min(rest, leaves)


def triggers_of(record: Record) -> wire.Triggers:
    wish, pair = record.wish, record.pair
    level = wish.price
    assert level is not None
    is_trailing = wish.ordertype in TRAILING
    asked = level.value if level.is_offset else record.trigger_px or level.value
    decimals = pair.price_decimals if level.unit is not Unit.PCT else 4
    row = wire.Triggers(
        reference=wish.trigger, price=number(asked, decimals), price_type=level.unit.value,
        status="untriggered" if record.waits else "triggered",
        actual_price=_opt(record.trigger_px, pair.price_decimals),
        peak_price=_opt(record.peak, pair.price_decimals) if is_trailing else UNSET,
        last_price=_opt(record.triggered_by, pair.price_decimals),
    )  # fmt: skip
    if record.triggered_at is not None:
        row.timestamp = time_text(record.triggered_at)
    return row


def _contingent(close: Close, pair: Pair) -> wire.Contingent:
    row = wire.Contingent(order_type=close.ordertype)
    is_triggered = close.ordertype in TRIGGERED
    limit = close.price2 if is_triggered else close.price
    if is_triggered and close.price is not None:
        row.trigger_price = number(close.price.value, pair.price_decimals)
        row.trigger_price_type = close.price.unit.value
    if limit is not None:
        row.limit_price, row.limit_price_type = number(limit.value, pair.price_decimals), limit.unit.value
    return row


def execution(exec_type: str, record: Record, at: datetime, trade: Trade | None) -> wire.Execution:
    """A row for what just happened; a plain `new` and a `canceled` say only what changed."""
    wish, pair = record.wish, record.pair
    row = wire.Execution(
        order_id=record.id, exec_type=exec_type, order_status=ws_status(record), timestamp=time_text(at),
        cl_ord_id=UNSET if wish.cl_ord_id is None else wish.cl_ord_id,
        order_userref=UNSET if wish.userref is None else wish.userref,
    )  # fmt: skip
    if trade is not None:
        return _with_trade(row, record, trade)
    match exec_type:
        case "pending_new" | "amended" | "restated" | "status":
            terms(record, row)
            row.amended = True if record.amended else UNSET
        case "iceberg_refill":
            row.symbol = pair.symbol
            row.display_qty_remain = number(shown_now(record), pair.lot_decimals)
        case "new":
            pass
        case _:
            totals(record, row)
            row.reason = UNSET if record.reason is None else record.reason
    return row


def _with_trade(row: wire.Execution, record: Record, trade: Trade) -> wire.Execution:
    pair = record.pair
    row.symbol, row.side, row.order_type = pair.symbol, trade.side.value, trade.ordertype
    row.order_qty = _opt(record.qty, pair.lot_decimals)
    row.exec_id, row.trade_id = trade.id, trade.number
    row.last_qty, row.last_price = number(trade.qty, pair.lot_decimals), number(trade.price, pair.price_decimals)
    row.liquidity_ind = "m" if trade.maker else "t"
    row.cost = number(trade.cost, pair.cost_decimals)
    row.fees = [wire.Fee(asset=trade.fee_asset.name, qty=number(trade.fee_qty, trade.fee_asset.decimals))]
    if row.order_status == "filled":
        row.order_status = "partially_filled"  # the summary that follows says `filled`, as the document shows it
    return totals(record, row)


def past_trade(record: Record, trade: Trade) -> wire.Execution:
    """A trade in a snapshot."""
    return execution("trade", record, trade.at, trade)


def snapshot_row(record: Record) -> wire.Execution:
    """An open order in a snapshot."""
    exec_type = "pending_new" if record.status == "pending" else "new" if not record.filled else "status"
    row = wire.Execution(
        order_id=record.id, exec_type=exec_type, order_status=ws_status(record), timestamp=time_text(record.touched_at),
        cl_ord_id=UNSET if record.wish.cl_ord_id is None else record.wish.cl_ord_id,
        order_userref=UNSET if record.wish.userref is None else record.wish.userref,
    )  # fmt: skip
    return terms(record, row)


def closing_wish(record: Record, qty: Decimal) -> Wish:
    """The close order for one fill."""
    close = record.wish.close
    assert close is not None
    return Wish(
        pair=record.pair, side=record.side.opposite, ordertype=close.ordertype, qty=qty, price=close.price,
        price2=close.price2, userref=record.wish.userref,
    )  # fmt: skip

"""placeOrder: the order, its contract, and every optional group at its place.

The message has no names: a field too many or too few turns an order into another one.  The same message with the id of an
order that works changes that order.  Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (placing orders).
"""

from __future__ import annotations

from floorbroker.brokers.ibkr.codec.fields import Value, texts
from floorbroker.brokers.ibkr.codec.framing import BadFrame, message
from floorbroker.brokers.ibkr.codec.requests import contract_fields
from floorbroker.brokers.ibkr.wire import Contract, Order

PLACE_ORDER = 3
NO_FA_PROFILE = 177  # from this version on the field is gone
_SINCE: tuple[tuple[int, str], ...] = (
    (158, "duration"),
    (160, "post_to_ats"),
    (162, "auto_cancel_parent"),
    (166, "advanced_error_override"),
    (169, "manual_order_time"),
)
_NOT_WRITTEN = frozenset({"PEG BENCH", "PEGBENCH", "PEG BEST", "PEGBEST", "PEG MID", "PEGMID"})
"""Types with groups of fields of their own."""


def place_order(order_id: int, contract: Contract, order: Order, *, version: int) -> bytes:
    """A new order, a change of one, or with `what_if` a question what one would do.

    Raises `BadFrame` for order types whose fields are not known here.
    """
    if order.order_type in _NOT_WRITTEN or order.order_type.startswith("VOL") or contract.exchange == "IBKRATS":
        raise BadFrame(f"orders of type {order.order_type[:20]} at {contract.exchange[:20]} are not written here")
    values: list[Value] = [PLACE_ORDER, order_id, *contract_fields(contract), contract.sec_id_type, contract.sec_id]
    values += _terms(order)
    values += _combo(contract, order)
    values += _allocation(order, version)
    values += _refinements(order)
    values += _routing(order)
    values += _flags(order)
    values += [getattr(order, name) for since, name in _SINCE if version >= since]
    return message(texts(values))


def _terms(order: Order) -> list[Value]:
    """Side to hidden."""
    return [
        order.action,
        order.total_quantity,
        order.order_type,
        order.lmt_price,
        order.aux_price,
        order.tif,
        order.oca_group,
        order.account,
        order.open_close,
        order.origin,
        order.order_ref,
        order.transmit,
        order.parent_id,
        order.block_order,
        order.sweep_to_fill,
        order.display_size,
        order.trigger_method,
        order.outside_rth,
        order.hidden,
    ]


def _combo(contract: Contract, order: Order) -> list[Value]:
    """Legs, their prices, and how the combo is routed."""
    if contract.sec_type != "BAG":
        return []
    values: list[Value] = [len(contract.legs)]
    for leg in contract.legs:
        values += [leg.con_id, leg.ratio, leg.action, leg.exchange, leg.open_close, leg.short_sale_slot]
        values += [leg.designated_location, leg.exempt_code]
    values += [len(order.leg_prices), *order.leg_prices, len(order.smart_routing)]
    values += [text for pair in order.smart_routing for text in pair]
    return values


def _allocation(order: Order, version: int) -> list[Value]:
    """Deprecated shares allocation to the model code; we never allocate among accounts."""
    profile = [""] if version < NO_FA_PROFILE else []
    group, method, percentage = "", "", ""
    return [
        "", order.discretionary_amt, order.good_after_time, order.good_till_date, group, method, percentage, *profile,
        order.model_code,
    ]  # fmt: skip


def _refinements(order: Order) -> list[Value]:
    """Short sale to the scale orders, which are never set."""
    e_trade_only, firm_quote_only, auction, continuous = False, False, 0, False
    return [
        order.short_sale_slot, order.designated_location, order.exempt_code, order.oca_type, order.rule_80a,
        order.settling_firm, order.all_or_none, order.min_qty, order.percent_offset, e_trade_only, firm_quote_only,
        None,  # NBBO price cap
        auction, None, None, None, None, None,  # starting, reference price, delta, range
        order.override_percentage_constraints,
        None, None, "", None,  # volatility, its type, delta neutral order and price
        continuous, None, order.trail_stop_price, order.trailing_percent,
        None, None, None, "", "", "",  # scale sizes and increment, table, active times
    ]  # fmt: skip


def _routing(order: Order) -> list[Value]:
    """Hedge to conditions, which are never set."""
    values: list[Value] = [order.hedge_type]
    if order.hedge_type:
        values.append(order.hedge_param)
    values += [order.opt_out_smart_routing, order.clearing_account, order.clearing_intent, order.not_held]
    values += [False, order.algo_strategy]  # no delta neutral contract
    if order.algo_strategy:
        values += [len(order.algo_params), *(text for pair in order.algo_params for text in pair)]
    values += [order.algo_id, order.what_if, order.misc_options, order.solicited]
    values += [order.randomize_size, order.randomize_price, 0]
    return values


def _flags(order: Order) -> list[Value]:
    """The adjusted order, which is never set, to price management."""
    adjustable_unit, hedge_price, container, up_to_limit = 0, False, False, False
    nobody: list[Value] = ["", "", "", ""]  # MiFID decision maker and executing trader
    return [
        "", None, order.lmt_price_offset, None, None, None, adjustable_unit, order.ext_operator, "", "", order.cash_qty,
        *nobody, hedge_price, container, up_to_limit, order.use_price_mgmt_algo,
    ]  # fmt: skip

"""openOrder and completedOrder: the two long answers about orders, read group by group as they were written.

Fields that mean nothing to this desk are stepped over by their number; those after them keep their place.
"""

from __future__ import annotations

from typing import Any, TypeVar

from floorbroker.brokers.ibkr.codec.fields import Reader
from floorbroker.brokers.ibkr.codec.framing import BadFrame
from floorbroker.brokers.ibkr.codec.place import NO_FA_PROFILE
from floorbroker.brokers.ibkr.wire import NOTHING, CompletedOrder, Contract, Leg, Margin, OpenOrder, Order

T = TypeVar("T")

MIN_TRADE_QTY = 170
_CONDITION_FIELDS = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}
"""Fields behind the kind of a condition: price, time, margin, execution, volume, change in percent."""

Terms = dict[str, Any]


def read_contract(read: Reader, *, exchange: str = "exchange") -> Terms:
    """Eleven fields; the one after the multiplier is the exchange or, in portfolios, the primary one."""
    return {
        "con_id": read.integer("conId") or 0,
        "symbol": read.text("symbol"),
        "sec_type": read.text("secType"),
        "last_trade": read.text("lastTradeDate"),
        "strike": _given(read.decimal("strike"), NOTHING),
        "right": read.text("right"),
        "multiplier": read.text("multiplier"),
        exchange: read.text("exchange"),
        "currency": read.text("currency"),
        "local_symbol": read.text("localSymbol"),
        "trading_class": read.text("tradingClass"),
    }


def open_order(read: Reader) -> OpenOrder:
    """Message 5."""
    order_id = read.whole("orderId")
    contract, terms = read_contract(read), _terms(read)
    client_id, perm_id = read.integer("clientId") or 0, read.integer("permId") or 0
    terms |= _shown(read)
    read.skip("sharesAllocation")
    read.skip("faGroup", 3 if read.version >= NO_FA_PROFILE else 4)
    terms |= _open_refinements(read)
    terms |= _trail(read)
    read.skip("basisPoints", 2)
    contract["legs_described"] = read.text("comboLegsDescrip")
    terms |= _combo(read, contract)
    _scale(read)
    terms |= _hedge(read)
    terms["opt_out_smart_routing"] = read.flag("optOutSmartRouting")
    terms |= _clearing(read)
    terms |= {"solicited": read.flag("solicited"), "what_if": read.flag("whatIf")}
    state = _state(read)
    terms |= _random(read)
    _peg_bench(read, terms["order_type"])
    _conditions(read)
    read.skip("adjustedOrderType")
    read.skip("triggerPrice")
    terms["trail_stop_price"] = read.decimal("trailStopPrice") or terms["trail_stop_price"]
    terms["lmt_price_offset"] = read.decimal("lmtPriceOffset")
    read.skip("adjustedStopPrice", 4)
    read.skip("softDollarTier", 3)
    terms["cash_qty"] = read.decimal("cashQty")
    read.skip("dontUseAutoPriceForHedge", 3)
    terms["use_price_mgmt_algo"] = read.flag("usePriceMgmtAlgo")
    terms |= _newer(read)
    return OpenOrder(
        order_id=order_id,
        client_id=client_id,
        perm_id=perm_id,
        contract=Contract(**contract),
        order=Order(**terms),
        **state,
    )


def completed_order(read: Reader) -> CompletedOrder:
    """Message 101."""
    contract, terms = read_contract(read), _terms(read)
    perm_id = read.integer("permId") or 0
    terms |= _shown(read)
    read.skip("faGroup", 3 if read.version >= NO_FA_PROFILE else 4)
    terms |= _completed_refinements(read)
    terms |= _trail(read)
    contract["legs_described"] = read.text("comboLegsDescrip")
    terms |= _combo(read, contract)
    _scale(read)
    terms |= _hedge(read)
    terms |= _clearing(read)
    terms["solicited"] = read.flag("solicited")
    status = read.text("status")
    terms |= _random(read)
    _peg_bench(read, terms["order_type"])
    _conditions(read)
    terms["trail_stop_price"] = read.decimal("trailStopPrice") or terms["trail_stop_price"]
    terms["lmt_price_offset"] = read.decimal("lmtPriceOffset")
    terms["cash_qty"] = read.decimal("cashQty")
    read.skip("dontUseAutoPriceForHedge", 2)
    read.skip("autoCancelDate")
    filled = read.decimal("filledQuantity")
    read.skip("refFuturesConId")
    terms["auto_cancel_parent"] = read.flag("autoCancelParent")
    read.skip("shareholder", 3)
    return CompletedOrder(
        perm_id=perm_id,
        parent_perm_id=read.integer("parentPermId"),
        contract=Contract(**contract),
        order=Order(**terms),
        status=status,
        filled_quantity=filled,
        completed_time=read.text("completedTime"),
        completed_status=read.text("completedStatus"),
    )


# -- groups of fields, in the order of the message ---------------------------------------------------------------------------


def _terms(read: Reader) -> Terms:
    return {
        "action": read.text("action"),
        "total_quantity": read.number("totalQuantity"),
        "order_type": read.text("orderType"),
        "lmt_price": read.decimal("lmtPrice"),
        "aux_price": read.decimal("auxPrice"),
        "tif": read.text("tif"),
        "oca_group": read.text("ocaGroup"),
        "account": read.text("account"),
        "open_close": read.text("openClose"),
        "origin": read.integer("origin") or 0,
        "order_ref": read.text("orderRef"),
    }


def _shown(read: Reader) -> Terms:
    return {
        "outside_rth": read.flag("outsideRth"),
        "hidden": read.flag("hidden"),
        "discretionary_amt": _given(read.decimal("discretionaryAmt"), NOTHING),
        "good_after_time": read.text("goodAfterTime"),
    }


def _sale(read: Reader) -> Terms:
    """Model code to the exempt code, the same in both messages."""
    return {
        "model_code": read.text("modelCode"),
        "good_till_date": read.text("goodTillDate"),
        "rule_80a": read.text("rule80A"),
        "percent_offset": read.decimal("percentOffset"),
        "settling_firm": read.text("settlingFirm"),
        "short_sale_slot": read.integer("shortSaleSlot") or 0,
        "designated_location": read.text("designatedLocation"),
        "exempt_code": _given(read.integer("exemptCode"), -1),
    }


def _given(value: T | None, default: T) -> T:
    return default if value is None else value


def _open_refinements(read: Reader) -> Terms:
    terms = _sale(read)
    read.skip("auctionStrategy", 6)
    terms |= {
        "display_size": read.integer("displaySize"),
        "block_order": read.flag("blockOrder"),
        "sweep_to_fill": read.flag("sweepToFill"),
        "all_or_none": read.flag("allOrNone"),
        "min_qty": read.integer("minQty"),
        "oca_type": read.integer("ocaType") or 0,
    }
    read.skip("eTradeOnly", 3)
    terms |= {"parent_id": read.integer("parentId") or 0, "trigger_method": read.integer("triggerMethod") or 0}
    read.skip("volatility", 2)
    if read.text("deltaNeutralOrderType"):
        read.skip("deltaNeutralAuxPrice", 9)
    else:
        read.skip("deltaNeutralAuxPrice")
    return terms


def _completed_refinements(read: Reader) -> Terms:
    terms = _sale(read)
    read.skip("startingPrice", 5)
    terms |= {
        "display_size": read.integer("displaySize"),
        "sweep_to_fill": read.flag("sweepToFill"),
        "all_or_none": read.flag("allOrNone"),
        "min_qty": read.integer("minQty"),
        "oca_type": read.integer("ocaType") or 0,
        "trigger_method": read.integer("triggerMethod") or 0,
    }
    read.skip("volatility", 2)
    if read.text("deltaNeutralOrderType"):
        read.skip("deltaNeutralAuxPrice", 5)
    else:
        read.skip("deltaNeutralAuxPrice")
    return terms


def _trail(read: Reader) -> Terms:
    read.skip("continuousUpdate", 2)
    return {
        "trail_stop_price": read.decimal("trailStopPrice"),
        "trailing_percent": read.decimal("trailingPercent"),
    }


def _combo(read: Reader, contract: Terms) -> Terms:
    """Legs go to the contract; their prices and the routing to the order."""
    contract["legs"] = tuple(_leg(read) for _ in range(read.how_many("comboLegs")))
    prices = tuple(read.decimal("legPrice") for _ in range(read.how_many("orderComboLegs")))
    return {"leg_prices": prices, "smart_routing": read.pairs("smartComboRoutingParams")}


def _leg(read: Reader) -> Leg:
    return Leg(
        con_id=read.whole("legConId"),
        ratio=read.whole("legRatio"),
        action=read.text("legAction"),
        exchange=read.text("legExchange"),
        open_close=read.integer("legOpenClose") or 0,
        short_sale_slot=read.integer("legShortSaleSlot") or 0,
        designated_location=read.text("legDesignatedLocation"),
        exempt_code=_given(read.integer("legExemptCode"), -1),
    )


def _scale(read: Reader) -> None:
    read.skip("scaleInitLevelSize", 2)
    increment = read.decimal("scalePriceIncrement")
    if increment is not None and increment > 0:
        read.skip("scalePriceAdjustValue", 7)


def _hedge(read: Reader) -> Terms:
    hedge_type = read.text("hedgeType")
    return {"hedge_type": hedge_type, "hedge_param": read.text("hedgeParam") if hedge_type else ""}


def _clearing(read: Reader) -> Terms:
    """Clearing to the algorithm."""
    terms: Terms = {
        "clearing_account": read.text("clearingAccount"),
        "clearing_intent": read.text("clearingIntent"),
        "not_held": read.flag("notHeld"),
    }
    if read.flag("deltaNeutralContract"):
        read.skip("deltaNeutralConId", 3)
    terms["algo_strategy"] = read.text("algoStrategy")
    terms["algo_params"] = read.pairs("algoParams") if terms["algo_strategy"] else ()
    return terms


def _state(read: Reader) -> Terms:
    status = read.text("status")
    return {
        "status": status,
        "margin": Margin(
            init_before=read.decimal("initMarginBefore"),
            maint_before=read.decimal("maintMarginBefore"),
            equity_before=read.decimal("equityWithLoanBefore"),
            init_change=read.decimal("initMarginChange"),
            maint_change=read.decimal("maintMarginChange"),
            equity_change=read.decimal("equityWithLoanChange"),
            init_after=read.decimal("initMarginAfter"),
            maint_after=read.decimal("maintMarginAfter"),
            equity_after=read.decimal("equityWithLoanAfter"),
        ),
        "commission": read.decimal("commission"),
        "min_commission": read.decimal("minCommission"),
        "max_commission": read.decimal("maxCommission"),
        "commission_currency": read.text("commissionCurrency"),
        "warning_text": read.text("warningText"),
    }


def _random(read: Reader) -> Terms:
    return {"randomize_size": read.flag("randomizeSize"), "randomize_price": read.flag("randomizePrice")}


def _peg_bench(read: Reader, order_type: str) -> None:
    if order_type in ("PEG BENCH", "PEGBENCH"):
        read.skip("referenceContractId", 5)


def _conditions(read: Reader) -> None:
    """Orders with conditions are entered by people alone; what they wait for is theirs."""
    count = read.how_many("conditions")
    for _ in range(count):
        kind = read.whole("condition")
        if kind not in _CONDITION_FIELDS:
            raise BadFrame(f"condition {kind} is of no known kind")
        read.skip("condition", _CONDITION_FIELDS[kind])
    if count:
        read.skip("conditionsIgnoreRth", 2)


def _newer(read: Reader) -> Terms:
    """What later versions append; what they append behind is nothing we use."""
    terms: Terms = {}
    if read.version >= 159:
        terms["duration"] = read.integer("duration")
    if read.version >= 160:
        terms["post_to_ats"] = read.integer("postToAts")
    if read.version >= 162:
        terms["auto_cancel_parent"] = read.flag("autoCancelParent")
    if read.version >= MIN_TRADE_QTY:
        read.skip("minTradeQty", 5)
    return terms

"""The order as the venue shows it: `openOrder` (5) and `completedOrder` (101), by server version.  Fact sheet C6."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from floorbroker_sim.ibkr.codec import Word
from floorbroker_sim.ibkr.wire.contracts import Contract
from floorbroker_sim.ibkr.wire.orders import BENCH, PROFILE_BEFORE, SCALE, Placed

UNSET = "1.7976931348623157E308"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Before, change and after of initial margin, maintenance margin and equity with loan value, in the base currency."""

    initial: tuple[Decimal, Decimal]  # before, after
    maintenance: tuple[Decimal, Decimal]
    equity: tuple[Decimal, Decimal]
    commission: Decimal
    currency: str
    warning: str = ""

    @property
    def words(self) -> list[Word]:
        pairs = [self.initial, self.maintenance, self.equity]
        before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        change = [new - old for old, new in pairs]
        fee = self.commission
        return [*before, *change, *after, fee, fee, fee, self.currency, self.warning]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where an order stands, beside the words it was placed with.  `terms` are words that are other by now."""

    placed: Placed
    contract: Contract
    client_id: int
    perm_id: int
    status: str
    account: str
    terms: dict[str, str]
    filled: Decimal = Decimal(0)
    parent_perm_id: int = 0
    completed_at: str = ""
    completed_status: str = ""
    margins: Margins | None = None

    def text(self, name: str) -> str:
        return self.terms.get(name, self.placed.words.get(name, ""))


def open_order(shown: Shown, version: int) -> list[Word]:
    """The whole message."""
    t, placed = shown.text, shown.placed
    profile = [t("faProfile")] if version < PROFILE_BEFORE else []
    out: list[Word] = [
        5, placed.order_id, *shown.contract.words, t("action"), t("totalQuantity"), t("orderType"), t("lmtPrice"),
        t("auxPrice"), t("tif"), t("ocaGroup"), shown.account, t("openClose"), t("origin"), t("orderRef"), shown.client_id,
        shown.perm_id, t("outsideRth"), t("hidden"), t("discretionaryAmt"), t("goodAfterTime"), "", t("faGroup"),
        t("faMethod"), t("faPercentage"), *profile, t("modelCode"), t("goodTillDate"), t("rule80A"), t("percentOffset"),
        t("settlingFirm"), t("shortSaleSlot"), t("designatedLocation"), t("exemptCode"), t("auctionStrategy"),
        t("startingPrice"), t("stockRefPrice"), t("delta"), t("stockRangeLower"), t("stockRangeUpper"), t("displaySize"),
        t("blockOrder"), t("sweepToFill"), t("allOrNone"), t("minQty"), t("ocaType"), t("eTradeOnly"), t("firmQuoteOnly"),
        t("nbboPriceCap"), t("parentId"), t("triggerMethod"), *_volatility(shown, short=False), t("trailStopPrice"),
        t("trailingPercent"), "", "", _legs_text(shown), *_combination(placed), *_scale(shown), *_hedge(shown),
        t("optOutSmartRouting"), t("clearingAccount"), t("clearingIntent"), t("notHeld"), *_neutral(placed), *_algo(placed),
        t("solicited"), t("whatIf"), shown.status, *_margins(shown.margins), t("randomizeSize"), t("randomizePrice"),
        *_bench(shown), *_conditions(placed), t("adjustedOrderType"), t("triggerPrice"), t("trailStopPrice"),
        t("lmtPriceOffset"), t("adjustedStopPrice"), t("adjustedStopLimitPrice"), t("adjustedTrailingAmount"),
        t("adjustableTrailingUnit"), t("softDollarName"), t("softDollarValue"), "", t("cashQty"),
        t("dontUseAutoPriceForHedge"), t("isOmsContainer"), t("discretionaryUpToLimitPrice"), t("usePriceMgmtAlgo"),
    ]  # fmt: skip
    for since, name in ((159, "duration"), (160, "postToAts"), (162, "autoCancelParent")):
        if version >= since:
            out.append(t(name))
    return out + [""] * (5 if version >= 170 else 0)


def completed_order(shown: Shown, version: int) -> list[Word]:
    """The whole message.  The venue does not say which order id a closed order had."""
    t, placed = shown.text, shown.placed
    profile = [t("faProfile")] if version < PROFILE_BEFORE else []
    out: list[Word] = [
        101, *shown.contract.words, t("action"), t("totalQuantity"), t("orderType"), t("lmtPrice"), t("auxPrice"), t("tif"),
        t("ocaGroup"), shown.account, t("openClose"), t("origin"), t("orderRef"), shown.perm_id, t("outsideRth"), t("hidden"),
        t("discretionaryAmt"), t("goodAfterTime"), t("faGroup"), t("faMethod"), t("faPercentage"), *profile, t("modelCode"),
        t("goodTillDate"), t("rule80A"), t("percentOffset"), t("settlingFirm"), t("shortSaleSlot"), t("designatedLocation"),
        t("exemptCode"), t("startingPrice"), t("stockRefPrice"), t("delta"), t("stockRangeLower"), t("stockRangeUpper"),
        t("displaySize"), t("sweepToFill"), t("allOrNone"), t("minQty"), t("ocaType"), t("triggerMethod"),
        *_volatility(shown, short=True), t("trailStopPrice"), t("trailingPercent"), _legs_text(shown), *_combination(placed),
        *_scale(shown), *_hedge(shown), t("clearingAccount"), t("clearingIntent"), t("notHeld"), *_neutral(placed),
        *_algo(placed), t("solicited"), shown.status, t("randomizeSize"), t("randomizePrice"), *_bench(shown),
        *_conditions(placed), t("trailStopPrice"), t("lmtPriceOffset"), t("cashQty"), t("dontUseAutoPriceForHedge"),
        t("isOmsContainer"), "", shown.filled, 0, t("autoCancelParent"), "", 0, 0, shown.parent_perm_id, shown.completed_at,
        shown.completed_status,
    ]  # fmt: skip
    return out + [""] * (5 if version >= 170 else 0)


def _volatility(shown: Shown, *, short: bool) -> list[Word]:
    t = shown.text
    kind = t("deltaNeutralOrderType")
    names = ["deltaNeutralConId"]
    if not short:
        names += ["deltaNeutralSettlingFirm", "deltaNeutralClearingAccount", "deltaNeutralClearingIntent"]
        names += ["deltaNeutralOpenClose"]
    names += ["deltaNeutralShortSale", "deltaNeutralShortSaleSlot", "deltaNeutralDesignatedLocation"]
    hedged = [t(name) for name in names] if kind else []
    return [
        t("volatility"), t("volatilityType"), kind, t("deltaNeutralAuxPrice"), *hedged, t("continuousUpdate"),
        t("referencePriceType"),
    ]  # fmt: skip


def _legs_text(shown: Shown) -> str:
    """Legs in one text: signed ratio and contract id, by commas."""
    signed = [f"{leg.con_id}|{leg.ratio if leg.action == 'BUY' else -leg.ratio}" for leg in shown.placed.legs]
    return ",".join(signed)


def _combination(placed: Placed) -> list[Word]:
    legs = [word for leg in placed.legs for word in leg.words]
    routing = [word for pair in placed.routing for word in pair]
    return [len(placed.legs), *legs, len(placed.leg_prices), *placed.leg_prices, len(placed.routing), *routing]


def _scale(shown: Shown) -> list[Word]:
    t = shown.text
    more = [t(name) for name in SCALE] if SCALE[0] in shown.placed.words else []
    return [t("scaleInitLevelSize"), t("scaleSubsLevelSize"), t("scalePriceIncrement"), *more]


def _hedge(shown: Shown) -> list[Word]:
    kind = shown.text("hedgeType")
    return [kind, shown.text("hedgeParam")] if kind else [kind]


def _neutral(placed: Placed) -> list[Word]:
    return [1, *placed.neutral] if placed.neutral else [0]


def _algo(placed: Placed) -> list[Word]:
    name = placed.text("algoStrategy")
    return [name, len(placed.algo), *(word for pair in placed.algo for word in pair)] if name else [name]


def _bench(shown: Shown) -> list[Word]:
    return [shown.text(name) for name in BENCH] if BENCH[0] in shown.placed.words else []


def _conditions(placed: Placed) -> list[Word]:
    words = [word for condition in placed.conditions for word in condition]
    ends = [placed.text("conditionsIgnoreRth"), placed.text("conditionsCancelOrder")] if placed.conditions else []
    return [len(placed.conditions), *words, *ends]


def _margins(margins: Margins | None) -> list[Word]:
    """Nine margins, three commissions, currency and warning; unset where nobody asked."""
    return margins.words if margins is not None else [*[UNSET] * 9, "", "", "", "", ""]

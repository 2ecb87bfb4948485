"""The order as a client sends it (`placeOrder`), by server version.

Field order: `brokers/ibkr` fact sheet C5; https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#place-order
Everything is kept as text under the API's own names, since most of it only goes back to the client as it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from floorbroker_sim.ibkr.codec import BadMessage, Reader, number
from floorbroker_sim.ibkr.wire.contracts import Contract, Leg, read_contract

Pairs = tuple[tuple[str, str], ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_HEAD = _names(
    "secIdType secId action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef transmit "
    "parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden"
)
_MIDDLE = _names("sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage")
_AFTER_PROFILE = _names(
    "modelCode shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset "
    "eTradeOnly firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower stockRangeUpper "
    "overridePercentageConstraints volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice"
)
_NEUTRAL = _names(
    "deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent deltaNeutralOpenClose "
    "deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation"
)
_TRAIL = _names(
    "continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize "
    "scalePriceIncrement"
)
SCALE = _names(
    "scalePriceAdjustValue scalePriceAdjustInterval scaleProfitOffset scaleAutoReset scaleInitPosition scaleInitFillQty "
    "scaleRandomPercent"
)
BENCH = _names(
    "referenceContractId isPeggedChangeAmountDecrease peggedChangeAmount referenceChangeAmount referenceExchangeId"
)
_ADJUSTED = _names(
    "adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount "
    "adjustableTrailingUnit extOperator softDollarName softDollarValue cashQty mifid2DecisionMaker mifid2DecisionAlgo "
    "mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge isOmsContainer discretionaryUpToLimitPrice "
    "usePriceMgmtAlgo"
)
_SINCE = (
    (158, "duration"), (160, "postToAts"), (162, "autoCancelParent"), (166, "advancedErrorOverride"), (169, "manualOrderTime"),
)  # fmt: skip
PROFILE_BEFORE = 177
_CONDITION_WORDS = {1: 6, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5}  # fields behind the kind of a condition
_BENCHES = frozenset({"PEG BENCH", "PEGBENCH"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One `placeOrder`.  `words` holds the API's fields by its own names; the lists that vary in length have members."""

    order_id: int
    contract: Contract
    words: dict[str, str]
    legs: tuple[Leg, ...] = ()
    leg_prices: tuple[str, ...] = ()
    routing: Pairs = ()
    neutral: tuple[str, ...] = ()
    algo: Pairs = ()
    conditions: tuple[tuple[str, ...], ...] = ()

    def text(self, name: str) -> str:
        return self.words.get(name, "")

    def number(self, name: str) -> Decimal | None:
        """Raises `BadMessage`."""
        return number(self.text(name), at=name)

    def whole(self, name: str) -> int:
        value = self.number(name)
        if value is not None and (value != value.to_integral_value() or abs(value) > 2**63):
            raise BadMessage(f"field {name} is no whole number")
        return 0 if value is None else int(value)

    def flag(self, name: str) -> bool:
        return self.whole(name) != 0


def read_placed(reader: Reader, version: int) -> Placed:
    """The message behind its id.  Raises `BadMessage`."""
    order_id = reader.whole()
    contract = read_contract(reader)
    words = _named(reader, _HEAD)
    legs, prices, routing = _combination(reader) if contract.sec_type == "BAG" else ((), (), ())
    words |= _named(reader, _MIDDLE)
    if version < PROFILE_BEFORE:
        words["faProfile"] = reader.text()
    words |= _named(reader, _AFTER_PROFILE)
    if words["deltaNeutralOrderType"]:
        words |= _named(reader, _NEUTRAL)
    words |= _named(reader, _TRAIL)
    if (number(words["scalePriceIncrement"], at="scalePriceIncrement") or 0) > 0:
        words |= _named(reader, SCALE)
    words |= _named(reader, ["scaleTable", "activeStartTime", "activeStopTime", "hedgeType"])
    if words["hedgeType"]:
        words["hedgeParam"] = reader.text()
    words |= _named(reader, ["optOutSmartRouting", "clearingAccount", "clearingIntent", "notHeld"])
    neutral = tuple(reader.texts(3)) if reader.flag() else ()
    words["algoStrategy"] = reader.text()
    algo = _pairs(reader) if words["algoStrategy"] else ()
    words |= _named(reader, ["algoId", "whatIf", "miscOptions", "solicited", "randomizeSize", "randomizePrice"])
    if words["orderType"] in _BENCHES:
        words |= _named(reader, BENCH)
    conditions = _conditions(reader)
    if conditions:
        words |= _named(reader, ["conditionsIgnoreRth", "conditionsCancelOrder"])
    words |= _named(reader, _ADJUSTED)
    for since, name in _SINCE:
        if version >= since:
            words[name] = reader.text()
    # What follows since 170 belongs to types that no market here takes (PEG BEST, PEG MID, IBKRATS).
    return Placed(
        order_id=order_id, contract=contract, words=words, legs=legs, leg_prices=prices, routing=routing, neutral=neutral,
        algo=algo, conditions=conditions,
    )  # fmt: skip


def _named(reader: Reader, names: Sequence[str]) -> dict[str, str]:
    return {name: reader.text() for name in names}


def _combination(reader: Reader) -> tuple[tuple[Leg, ...], tuple[str, ...], Pairs]:
    legs = tuple(_leg(reader) for _ in range(reader.count(8)))
    prices = tuple(reader.texts(reader.count()))
    return legs, prices, _pairs(reader)


def _leg(reader: Reader) -> Leg:
    con_id, ratio, (action, exchange, open_close, slot, located, exempt) = (
        reader.whole(),
        reader.whole(),
        reader.texts(6),
    )
    return Leg(
        con_id=con_id, ratio=ratio, action=action, exchange=exchange, open_close=open_close, short_slot=slot,
        located_at=located, exempt=exempt,
    )  # fmt: skip


def _pairs(reader: Reader) -> Pairs:
    return tuple((reader.text(), reader.text()) for _ in range(reader.count(2)))


def _conditions(reader: Reader) -> tuple[tuple[str, ...], ...]:
    found: list[tuple[str, ...]] = []
    for _ in range(reader.count()):
        kind = reader.whole()
        if kind not in _CONDITION_WORDS:
            raise BadMessage(f"there is no condition of kind {kind}")
        found.append((str(kind), *reader.texts(_CONDITION_WORDS[kind])))
    return tuple(found)

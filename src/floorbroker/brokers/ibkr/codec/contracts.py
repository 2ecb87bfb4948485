"""Answers about contracts: details, option classes, samples of a search, market rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec.fields import Reader
from floorbroker.brokers.ibkr.codec.requests import ISSUER_IDS
from floorbroker.brokers.ibkr.wire import Wire

SIZE_RULES = 164
_STEP_ALONE = 163
_EXPIRY_PARTS = 3


def _details(read: Reader) -> wire.ContractDetails:
    """Message 10.  The expiry may hold a time of day and a zone: `20260116 16:00:00 US/Eastern`."""
    if read.version < SIZE_RULES:
        read.skip("version")
    req_id = read.whole("reqId")
    symbol, sec_type = read.text("symbol"), read.text("secType")
    last = read.text("lastTradeDate")
    expiry = (last.split("-") if "-" in last else last.split())[:_EXPIRY_PARTS]
    strike, right = read.decimal("strike"), read.text("right")
    exchange, currency, local = read.text("exchange"), read.text("currency"), read.text("localSymbol")
    market_name, trading_class = read.text("marketName"), read.text("tradingClass")
    con_id, min_tick = read.whole("conId"), read.number("minTick")
    if read.version < SIZE_RULES:
        read.skip("mdSizeMultiplier")
    multiplier = read.text("multiplier")
    told = {"order_types": read.text("orderTypes"), "valid_exchanges": read.text("validExchanges")}
    magnifier, under_con_id = read.integer("priceMagnifier"), read.integer("underConId")
    told["long_name"] = read.text("longName")
    primary = read.text("primaryExchange")
    for name in ("contract_month", "industry", "category", "subcategory", "time_zone_id"):
        told[name] = read.text(name)
    told |= {"trading_hours": read.text("tradingHours"), "liquid_hours": read.text("liquidHours")}
    read.skip("evRule", 2)
    sec_ids = read.pairs("secIds")
    read.skip("aggGroup")
    for name in ("under_symbol", "under_sec_type", "market_rule_ids", "real_expiration", "stock_type"):
        told[name] = read.text(name)
    sizes = _sizes(read)
    if len(expiry) == _EXPIRY_PARTS:
        told["time_zone_id"] = expiry[2]
    return wire.ContractDetails(
        req_id=req_id,
        contract=wire.Contract(
            con_id=con_id,
            symbol=symbol,
            sec_type=sec_type,
            last_trade=expiry[0] if expiry else "",
            strike=wire.NOTHING if strike is None else strike,
            right=right,
            multiplier=multiplier,
            exchange=exchange,
            primary_exchange=primary,
            currency=currency,
            local_symbol=local,
            trading_class=trading_class,
        ),
        market_name=market_name,
        min_tick=min_tick,
        price_magnifier=magnifier or 1,
        under_con_id=under_con_id or 0,
        sec_ids=sec_ids,
        last_trade_time=expiry[1] if len(expiry) > 1 else "",
        min_size=sizes[0],
        size_increment=sizes[1],
        suggested_size_increment=sizes[2],
        **told,
    )


def _sizes(read: Reader) -> tuple[wire.Decimal | None, wire.Decimal | None, wire.Decimal | None]:
    """Least size, step of sizes, and the step the server suggests."""
    if read.version < _STEP_ALONE:
        return None, None, None
    if read.version == _STEP_ALONE:
        return None, None, read.decimal("suggestedSizeIncrement")
    return read.decimal("minSize"), read.decimal("sizeIncrement"), read.decimal("suggestedSizeIncrement")


def _details_end(read: Reader) -> wire.ContractDetailsEnd:
    read.skip("version")
    return wire.ContractDetailsEnd(req_id=read.whole("reqId"))


def _option_params(read: Reader) -> wire.OptionParams:
    req_id, exchange = read.whole("reqId"), read.text("exchange")
    under_con_id, trading_class = read.integer("underlyingConId") or 0, read.text("tradingClass")
    multiplier = read.text("multiplier")
    expirations = tuple(read.text("expiration") for _ in range(read.how_many("expirations")))
    strikes = tuple(read.number("strike") for _ in range(read.how_many("strikes")))
    return wire.OptionParams(
        req_id=req_id,
        exchange=exchange,
        under_con_id=under_con_id,
        trading_class=trading_class,
        multiplier=multiplier,
        expirations=expirations,
        strikes=strikes,
    )


def _option_params_end(read: Reader) -> wire.OptionParamsEnd:
    return wire.OptionParamsEnd(req_id=read.whole("reqId"))


def _samples(read: Reader) -> wire.SymbolSamples:
    req_id = read.whole("reqId")
    return wire.SymbolSamples(req_id=req_id, samples=tuple(_sample(read) for _ in range(read.how_many("samples"))))


def _sample(read: Reader) -> wire.Sample:
    con_id, symbol, sec_type = read.whole("conId"), read.text("symbol"), read.text("secType")
    primary, currency = read.text("primaryExchange"), read.text("currency")
    derivatives = tuple(read.text("derivativeSecType") for _ in range(read.how_many("derivativeSecTypes")))
    described = (read.text("description"), read.text("issuerId")) if read.version >= ISSUER_IDS else ("", "")
    return wire.Sample(
        con_id=con_id,
        symbol=symbol,
        sec_type=sec_type,
        primary_exchange=primary,
        currency=currency,
        derivatives=derivatives,
        description=described[0],
        issuer_id=described[1],
    )


def _market_rule(read: Reader) -> wire.MarketRule:
    rule_id = read.whole("marketRuleId")
    steps = tuple((read.number("lowEdge"), read.number("increment")) for _ in range(read.how_many("priceIncrements")))
    return wire.MarketRule(rule_id=rule_id, increments=steps)


READERS: Mapping[int, Callable[[Reader], Wire]] = MappingProxyType(
    {10: _details, 52: _details_end, 75: _option_params, 76: _option_params_end, 79: _samples, 93: _market_rule}
)

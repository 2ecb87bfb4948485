"""What the venue refuses before an order exists: functions that raise `Refused`, in the order people meet them."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.values import AssetClass
from floorbroker_sim.alpaca import info, wire
from floorbroker_sim.alpaca.errors import Refused, forbidden, invalid, sub_penny, unprocessable
from floorbroker_sim.alpaca.mapping import class_of, oco_price, outside

_DOLLAR = Decimal(1)
_CENT = Decimal("0.01")


def check_numbers(request: wire.OrderRequest) -> None:
    """Finite, of sensible size, positive where a number must be."""
    for name in ("qty", "notional", "trail_price", "trail_percent", "stop_price"):
        positive(name, getattr(request, name))
    multileg = request.order_class == "mleg"
    if multileg:
        finite("limit_price", request.limit_price)
    else:
        positive("limit_price", request.limit_price)
    if request.take_profit is not None:
        positive("take_profit.limit_price", request.take_profit.limit_price)
    if request.stop_loss is not None:
        positive("stop_loss.stop_price", request.stop_loss.stop_price)
        positive("stop_loss.limit_price", request.stop_loss.limit_price)
    for leg in request.legs or ():
        positive("ratio_qty", leg.ratio_qty)


def check_client_id(name: str | None, taken: Container[str]) -> None:
    """Short enough, and never used before, by finished orders neither."""
    if name is not None and len(name) > info.MAX_CLIENT_ID:
        raise invalid(f"client_order_id must be no more than {info.MAX_CLIENT_ID} characters")
    if name and name in taken:
        raise invalid("client_order_id must be unique")


def finite(name: str, value: Decimal | None) -> None:
    if value is not None and (not value.is_finite() or abs(value.adjusted()) > 15):
        raise invalid(f"{name} is not a valid number")


def positive(name: str, value: Decimal | None) -> None:
    finite(name, value)
    if value is not None and value <= 0:
        raise invalid(f"{name} must be > 0")


def check_shape(request: wire.OrderRequest) -> None:
    """Members that are missing or exclude each other."""
    if request.type is None:
        raise invalid("type is required")
    if request.time_in_force is None:
        raise invalid("time_in_force is required")
    _check_amount(request)
    _check_prices(request)
    if request.order_class == "mleg":
        _check_legs(request)
        return
    if request.symbol is None or not request.symbol.strip():
        raise invalid("symbol is required")
    if request.side is None:
        raise invalid("side is required")
    if request.legs:
        raise invalid("legs are only allowed for mleg orders")


def _check_amount(request: wire.OrderRequest) -> None:
    if request.qty is None and request.notional is None:
        raise invalid("qty or notional is required")
    if request.qty is not None and request.notional is not None:
        raise invalid("only one of qty or notional is accepted")
    for name, value in (("qty", request.qty), ("notional", request.notional)):
        if value is not None and _decimals(value) > info.MAX_DECIMALS:
            raise invalid(f"{name} must have no more than {info.MAX_DECIMALS} decimal places")


def _check_prices(request: wire.OrderRequest) -> None:
    limit, stop = oco_price(request), request.stop_price
    if request.type == "market" and (limit is not None or stop is not None):
        raise invalid("market orders require no stop or limit price")
    if request.type == "limit" and limit is None:
        raise invalid("limit orders require a limit price")
    if request.type == "limit" and stop is not None:
        raise invalid("limit orders require no stop price")
    if request.type == "stop" and stop is None:
        raise invalid("stop orders require a stop price")
    if request.type == "stop" and limit is not None:
        raise invalid("stop orders require no limit price")
    if request.type == "stop_limit" and (stop is None or limit is None):
        raise invalid("stop limit orders require both stop and limit price")
    if request.type == "trailing_stop":
        _check_trail(request)
    elif request.trail_price is not None or request.trail_percent is not None:
        raise invalid("trail_price and trail_percent are only allowed for trailing stop orders")


def _check_trail(request: wire.OrderRequest) -> None:
    if (request.trail_price is None) == (request.trail_percent is None):
        raise invalid("trailing stop orders must specify one of trail_price or trail_percent")
    if request.trail_percent is not None and request.trail_percent < info.MIN_TRAIL_PERCENT:
        raise invalid(f"trail_percent must be >= {info.MIN_TRAIL_PERCENT}")


def _check_legs(request: wire.OrderRequest) -> None:
    legs = request.legs or []
    if not 2 <= len(legs) <= info.MAX_LEGS:
        raise invalid("mleg orders require between 2 and 4 legs")
    if request.symbol or request.side:
        raise invalid("symbol and side are not allowed at the top of an mleg order")
    if any(leg.side is None and leg.position_intent is None for leg in legs):
        raise invalid("side or position_intent is required for each leg")
    if any(leg.ratio_qty % 1 for leg in legs):
        raise invalid("ratio_qty must be a whole number")
    if request.qty is None or request.qty % 1:
        raise invalid("qty must be a whole number for mleg orders")
    if request.type not in {"market", "limit"} or request.time_in_force != "day":
        raise unprocessable("mleg orders must be market or limit DAY orders")
    if len({leg.symbol for leg in legs}) != len(legs):
        raise unprocessable("mleg legs must not repeat a symbol")


def check_kind(request: wire.OrderRequest, instrument: Instrument) -> None:
    """Types, times in force and classes by asset class."""
    kind = class_of(instrument)
    if request.type not in info.TYPES[kind]:
        raise unprocessable(f"invalid order type for {_word(kind)} order")
    if request.time_in_force not in info.TIFS[kind]:
        word = "crypto" if kind == "crypto" else _word(kind)
        raise unprocessable(f"invalid {word} time_in_force")
    if kind != "us_equity" and _is_complex(request):
        raise unprocessable(f"complex orders not supported for {_word(kind)} trading")
    if kind == "us_option" and (request.notional is not None or (request.qty or 0) % 1):
        raise unprocessable("options orders must be whole contracts")
    if request.extended_hours:
        _check_extended(request, kind)


def _check_extended(request: wire.OrderRequest, kind: str) -> None:
    if kind != "us_equity" or request.type != "limit" or request.time_in_force not in {"day", "gtc"}:
        raise unprocessable("extended hours order must be DAY or GTC limit orders")
    if _is_complex(request):
        raise unprocessable("extended hours order must be simple orders")


def check_ticks(request: wire.OrderRequest, instrument: Instrument) -> None:
    """Prices of shares and options on the venue's steps: cents from one dollar up, four decimals below."""
    prices = {
        "limit_price": request.limit_price,
        "stop_price": request.stop_price,
        "take_profit.limit_price": request.take_profit.limit_price if request.take_profit else None,
        "stop_loss.stop_price": request.stop_loss.stop_price if request.stop_loss else None,
        "stop_loss.limit_price": request.stop_loss.limit_price if request.stop_loss else None,
    }
    for name, price in prices.items():
        check_tick(name, price, instrument)


def check_tick(name: str, price: Decimal | None, instrument: Instrument) -> None:
    if price is None or instrument.asset_class is AssetClass.CRYPTO:
        return
    if _decimals(price) > (2 if price >= _DOLLAR or instrument.asset_class is AssetClass.OPTION else 4):
        raise sub_penny(name, price)


def check_fraction(request: wire.OrderRequest, instrument: Instrument) -> None:
    """Fractions of a share, by quantity or by money."""
    if instrument.asset_class is not AssetClass.EQUITY:
        return
    if request.notional is None and not (request.qty or 0) % 1:
        return
    if not instrument.fraction:
        raise forbidden(f'asset "{outside(instrument.symbol)}" is not fractionable')
    if request.time_in_force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    if _is_complex(request):
        raise unprocessable("fractional orders must be simple orders")
    if request.type not in info.FRACTIONAL_TYPES:
        raise unprocessable("fractional orders must be market, limit, stop or stop limit orders")
    if request.notional is not None and request.notional < info.MIN_NOTIONAL:
        raise unprocessable("notional must be >= 1.00")
    if request.notional is not None and _decimals(request.notional) > 2:
        raise unprocessable("notional value must be limited to 2 decimal places")


def check_class(request: wire.OrderRequest, base: Decimal | None) -> None:
    """Brackets, OCO and OTO.  `base` is the price exits are measured against: the limit, else the market."""
    kind, take, stop = request.order_class or "simple", request.take_profit, request.stop_loss
    if kind in {"simple", "mleg"}:
        if take is not None or stop is not None:
            raise invalid(f"{kind} orders do not take take_profit or stop_loss")
        return
    if request.time_in_force not in {"day", "gtc"}:
        raise unprocessable(f"{kind} orders must be DAY or GTC orders")
    if request.type == "trailing_stop":
        raise unprocessable("trailing stop orders must be simple orders")
    if take is not None and take.limit_price is None:
        raise invalid("take_profit.limit_price is required")
    if stop is not None and stop.stop_price is None:
        raise invalid("stop_loss.stop_price is required")
    if kind == "oco" and request.type != "limit":
        raise unprocessable("oco orders must be limit orders")
    if kind in {"bracket", "oco"} and (take is None or stop is None):
        raise invalid(f"{kind} orders require both take_profit and stop_loss")
    if kind == "oto" and (take is None) == (stop is None):
        raise invalid("oto orders require either take_profit or stop_loss")
    _check_exits(request, base, entry_is_buy=(request.side == "buy") != (kind == "oco"))


def _check_exits(request: wire.OrderRequest, base: Decimal | None, *, entry_is_buy: bool) -> None:
    take = request.take_profit.limit_price if request.take_profit else None
    stop = request.stop_loss.stop_price if request.stop_loss else None
    sign = 1 if entry_is_buy else -1
    if take is not None and stop is not None and (take - stop) * sign <= 0:
        above, below = ("take_profit", "stop_loss") if entry_is_buy else ("stop_loss", "take_profit")
        raise unprocessable(
            f"{above} price must be > {below} price for {'long' if entry_is_buy else 'short'} positions"
        )
    if base is not None and stop is not None and request.order_class != "oco" and (base - stop) * sign < _CENT:
        bound = "<= base_price - 0.01" if entry_is_buy else ">= base_price + 0.01"
        raise unprocessable(f"stop_loss.stop_price must be {bound}", base_price=f"{base:f}")


def check_intent(specified: str | None, inferred: str) -> None:
    """A position intent that contradicts the position."""
    if specified is not None and specified != inferred:
        raise unprocessable(f"position intent mismatch, inferred: {inferred}, specified: {specified}")


def wash_trade(existing_id: str, *, is_limit: bool) -> Refused:
    """`is_limit` is about the order that stands in the way."""
    kind = "limit" if is_limit else "market/stop"
    return forbidden(
        "potential wash trade detected. use complex orders",
        existing_order_id=existing_id,
        reject_reason=f"opposite side {kind} order exists",
    )


def _is_complex(request: wire.OrderRequest) -> bool:
    return (request.order_class or "simple") not in {"simple", "mleg"}


def _word(kind: str) -> str:
    return {"us_option": "options", "us_equity": "us_equity"}.get(kind, kind)


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

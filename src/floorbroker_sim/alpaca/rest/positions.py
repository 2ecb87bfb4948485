"""Positions, and closing them by market order.  https://docs.alpaca.markets/reference/getallopenpositions"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import ZERO, AssetClass, Side, text_of
from floorbroker.matching import XNYS
from floorbroker_sim.alpaca import wire
from floorbroker_sim.alpaca.errors import Refused, forbidden, invalid, position_missing, unprocessable
from floorbroker_sim.alpaca.mapping import asset_id, class_of, inside, outside, position_symbol
from floorbroker_sim.alpaca.rest import money
from floorbroker_sim.alpaca.rest.assets import exchange_of
from floorbroker_sim.alpaca.rest.entry import place
from floorbroker_sim.alpaca.rest.money import Holding
from floorbroker_sim.alpaca.rest.orders import cancel_all
from floorbroker_sim.alpaca.rest.reading import amount, flag
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Reply, Request, json_reply

_RATIO = Decimal("0.0000000001")
_UNIT = Decimal("0.000000001")
_CENTS = Decimal("0.000001")


def list_positions(state: State, _request: Request) -> Reply:
    return json_reply([_object(state, holding) for holding in state.holdings()])


def get_position(state: State, _request: Request, name: str) -> Reply:
    return json_reply(_object(state, _held(state, name)))


def _held(state: State, name: str) -> Holding:
    """A position by symbol, with or without the slash of a pair, or by asset id."""
    canonical = inside(name)
    for holding in state.holdings():
        symbol = holding.instrument.symbol
        if symbol == canonical or position_symbol(symbol) == name or asset_id(outside(symbol)) == name:
            return holding
    raise position_missing()


def _object(state: State, holding: Holding) -> dict[str, object]:
    instrument = holding.instrument
    side = Side.SELL if holding.qty > 0 else Side.BUY
    blocked, _ = money.held(state.open.on(instrument.symbol, side))
    available = max(abs(holding.qty) - blocked, ZERO)
    yesterday = _last_close(state, instrument.symbol)
    gain = holding.value - holding.cost
    today = (holding.mark - yesterday) * holding.qty * instrument.multiplier
    return {
        "asset_id": asset_id(outside(instrument.symbol)),
        "symbol": position_symbol(instrument.symbol),
        "exchange": "" if instrument.asset_class is AssetClass.OPTION else exchange_of(instrument),
        "asset_class": class_of(instrument),
        "asset_marginable": instrument.marginable,
        "qty": text_of(holding.qty),
        "qty_available": text_of(available if holding.qty > 0 else -available),
        "side": "long" if holding.qty > 0 else "short",
        "avg_entry_price": text_of(_rounded(holding.avg_px, _UNIT)),
        "market_value": text_of(_rounded(holding.value, _CENTS)),
        "cost_basis": text_of(_rounded(holding.cost, _CENTS)),
        "unrealized_pl": text_of(_rounded(gain, _CENTS)),
        "unrealized_plpc": _ratio(gain, abs(holding.cost)),
        "unrealized_intraday_pl": text_of(_rounded(today, _CENTS)),
        "unrealized_intraday_plpc": _ratio(today, abs(yesterday * holding.qty * instrument.multiplier)),
        "current_price": text_of(holding.mark),
        "lastday_price": text_of(yesterday),
        "change_today": _ratio(holding.mark - yesterday, yesterday),
    }


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step)


def _ratio(part: Decimal, whole: Decimal) -> str:
    return text_of((part / whole).quantize(_RATIO)) if whole else "0"


def _last_close(state: State, symbol: str) -> Decimal:
    """The price at the close before today's session."""
    return state.market.close_before(symbol, XNYS.current_or_next(state.clock.now()).open)


# --- Close -----------------------------------------------------------------------------------------------------------


def delete_position(state: State, request: Request, name: str) -> Reply:
    holding = _held(state, name)
    qty, percentage = amount(request.query, "qty"), amount(request.query, "percentage")
    if qty is not None and percentage is not None:
        raise invalid("only one of qty or percentage is accepted")
    if percentage is not None:
        if not 0 < percentage <= 100:
            raise invalid("percentage must be between 0 and 100")
        qty = _share(holding, percentage)
    if qty is not None and qty <= 0:
        raise invalid("qty must be > 0")
    return json_reply(_close(state, holding, qty))


def _share(holding: Holding, percentage: Decimal) -> Decimal:
    """A part of the position: whole contracts for options, nine decimals elsewhere."""
    exact = abs(holding.qty) * percentage / 100
    step = Decimal(1) if holding.instrument.fraction is None else _UNIT
    return (exact / step).to_integral_value(ROUND_FLOOR) * step


def _close(state: State, holding: Holding, qty: Decimal | None) -> wire.Order:
    return place(
        state,
        wire.OrderRequest(
            symbol=outside(holding.instrument.symbol),
            qty=abs(holding.qty) if qty is None else qty,
            side="sell" if holding.qty > 0 else "buy",
            type="market",
            time_in_force="gtc" if holding.instrument.asset_class is AssetClass.CRYPTO else "day",
        ),
    )


def delete_positions(state: State, request: Request) -> Reply:
    if flag(request.query, "cancel_orders"):
        cancel_all(state)
    answer: list[dict[str, object]] = []
    for holding in state.holdings():
        symbol = position_symbol(holding.instrument.symbol)
        try:
            answer.append({"symbol": symbol, "status": 200, "body": _close(state, holding, None)})
        except Refused as refused:
            answer.append({"symbol": symbol, "status": refused.status, "body": refused.body})
    return json_reply(answer, status=207)


# --- Options ---------------------------------------------------------------------------------------------------------


def exercise(state: State, _request: Request, name: str) -> Reply:
    """Turn long contracts into shares at the strike, all of them at once."""
    holding = _long_option(state, name)
    contract = OptionContract.parse(holding.instrument.symbol)
    assert contract is not None
    shares = holding.qty * 100
    if contract.right == "C" and shares * contract.strike > state.standing().buying_power + holding.value:
        raise forbidden("insufficient buying power")
    if contract.right == "P" and shares > state.position(contract.root):
        raise forbidden(f"insufficient qty available for exercise (required: {text_of(shares)})")
    state.exercise(holding.instrument.symbol, contract, holding.qty)
    return Reply(status=200)


def do_not_exercise(state: State, _request: Request, name: str) -> Reply:
    state.kept_from_exercise.add(_long_option(state, name).instrument.symbol)
    return Reply(status=200)


def _long_option(state: State, name: str) -> Holding:
    if OptionContract.parse(inside(name)) is None and len(name) != 36:
        raise unprocessable(f"invalid symbol: {name}")
    try:
        holding = _held(state, name)
    except Refused as missing:
        raise forbidden("no position") from missing
    if holding.qty < 0:
        raise Refused(403, 40310001, "position is short")
    return holding

"""Positions: both sides of an instrument, and closing them.  https://developer.oanda.com/rest-live-v20/position-ep/"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO, is_multiple
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import Refused, invalid, rejected
from floorbroker_sim.oanda.mapping import average
from floorbroker_sim.oanda.rest import checks, money, work
from floorbroker_sim.oanda.rest.answers import Answer, ended
from floorbroker_sim.oanda.rest.execution import execute
from floorbroker_sim.oanda.rest.reading import Call, Fields, decimal_in, object_in
from floorbroker_sim.oanda.rest.records import Tally
from floorbroker_sim.oanda.rest.wishes import extensions

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

_SIDES = (("long", True), ("short", False))


def instruments(state: State) -> list[str]:
    """Instruments that were ever traded, by name."""
    return sorted({instrument for instrument, _ in state.tallies})


def shown(state: State, instrument: str) -> wire.Position:
    """Both sides at the prices of now."""
    long, short = (_side(state, instrument, long=is_long) for _, is_long in _SIDES)
    return wire.Position(
        instrument=instrument, pl=long.pl + short.pl, unrealized_pl=long.unrealized_pl + short.unrealized_pl,
        margin_used=money.margin_of(state, instrument), resettable_pl=long.pl + short.pl,
        financing=long.financing + short.financing, commission=money.cents(ZERO),
        guaranteed_execution_fees=long.guaranteed_execution_fees + short.guaranteed_execution_fees, long=long, short=short,
    )  # fmt: skip


def _side(state: State, instrument: str, *, long: bool) -> wire.PositionSide:
    trades = state.held(instrument, long=long)
    units = sum((trade.units for trade in trades), ZERO)
    tally = state.tallies.get((instrument, long), Tally())
    side = wire.PositionSide(
        units=units, pl=money.cents(tally.pl), resettable_pl=money.cents(tally.pl), financing=money.cents(tally.financing),
        unrealized_pl=money.cents(sum((money.unrealized(state, trade) for trade in trades), ZERO)),
        guaranteed_execution_fees=money.cents(tally.fees),
    )  # fmt: skip
    if trades:
        worth = sum((trade.price * trade.units for trade in trades), ZERO)
        side.average_price = average(worth / units, trades[0].price)
        side.trade_ids = [trade.id for trade in trades]
    return side


def list_positions(state: State, _call: Call) -> Answer:
    return Answer(ended(state, {"positions": [shown(state, one) for one in instruments(state)]}))


def open_positions(state: State, _call: Call) -> Answer:
    held = sorted({trade.instrument for trade in state.open_trades.values()})
    return Answer(ended(state, {"positions": [shown(state, one) for one in held]}))


def get_position(state: State, _call: Call, instrument: str) -> Answer:
    if instrument not in info.INSTRUMENTS:
        raise invalid("instrument")
    if instrument not in instruments(state):
        raise Refused(404, "The Position specified does not exist", code="NO_SUCH_POSITION", members=ended(state, {}))
    return Answer(ended(state, {"position": shown(state, instrument)}))


def close_position(state: State, call: Call, instrument: str) -> Answer:
    """Close one side or both with market orders; a side that is not named, or named NONE, stays."""
    fields = call.fields(optional=True)
    if instrument not in info.INSTRUMENTS:
        raise invalid("instrument")
    asked = {name: _asked(fields, f"{name}Units") for name, _ in _SIDES}
    words = {name: extensions(object_in(fields, f"{name}ClientExtensions")) for name, _ in _SIDES}
    if not fields:
        asked = {name: "ALL" if state.held(instrument, long=long) else "NONE" for name, long in _SIDES}
    with state.log.batch(call.request_id) as ids:
        body: dict[str, object] = {}
        sides = [(name, long) for name, long in _SIDES if asked[name] != "NONE"]
        for name, long in sides or [("long", True)]:
            code = _bad_close(state, instrument, asked[name], long=long) if sides else _nothing(state)
            code = code or next(checks.words(words[name], "CLIENT_ORDER"), None)
            if code is not None:
                wish = _wish(instrument, asked[name], ZERO, words[name], long=long)
                entry = work.reject(state, wish, code=code, reason="POSITION_CLOSEOUT")
                members = ended(state, {f"{name}OrderRejectTransaction": entry}, ids)
                raise rejected(code, members, status=404 if code == "CLOSEOUT_POSITION_DOESNT_EXIST" else 400)
        for name, long in sides:
            units = state.units(instrument, long=long)
            size = abs(units) if asked[name] == "ALL" else Decimal(asked[name])
            wish = _wish(instrument, asked[name], size, words[name], long=long)
            made = work.make(state, wish, reason="POSITION_CLOSEOUT")
            done = execute(state, state.orders[made.id])
            body[f"{name}OrderCreateTransaction"] = made
            if done.fill is not None:
                body[f"{name}OrderFillTransaction"] = done.fill
            if done.cancel is not None:
                body[f"{name}OrderCancelTransaction"] = done.cancel
        return Answer(ended(state, body, ids))


def _asked(fields: Fields, name: str) -> str:
    """`ALL`, `NONE`, or a number as plain text."""
    value = fields.get(name)
    if value is None:
        return "NONE"
    if value in {"ALL", "NONE"} if isinstance(value, str) else False:
        return str(value)
    found = decimal_in(fields, name)
    return f"{found:f}"


def _wish(instrument: str, asked: str, size: Decimal, words: wire.ClientExtensions | None, *, long: bool) -> wire.Wish:
    closeout = wire.PositionCloseout(instrument=instrument, units=asked)
    return wire.Wish(
        type="MARKET", instrument=instrument, units=(-size if long else size) if size else None, time_in_force="FOK",
        position_fill="REDUCE_ONLY", long_position_closeout=closeout if long else None,
        short_position_closeout=None if long else closeout, client_extensions=words,
    )  # fmt: skip


def _nothing(state: State) -> str:
    return state.hands.rejects.popleft() if state.hands.rejects else "CLOSEOUT_POSITION_INCOMPLETE_SPECIFICATION"


def _bad_close(state: State, instrument: str, asked: str, *, long: bool) -> str | None:
    if state.hands.rejects:
        return state.hands.rejects.popleft()
    if not state.held(instrument, long=long):
        return "CLOSEOUT_POSITION_DOESNT_EXIST"
    if asked == "ALL":
        return None
    size = Decimal(asked)
    if size <= 0:
        return "UNITS_INVALID"
    if not is_multiple(size, info.INSTRUMENTS[instrument].units_step):
        return "UNITS_PRECISION_EXCEEDED"
    held = abs(state.units(instrument, long=long))
    return "CLOSEOUT_POSITION_UNITS_EXCEED_POSITION_SIZE" if size > held else None

"""The account: what it is, what it holds, what may be set.  https://developer.oanda.com/rest-live-v20/account-ep/"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import invalid, rejected
from floorbroker_sim.oanda.mapping import inside, order_object
from floorbroker_sim.oanda.rest import money, positions, trades
from floorbroker_sim.oanda.rest.answers import Answer, ended
from floorbroker_sim.oanda.rest.reading import Call, decimal_in, text_in

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


def list_accounts(state: State, _call: Call) -> Answer:
    """The accounts the token covers."""
    return Answer({"accounts": [{"id": state.keys.account, "tags": list[str]()}]})


def summary_of(state: State) -> wire.Summary:
    """The account without its lists."""
    account, held = state.account, {trade.instrument for trade in state.open_trades.values()}
    return wire.Summary(
        **money.shown(money.figures(state)), id=state.keys.account, alias=account.alias, currency=state.settings.currency,
        balance=money.cents(account.balance), created_by_user_id=state.keys.user, created_time=account.created,
        guaranteed_stop_loss_order_mode=account.guaranteed, pl=money.cents(account.pl), resettable_pl=money.cents(account.pl),
        resettable_pl_time=account.created, financing=money.cents(account.financing), commission=money.cents(Decimal(0)),
        guaranteed_execution_fees=money.cents(account.fees), margin_rate=account.margin_rate,
        margin_call_enter_time=account.called_at, open_trade_count=len(state.open_trades), open_position_count=len(held),
        pending_order_count=len(state.pending), hedging_enabled=account.hedging, last_order_fill_timestamp=account.last_fill,
        last_transaction_id=state.log.last_id,
    )  # fmt: skip


def get_account(state: State, _call: Call) -> Answer:
    """Everything, with open trades, positions and pending orders."""
    account = summary_of(state)
    account.trades = [trades.shown(state, trade, whole=False) for trade in state.open_trades.values()]
    account.positions = [positions.shown(state, one) for one in positions.instruments(state)]
    account.orders = [order_object(order) for order in state.pending.values()]
    return Answer(ended(state, {"account": account}))


def get_summary(state: State, _call: Call) -> Answer:
    return Answer(ended(state, {"account": summary_of(state)}))


def get_instruments(state: State, call: Call) -> Answer:
    """What can be traded, with its decimals and the rules of its units."""
    names = call.names("instruments") or [one for one in info.INSTRUMENTS if inside(one) in state.market.instruments]
    if any(name not in info.INSTRUMENTS for name in names):
        raise invalid("instruments")
    return Answer(ended(state, {"instruments": [_instrument(state, name) for name in names]}))


def _instrument(state: State, name: str) -> wire.Instrument:
    listed = info.INSTRUMENTS[name]
    return wire.Instrument(
        name=name, type=listed.kind, display_name=listed.display, pip_location=listed.pip, display_precision=listed.precision,
        trade_units_precision=listed.units_precision, minimum_trade_size=listed.minimum,
        maximum_trailing_stop_distance=listed.trail_max, minimum_trailing_stop_distance=listed.trail_min,
        maximum_position_size="0", maximum_order_units=listed.maximum, margin_rate=f"{money.rate(state, name):f}",
    )  # fmt: skip


def configure(state: State, call: Call) -> Answer:
    """Another alias, another margin rate."""
    fields = call.fields()
    alias, rate = text_in(fields, "alias"), decimal_in(fields, "marginRate")
    with state.log.batch(call.request_id):
        code = _bad_configuration(state, alias, rate)
        if code is not None:
            entry = state.log.write(
                wire.Configure, type="CLIENT_CONFIGURE_REJECT", alias=alias, margin_rate=rate, reject_reason=code
            )
            raise rejected(code, ended(state, {"clientConfigureRejectTransaction": entry}))
        entry = state.log.write(wire.Configure, type="CLIENT_CONFIGURE", alias=alias, margin_rate=rate)
        state.account.alias = alias or state.account.alias
        state.account.margin_rate = rate if rate is not None else state.account.margin_rate
        return Answer(ended(state, {"clientConfigureTransaction": entry}))


def _bad_configuration(state: State, alias: str | None, rate: Decimal | None) -> str | None:
    if state.hands.rejects:
        return state.hands.rejects.popleft()
    if alias is None and rate is None:
        return "CLIENT_CONFIGURE_DATA_MISSING"
    if alias is not None and (not alias.strip() or len(alias) > info.TEXT_MAX or not alias.isprintable()):
        return "ALIAS_INVALID"
    if rate is None:
        return None
    if not 0 < rate <= 1:
        return "MARGIN_RATE_INVALID"
    before = state.account.margin_rate
    state.account.margin_rate = rate
    found = money.figures(state)
    state.account.margin_rate = before
    if found.closeout >= 1:
        return "MARGIN_RATE_WOULD_TRIGGER_CLOSEOUT"
    return "MARGIN_RATE_WOULD_TRIGGER_MARGIN_CALL" if found.call >= 1 else None

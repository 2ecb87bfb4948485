"""Commands, which REST and the trade socket take alike: a body in, a code with its result out, and what is left of the limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from floorbroker_sim.bybit import errors, wire
from floorbroker_sim.bybit.limits import Counter
from floorbroker_sim.bybit.rest import account, batches, changes, entry, positions, reading
from floorbroker_sim.bybit.rest.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a command: `code` zero or the venue's refusal."""

    code: int
    message: str
    result: Mapping[str, object] = field(default_factory=dict[str, object])
    extra: Mapping[str, object] = field(default_factory=dict[str, object])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class _Named(msgspec.Struct, frozen=True):
    category: str = ""


def pre_check(state: State, wish: wire.CreateOrder) -> dict[str, object]:
    """Everything that `create` looks at, without taking the order.  Margin rates are told in ten thousandths."""
    entry.prepared(state, wish)
    rates = dict.fromkeys(("preImrE4", "preMmrE4", "postImrE4", "postMmrE4"), 0)
    return {"orderId": "", "orderLinkId": wish.order_link_id or "", **rates}


def _single(
    kind: type[wire.Body], act: Callable[..., dict[str, object]]
) -> Callable[[State, bytes], dict[str, object]]:
    return lambda state, raw: act(state, reading.body(raw, kind))


_SINGLE: Mapping[str, Callable[[State, bytes], dict[str, object]]] = {
    "/v5/order/create": _single(wire.CreateOrder, entry.create),
    "/v5/order/amend": _single(wire.AmendOrder, changes.amend),
    "/v5/order/cancel": _single(wire.CancelOrder, changes.cancel),
    "/v5/order/cancel-all": _single(wire.CancelAll, changes.cancel_all),
    "/v5/order/pre-check": _single(wire.CreateOrder, pre_check),
    "/v5/position/set-leverage": _single(wire.SetLeverage, positions.set_leverage),
    "/v5/position/switch-mode": _single(wire.SwitchMode, positions.switch_mode),
    "/v5/position/trading-stop": _single(wire.TradingStop, positions.trading_stop),
    "/v5/account/set-margin-mode": _single(wire.SetMarginMode, account.set_margin_mode),
}
_BATCHES: Mapping[str, Callable[[State, wire.Batch, int], batches.Lists]] = {
    "/v5/order/create-batch": batches.create_batch,
    "/v5/order/amend-batch": batches.amend_batch,
    "/v5/order/cancel-batch": batches.cancel_batch,
}
PATHS = frozenset({*_SINGLE, *_BATCHES})


def run(state: State, counter: Counter, path: str, raw: bytes) -> Done:
    """Do what the body says.  Every order of a batch counts against the limit; those beyond it fail alone."""
    headers: dict[str, str] = {}
    try:
        category = reading.body(raw, _Named).category
        if path in _BATCHES:
            batch = reading.body(raw, wire.Batch)
            passed, headers = counter.take(path, category, count=len(batches.items(batch)))
            result, extra = _BATCHES[path](state, batch, passed)
            return Done(code=0, message="OK", result=result, extra=extra, headers=headers)
        passed, headers = counter.take(path, category)
        if not passed:
            raise errors.too_many()
        return Done(code=0, message="OK", result=_SINGLE[path](state, raw), headers=headers)
    except errors.Refused as refused:
        return Done(code=refused.code, message=refused.message, headers=headers)

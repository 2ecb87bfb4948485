"""An order request read: its terms with defaults filled in, and what the words in it already give reason to refuse."""

from __future__ import annotations

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import invalid
from floorbroker_sim.oanda.rest.reading import Fields, decimal_in, flag_in, moment_in, object_in, text_in

_ON_FILL = {
    "take_profit_on_fill": ("takeProfitOnFill", "TAKE_PROFIT_ON_FILL"),
    "stop_loss_on_fill": ("stopLossOnFill", "STOP_LOSS_ON_FILL"),
    "guaranteed_stop_loss_on_fill": ("guaranteedStopLossOnFill", "STOP_LOSS_ON_FILL"),
    "trailing_stop_loss_on_fill": ("trailingStopLossOnFill", "TRAILING_STOP_LOSS_ON_FILL"),
}


def order_wish(fields: Fields) -> tuple[wire.Wish, list[str]]:
    """Terms and reasons to refuse them.  Raises `Refused` 400 for what cannot be read at all."""
    kind = text_in(fields, "type", at="order.")
    if kind not in info.TIMES:
        raise invalid("order.type")
    flaws: list[str] = []
    at = "order."
    wish = wire.Wish(
        type=kind, instrument=text_in(fields, "instrument", at=at), units=decimal_in(fields, "units", at=at),
        price=decimal_in(fields, "price", at=at), distance=decimal_in(fields, "distance", at=at),
        price_bound=decimal_in(fields, "priceBound", at=at), guaranteed=flag_in(fields, "guaranteed", at=at),
        gtd_time=moment_in(fields, "gtdTime", at=at), trade_id=text_in(fields, "tradeID", at=at),
        client_trade_id=text_in(fields, "clientTradeID", at=at),
        client_extensions=extensions(object_in(fields, "clientExtensions", at=at)),
        trade_client_extensions=extensions(object_in(fields, "tradeClientExtensions", at=at)),
    )  # fmt: skip
    wish.time_in_force = _word(
        fields, "timeInForce", info.TIMES[kind], flaws, stem="TIME_IN_FORCE", default=info.TIMES[kind][0]
    )
    if kind in info.ENTRIES:
        wish.position_fill = _word(
            fields, "positionFill", info.FILLS, flaws, stem="ORDER_FILL_POSITION_ACTION", default="DEFAULT"
        )
        for name, (spelled, stem) in _ON_FILL.items():
            found = object_in(fields, spelled, at=at)
            if found is not None:
                setattr(wish, name, details(found, flaws, stem=stem, at=f"order.{spelled}."))
    if kind != "MARKET":
        wish.trigger_condition = _word(
            fields, "triggerCondition", info.TRIGGERS, flaws, stem="TRIGGER_CONDITION", default="DEFAULT"
        )
    return wish, flaws


def details(fields: Fields, flaws: list[str], *, stem: str, at: str) -> wire.Details:
    """A dependent order inside a request."""
    return wire.Details(
        price=decimal_in(fields, "price", at=at), distance=decimal_in(fields, "distance", at=at),
        guaranteed=flag_in(fields, "guaranteed", at=at), gtd_time=moment_in(fields, "gtdTime", at=at),
        time_in_force=_word(
            fields, "timeInForce", info.PENDING_TIMES, flaws, stem=f"{stem}_TIME_IN_FORCE", default="GTC"
        ),
        trigger_condition=_word(
            fields, "triggerCondition", info.TRIGGERS, flaws, stem=f"{stem}_TRIGGER_CONDITION", default=None
        ),
        client_extensions=extensions(object_in(fields, "clientExtensions", at=at)),
    )  # fmt: skip


def _word(
    fields: Fields, name: str, allowed: tuple[str, ...], flaws: list[str], *, stem: str, default: str | None
) -> str | None:
    """One of the words; a null is a word that is missing, and the refused word is not repeated."""
    if name not in fields:
        return default
    value = fields[name]
    if value in {None, ""} if not isinstance(value, dict | list) else False:
        flaws.append(f"{stem}_MISSING")
        return None
    if value not in allowed:
        flaws.append(f"{stem}_INVALID")
        return None
    return str(value)


def extensions(fields: Fields | None) -> wire.ClientExtensions | None:
    """The client's words; None when there are none."""
    if fields is None:
        return None
    at = "clientExtensions."
    return wire.ClientExtensions(
        id=text_in(fields, "id", at=at), tag=text_in(fields, "tag", at=at), comment=text_in(fields, "comment", at=at)
    )

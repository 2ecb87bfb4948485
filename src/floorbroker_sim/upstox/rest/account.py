"""The user: profile, funds, registered addresses, the kill switch by segment.

https://upstox.com/developer/api-documentation/get-user-fund-margin and its neighbours
"""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.mapping import iso_text
from floorbroker_sim.upstox.rest import life, login, risk
from floorbroker_sim.upstox.rest.answers import Call, ok, shown
from floorbroker_sim.upstox.rest.reading import body_of
from floorbroker_sim.upstox.wire import AddressWish, SegmentWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State


def get_profile(state: State, _call: Call) -> Reply:
    return ok(login.profile(state))


# --- Money -------------------------------------------------------------------------------------------------------------


def get_funds(state: State, call: Call) -> Reply:
    """Of shares, of commodities, or both; nothing lies in commodities here."""
    segment = call.query.get("segment", "")
    if segment not in {"", "SEC", "COM"}:
        raise Refused("UDAPI1105", path="segment", value=segment)
    now = risk.funds(state)
    equity = _margin(now.used, now.span, now.exposure, now.available)
    commodity = _margin(ZERO, ZERO, ZERO, ZERO)
    parts = {"SEC": {"equity": equity}, "COM": {"commodity": commodity}}
    return ok(parts.get(segment, {"equity": equity, "commodity": commodity}))


def _margin(used: Decimal, span: Decimal, exposure: Decimal, available: Decimal) -> dict[str, object]:
    return {
        "used_margin": shown(used), "payin_amount": ZERO, "span_margin": shown(span), "adhoc_margin": ZERO,
        "notional_cash": ZERO, "available_margin": shown(available), "exposure_margin": shown(exposure),
    }  # fmt: skip


def get_funds_v3(state: State, _call: Call) -> Reply:
    now = risk.funds(state)
    available, span = shown(now.available), shown(now.span + now.exposure)
    cash = {
        "opening_balance": shown(now.opening), "added_today": ZERO, "withdrawn_today": ZERO,
        "amount_from_stock_sale": shown(now.sales), "unpaid_charges": shown(now.unpaid),
    }  # fmt: skip
    lost = {"realised": shown(max(-now.realised, ZERO)), "unrealised": shown(max(-now.unrealised, ZERO))}
    used: dict[str, object] = {
        "total": shown(now.used), "mtf": shown(now.mtf), "loss": {"total": sum(lost.values(), ZERO), **lost},
        "span_exposure": span, "cash_margin_var_elm": shown(now.intraday + now.reserved), "premium_present": shown(now.premium),
        "delivery_margin": {"total": shown(now.delivery), "equity": shown(now.delivery), "fo_settlement": ZERO},
    }  # fmt: skip
    pledged: dict[str, object] = {
        "total": ZERO, "mtf": ZERO, "span_exposure": ZERO, "cash_margin_var_elm": ZERO, "premium_present": ZERO,
        "delivery_margin": {"total": ZERO, "equity": ZERO, "fo_settlement": ZERO},
    }  # fmt: skip
    nothing = {"total": ZERO, "equity": ZERO, "mutual_funds": ZERO}
    return ok(
        {
            "available_to_trade": {
                "total": available,
                "cash_available_to_trade": {"total": available, "cash": cash, "margin_used": used},
                "pledge_available_to_trade": {"margin_from_pledge": nothing, "margin_used": pledged},
            },
            "unavailable_to_trade": {
                "cash_unavailable_to_trade": {"unsettled_profit": {"todays_profit": ZERO, "previous_days": ZERO}},
                "pledge_unavailable_to_trade": {"equity": ZERO, "mutual_funds": ZERO},
            },
        }
    )


# --- Addresses ---------------------------------------------------------------------------------------------------------


def get_addresses(state: State, _call: Call) -> Reply:
    return ok(_addresses(state, invalidated=False))


def _addresses(state: State, *, invalidated: bool) -> dict[str, object]:
    at = None if state.addressed_at is None else iso_text(state.addressed_at)
    first, second = state.addresses
    return {
        "primary_ip": first, "secondary_ip": second, "primary_ip_updated_at": at,
        "secondary_ip_updated_at": at if second else None, "access_tokens_invalidated": invalidated,
    }  # fmt: skip


def put_addresses(state: State, call: Call) -> Reply:
    """Other addresses for orders, once a week; every token ends."""
    wish = body_of(call.request, AddressWish)
    if not wish.primary_ip:
        raise Refused("UDAPI1182", path="primary_ip")
    first, second = _address(wish.primary_ip, "primary_ip"), None
    if wish.secondary_ip:
        second = _address(wish.secondary_ip, "secondary_ip")
    if first == second:
        raise Refused(
            "UDAPI1184", text="Primary and secondary IP must be different.", path="secondary_ip", value=second
        )
    now = state.clock.now()
    if state.addressed_at is not None and now - state.addressed_at < info.ADDRESS_REST:
        raise Refused("UDAPI1185", text="Static IP can only be updated once per week.")
    state.addresses, state.addressed_at = (first, second), now
    state.tokens.revoke()
    return ok(_addresses(state, invalidated=True))


def _address(text: str, path: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Refused("UDAPI1183", path=path, value=text) from error


# --- The kill switch ---------------------------------------------------------------------------------------------------


def get_switch(state: State, _call: Call) -> Reply:
    return ok([_segment(state, name) for name in info.SEGMENTS])


def _segment(state: State, name: str) -> dict[str, object]:
    active = name in {"NSE_EQ", "BSE_EQ", "NSE_FO"}
    return {
        "segment": name,
        "segment_status": "ACTIVE" if active else "INACTIVE",
        "kill_switch_enabled": name in state.off,
    }


def post_switch(state: State, call: Call) -> Reply:
    """`DISABLE` ends trading in a segment for twelve hours at least; all of a request happens, or nothing."""
    wishes, now = body_of(call.request, list[SegmentWish]), state.clock.now()
    if not wishes:
        raise Refused("UDAPI100036", text="Invalid Input: there is no segment in the list")
    for wish in wishes:
        _check_switch(state, wish)
    for wish in wishes:
        name = wish.segment or ""
        if wish.action == "ENABLE":
            state.off.pop(name, None)
        elif name not in state.off:
            state.off[name] = now
            for order in [one for one in state.open.values() if one.listed.segment == name]:
                life.cancel(state, order, message="Cancelled by the kill switch")
    return ok([_segment(state, wish.segment or "") for wish in wishes])


def _check_switch(state: State, wish: SegmentWish) -> None:
    if wish.segment not in info.SEGMENTS:
        raise Refused("UDAPI1186", path="segment", value=wish.segment)
    if wish.action not in {"ENABLE", "DISABLE"}:
        raise Refused("UDAPI1188", path="action", value=wish.action)
    since = state.off.get(wish.segment)
    if wish.action == "DISABLE" and any(
        p.quantity and p.listed.segment == wish.segment for p in state.positions.values()
    ):
        raise Refused("UDAPI1184", path="segment", value=wish.segment)
    if wish.action == "ENABLE" and since is not None and state.clock.now() - since < info.COOLING:
        raise Refused("UDAPI1185", path="segment", value=wish.segment)

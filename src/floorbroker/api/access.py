"""What each route asks of its caller, in one table: a route that is not in it is not served (RELIABILITY 12).

The scope is one of those named; the environment is that of the path, the route's own, the query's, or each that runs here;
`proof` wants a person who has proved who they are within five minutes.  Objects are looked at by the routes themselves: an id
that is not the caller's is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute

from floorbroker.api.door import door_of, identity_of
from floorbroker.api.pace import COSTS, charge
from floorbroker.domain.errors import Forbidden, Hint
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import Environment
from floorbroker.people.identity import Identity, Kind, Scope


@frozen
class Access:
    """Who may use a route.  Without scopes, everybody who is known; `open` ones let strangers in too."""

    any_of: frozenset[Scope] = frozenset()
    environment: Environment | None = None
    by_query: bool = False
    everywhere: bool = False  # concerns every environment that runs here
    proof: bool = False
    open: bool = False


OPEN = Access(open=True)
KNOWN = Access()
READ = Access(any_of=frozenset({Scope.READ}))
TRADE = Access(any_of=frozenset({Scope.TRADE}))
RISK = Access(any_of=frozenset({Scope.RISK}))
STOP = Access(any_of=frozenset({Scope.TRADE, Scope.RISK}))  # what only takes risk away
ADMIN = Access(any_of=frozenset({Scope.ADMIN}))
GUARDED = Access(any_of=frozenset({Scope.ADMIN}), proof=True)
SHARED = Access(any_of=frozenset({Scope.ADMIN}), everywhere=True)
SHARED_GUARDED = Access(any_of=frozenset({Scope.ADMIN}), everywhere=True, proof=True)
AUDIT = Access(any_of=frozenset({Scope.READ}), by_query=True)
PROOF = Access(proof=True)
RESET = Access(any_of=frozenset({Scope.RISK}), proof=True)
LIVE = Environment.LIVE

ACCESS: dict[str, Access] = {
    # System
    "get_health": OPEN,
    "get_readiness": OPEN,
    "get_metrics": READ,
    "get_openapi": KNOWN,
    "get_reference": KNOWN,
    "get_error_page": KNOWN,
    # Auth
    "get_auth": KNOWN,
    "log_in": OPEN,
    "log_out": KNOWN,
    "prove": KNOWN,
    "list_sessions": KNOWN,
    "revoke_session": KNOWN,
    "revoke_sessions": KNOWN,
    "list_users": ADMIN,
    "add_user": GUARDED,
    "get_user": KNOWN,  # oneself; everybody for an admin, as in what follows
    "edit_user": GUARDED,
    "remove_user": GUARDED,
    "set_password": PROOF,
    "begin_second_factor": PROOF,
    "confirm_second_factor": PROOF,
    "drop_second_factor": PROOF,
    "list_tokens": KNOWN,
    "create_token": PROOF,
    "get_token": KNOWN,
    "revoke_token": KNOWN,
    # Brokers and profiles
    "list_brokers": READ,
    "list_profiles": READ,
    "get_profile": READ,
    "get_profile_status": READ,
    "self_check_profile": READ,
    "connect_profile": STOP,
    "disconnect_profile": STOP,
    "reconcile_profile": STOP,
    "list_rounds": READ,
    "list_adjustments": READ,
    "add_profile": GUARDED,
    "get_profile_settings": READ,
    "edit_profile": GUARDED,
    "remove_profile": GUARDED,
    "rotate_profile": GUARDED,
    "test_profile": ADMIN,
    "begin_login": GUARDED,
    "finish_login": GUARDED,  # what comes of it is a credential, as with `rotate_profile`
    # Accounts
    "get_profile_account": READ,
    "list_profile_balances": READ,
    "list_profile_positions": READ,
    "list_profile_orders": READ,
    "list_profile_fills": READ,
    "get_account": READ,
    "list_positions": READ,
    "get_equity_curve": READ,
    "list_fills": READ,
    # Orders
    "submit_order": TRADE,
    "list_orders": READ,
    "cancel_orders": STOP,
    "validate_order": READ,
    "preview_order": READ,
    "get_order": READ,
    "modify_order": TRADE,
    "cancel_order": STOP,
    "list_order_events": READ,
    "get_resolution": READ,
    "resolve_order": STOP,
    # Market data
    "list_quotes": READ,
    "get_book": READ,
    "get_bars": READ,
    "get_option_chain": READ,
    "size_option": READ,
    "get_market_hours": READ,
    # Risk, kill switch, routing, arming.  A reset and a raise want a proof too: only their bodies tell them from the rest.
    "get_risk": READ,
    "list_limits": READ,
    "set_limit": RISK,
    "list_strategy_states": READ,
    "switch_strategy": RISK,
    "get_kill_switch": READ,
    "set_kill_switch": STOP,
    "get_routing": READ,
    "set_standing": RISK,
    "get_live_arming": Access(any_of=READ.any_of, environment=LIVE),
    "arm_live": Access(any_of=RISK.any_of, environment=LIVE, proof=True),
    "disarm_live": Access(any_of=STOP.any_of, environment=LIVE),
    # Webhooks and alerts.  A hook asks for its own secret.
    "receive_signal": OPEN,
    "list_webhooks": READ,
    "add_webhook": GUARDED,
    "get_webhook": READ,
    "switch_webhook": ADMIN,
    "remove_webhook": ADMIN,
    "test_webhook": ADMIN,
    "list_signals": READ,
    "list_deliveries": READ,
    "retry_delivery": ADMIN,
    "list_notifications": READ,
    "add_notification": GUARDED,
    "switch_notification": ADMIN,
    "remove_notification": ADMIN,
    "test_notification": ADMIN,
    "list_alerts": READ,
    "list_strategies": READ,
    "list_decisions": READ,
    "list_reports": READ,
    "list_backtests": READ,
    "run_backtest": TRADE,
    "get_backtest": READ,
    "get_operation": READ,
    "cancel_operation": TRADE,
    "get_report": READ,
    # Events, vault, audit
    "stream_events": READ,
    "get_vault": READ,
    "create_vault": SHARED_GUARDED,  # one vault for all: what is locked for one environment is locked for the others
    "unlock_vault": SHARED_GUARDED,
    "lock_vault": SHARED,
    "rotate_vault": SHARED_GUARDED,
    "list_audit": AUDIT,
    "verify_audit": AUDIT,
}
OPEN_PAGES = ("/", "/login", "/logout", "/setup", "/static")  # every other page is for those with the scope `read`


def assert_known(routers: Iterable[APIRouter]) -> None:
    """Raise `LookupError` for a route that nobody decided about."""
    for route in routes_of(routers):
        if route.name not in ACCESS:
            raise LookupError(f"{sorted(route.methods or ())} {route.path} has no entry in api/access.py: {route.name}")


def routes_of(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route, in order."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route


def why_not(access: Access, identity: Identity, environments: Iterable[Environment]) -> str:
    """Why somebody may not use a route that concerns these environments; empty when they may."""
    if access.any_of and not identity.may(access.any_of):
        words = " or ".join(scope.value for scope in Scope if scope in access.any_of)
        return f"this needs the scope {words}"
    unseen = [environment.value for environment in environments if not identity.sees(environment)]
    if unseen:
        return f"{_name(identity)} may do nothing in {unseen[0]}"
    return identity.why_not_proved() if access.proof else ""


async def allowed(request: Request) -> None:
    """The first dependency of every route.  Raises `Forbidden` for whoever may not use it, 429 for whoever asked too much."""
    route = request.scope.get("route")
    name = str(getattr(route, "name", ""))
    access = ACCESS.get(name)
    if access is None:
        raise Forbidden("nobody has decided who may use this route")
    identity = identity_of(request)
    if identity is None and not access.open:
        raise Forbidden("this route is for those who are known here")
    charge(request, door_of(request).pace, COSTS.get(name, 1) - 1)
    if identity is None:
        return
    if wrong := why_not(access, identity, _environments(request, access)):
        raise refusal(wrong, identity)


def assert_may(request: Request, access: Access) -> None:
    """For an act that only its body tells from the rest of its route.  Raises `Forbidden`."""
    identity = identity_of(request)
    if identity is not None and (wrong := why_not(access, identity, ())):
        raise refusal(wrong, identity)


def refusal(wrong: str, identity: Identity) -> Forbidden:
    """A person who has to prove who they are is told so in a way that programs can read."""
    again = identity.kind is Kind.PERSON and wrong == identity.why_not_proved()
    return Forbidden(wrong, hint=Hint(reauthenticate=again))


def _environments(request: Request, access: Access) -> list[Environment]:
    """Which environments a request is about; words that name none are refused by the route."""
    if access.environment is not None:
        return [access.environment]
    named = request.query_params.getlist("environment") if access.by_query else []
    if (word := request.path_params.get("env")) is not None:
        named = [word]
    if access.everywhere or (access.by_query and not named):
        return list(door_of(request).desks)
    known = {environment.value: environment for environment in Environment}
    return [known[word] for word in named if word in known]


def _name(identity: Identity) -> str:
    return f"the token {identity.principal}" if identity.kind is Kind.TOKEN else identity.principal

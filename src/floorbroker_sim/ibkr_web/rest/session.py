"""Sessions: status, opening, keeping alive, logging out.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#session
"""

from __future__ import annotations

from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import wire
from floorbroker_sim.ibkr_web.errors import broken
from floorbroker_sim.ibkr_web.mapping import millis
from floorbroker_sim.ibkr_web.rest.reading import body
from floorbroker_sim.ibkr_web.rest.state import State

SERVER = {"serverName": "JifN00001", "serverVersion": "Build 10.28.0c, Jan 5, 2026 10:00:00 AM"}
_MAC = "98:F2:B3:00:00:01"
_USER_ID = 123456
_LEFT_MS = 460_000


def status_of(state: State) -> dict[str, object]:
    """The brokerage session as `auth/status`, `ssodh/init` and `tickle` show it."""
    login = state.login
    return {
        "authenticated": login.authenticated,
        "competing": login.competing,
        "connected": login.connected,
        "message": "",
        "MAC": _MAC,
        "serverInfo": {**SERVER, "fail": ""}
        if login.authenticated
        else {"serverName": "", "serverVersion": "", "fail": ""},
        "hardware_info": f"a1b2c3d4|{_MAC}",
        "fail": "",
    }


def auth_status(state: State, _request: Request) -> Reply:
    state.login.need_portal()
    return json_reply(status_of(state))


def ssodh_init(state: State, request: Request) -> Reply:
    """Begin a brokerage session.  One elsewhere is pushed out with `compete`, and left alone without."""
    state.login.need_portal()
    opening = body(request, wire.Opening)
    if not opening.publish:
        raise broken("publish must be true")
    if not state.login.authenticated and (opening.compete or not state.login.competing):
        state.login.open()
    return json_reply(status_of(state))


def reauthenticate(state: State, _request: Request) -> Reply:
    """The old way to begin one again."""
    state.login.need_portal()
    if not state.login.authenticated and not state.login.competing:
        state.login.open()
    return json_reply({"message": "triggered"})


def tickle(state: State, _request: Request) -> Reply:
    state.login.need_portal()
    return json_reply(
        {
            "session": state.login.session,
            "ssoExpires": _LEFT_MS,
            "collission": False,
            "userId": _USER_ID,
            "hmds": {"error": "no bridge"},
            "iserver": {"authStatus": status_of(state)},
        }
    )


def validate(state: State, _request: Request) -> Reply:
    state.login.need_portal()
    return json_reply(
        {
            "USER_ID": _USER_ID,
            "USER_NAME": state.username,
            "RESULT": True,
            "AUTH_TIME": millis(state.login.since),
            "SF_ENABLED": False,
            "IS_FREE_TRIAL": False,
            "CREDENTIAL": state.username,
            "IP": "127.0.0.1",
            "EXPIRES": _LEFT_MS,
            "QUALIFIED_FOR_MOBILE_AUTH": None,
            "LANDING_APP": "UNIVERSAL",
            "IS_MASTER": False,
            "lastAccessed": millis(state.clock.now()),
            "loginType": 2,
            "PAPER_USER_NAME": state.username,
            "features": {
                "env": "PROD", "wlms": True, "realtime": True, "bond": True, "optionChains": True, "calendar": True,
                "newMf": True,
            },
            "region": "NJ",
        }
    )  # fmt: skip


def logout(state: State, _request: Request) -> Reply:
    state.login.need_portal()
    state.login.log_out()
    return json_reply({"status": True})

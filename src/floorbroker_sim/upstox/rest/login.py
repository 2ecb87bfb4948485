"""The login: a dialog in the browser, a code, a token; and its end.

https://upstox.com/developer/api-documentation/authentication
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from floorbroker_sim.http import Reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.auth import same
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.mapping import epoch_ms
from floorbroker_sim.upstox.rest.answers import Call, bare, ok
from floorbroker_sim.upstox.rest.reading import body_of, form_of
from floorbroker_sim.upstox.wire import SecretWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_REQUEST_LIVES = timedelta(hours=4)
_MEMBERS = ("client_id", "redirect_uri", "state", "response_type", "scope")
_PAGE = """<!doctype html><html lang="en"><head><title>Log in</title></head><body><h1>Simulated login</h1>
<form method="post"><p>The application {name} asks for access to your account.</p>{fields}
<label>Mobile number <input name="mobile" value="9999999999"></label>
<label>PIN <input name="pin" type="password" value="000000"></label>
<button>Continue</button></form></body></html>"""


def get_dialog(state: State, call: Call) -> Reply:
    """The page a person sees; its button sends the same members back."""
    wish = _dialog(state, call.query)
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(wish[name])}">' for name in _MEMBERS if name in wish
    )
    page = _PAGE.format(name=escape(state.keys.client_id), fields=fields)
    return Reply(status=200, body=page.encode(), content_type="text/html; charset=utf-8")


def post_dialog(state: State, call: Call) -> Reply:
    """The person agreed: back to the application, with a code."""
    wish = _dialog(state, {**call.query, **form_of(call.request)})
    code = state.tokens.new_code(wish["redirect_uri"], state.clock.now())
    back = urlencode({"code": code} | ({"state": wish["state"]} if wish.get("state") else {}))
    joint = "&" if "?" in wish["redirect_uri"] else "?"
    return Reply(status=302, headers={"location": f"{wish['redirect_uri']}{joint}{back}"})


def _dialog(state: State, given: Mapping[str, str]) -> Mapping[str, str]:
    if not same(given.get("client_id", ""), state.keys.client_id) or not _is_address(given.get("redirect_uri", "")):
        raise Refused("UDAPI100068")
    if given.get("response_type", "code") != "code":
        raise Refused("UDAPI100036", path="response_type", value=given.get("response_type"))
    return given


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isascii() and text.isprintable()


def post_token(state: State, call: Call) -> Reply:
    """A code for a token; the answer has no envelope."""
    form, now = form_of(call.request), state.clock.now()
    if not same(form.get("client_id", ""), state.keys.client_id):
        raise Refused("UDAPI100068")
    if not same(form.get("client_secret", ""), state.keys.client_secret):
        raise Refused("UDAPI100016")
    if form.get("grant_type") != "authorization_code":
        raise Refused("UDAPI100036", path="grant_type", value=form.get("grant_type"))
    if not state.tokens.redeem(form.get("code", ""), form.get("redirect_uri", ""), now):
        raise Refused("UDAPI100069")
    tokens = {
        name: state.tokens.issue(kind, now) for name, kind in (("access_token", "full"), ("extended_token", "extended"))
    }
    return bare(profile(state) | tokens)


def profile(state: State) -> dict[str, object]:
    """Who the user is, and what may be traded."""
    return {
        "email": "pat@example.com", "exchanges": ["NSE", "NFO", "BSE", "CDS", "BFO", "BCD"], "products": ["D", "CO", "I"],
        "broker": "UPSTOX", "user_id": state.keys.user_id, "user_name": "PAT EXAMPLE", "order_types": list(info.ORDER_TYPES),
        "user_type": "individual", "poa": False, "is_active": True,
    }  # fmt: skip


def request_token(state: State, call: Call, client_id: str) -> Reply:
    """Ask the user's app for a token, which goes to the application's own address; here nobody is told."""
    if not same(client_id, state.keys.client_id):
        raise Refused("UDAPI100068")
    if not same(body_of(call.request, SecretWish).client_secret or "", state.keys.client_secret):
        raise Refused("UDAPI100016")
    ends = state.clock.now() + _REQUEST_LIVES
    return ok({"authorization_expiry": str(epoch_ms(ends)), "notifier_url": "https://127.0.0.1/notifier"})


def logout(state: State, call: Call) -> Reply:
    if call.token is not None:
        state.tokens.revoke(call.token.text)
    return ok(True)

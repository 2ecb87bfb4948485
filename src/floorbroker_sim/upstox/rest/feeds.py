"""The way into the streams: an address that works once, asked for or redirected to.

https://upstox.com/developer/api-documentation/get-market-data-feed-authorize-v3 and get-portfolio-stream-feed-authorize
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from floorbroker_sim.http import Reply, Request
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.rest.answers import Call, ok

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

MARKET_PATH = "/market-data-feeder/v3/upstox-developer-api/feeds"
PORTFOLIO_PATH = "/upstox-developer-api/order-updates/feed"
KINDS = ("order", "gtt_order", "position", "holding")
_TICKET_LIVES = timedelta(minutes=1)
_MOST = 1000


def market_address(state: State, request: Request) -> str:
    """Where the market-data feed may be opened once."""
    return _address(state, request, MARKET_PATH, "market")


def portfolio_address(state: State, request: Request) -> str:
    """Where the portfolio stream may be opened once, for the kinds of updates that were asked for."""
    kinds = [part.strip() for part in request.query.get("update_types", "order").split(",") if part.strip()]
    for kind in kinds:
        if kind not in KINDS:
            raise Refused("UDAPI100036", path="update_types", value=kind)
    return _address(state, request, PORTFOLIO_PATH, ",".join(kinds or ["order"]))


def _address(state: State, request: Request, path: str, what: str) -> str:
    ticket = f"{state.random.getrandbits(96):024x}"
    state.tickets[ticket] = (what, state.clock.now() + _TICKET_LIVES)
    if len(state.tickets) > _MOST:
        del state.tickets[next(iter(state.tickets))]
    scheme = "wss" if request.scheme in {"https", "wss"} else "ws"
    query = urlencode({"requestId": f"{state.random.getrandbits(64):016x}", "code": ticket})
    return f"{scheme}://{request.headers.get('host', 'localhost')}{path}?{query}"


def redeem(state: State, code: str) -> str | None:
    """What a code was made for; it never works again."""
    what, ends = state.tickets.pop(code, ("", state.clock.now()))
    return what if ends > state.clock.now() else None


def authorize_market(state: State, call: Call) -> Reply:
    return _told(market_address(state, call.request))


def authorize_portfolio(state: State, call: Call) -> Reply:
    return _told(portfolio_address(state, call.request))


def _told(address: str) -> Reply:
    return ok({"authorized_redirect_uri": address, "authorizedRedirectUri": address})


def ended(_state: State, _call: Call) -> Reply:
    """The market-data feed of version 2 is no more."""
    raise Refused("UDAPI10000", text="The market data feed of version 2 has ended", status=410)


def redirect(address: str) -> Reply:
    return Reply(status=302, headers={"location": address})


def redirect_market(state: State, call: Call) -> Reply:
    return redirect(market_address(state, call.request))


def redirect_portfolio(state: State, call: Call) -> Reply:
    return redirect(portfolio_address(state, call.request))

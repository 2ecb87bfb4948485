"""Stream sessions: an id that must be used within five minutes.

https://documentation.tradier.com/brokerage-api/streaming/create-market-session and create-account-session
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from floorbroker_sim.http import Request
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.rest.rendering import Body

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State, StreamSession

_LIFE = timedelta(seconds=info.SESSION_S)


def open_market(state: State, request: Request) -> Body:
    return _open(state, request, "market")


def open_account(state: State, request: Request) -> Body:
    return _open(state, request, "account")


def _open(state: State, request: Request, kind: str) -> Body:
    session_id = state.uuid()
    state.add_session(session_id, kind)
    where = {"market": "markets", "account": "accounts"}[kind]
    return {
        "stream": {
            "url": f"http://{request.headers.get('host', 'localhost')}/v1/{where}/events",
            "sessionid": session_id,
        }
    }


def fits(state: State, session_id: str, kind: str) -> bool:
    """Whether a client may stream with the id: it is of the kind, and not older than five minutes."""
    found: StreamSession | None = state.sessions.get(session_id)
    return found is not None and found.kind == kind and state.clock.now() - found.made_at <= _LIFE

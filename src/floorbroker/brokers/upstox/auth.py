"""One bearer token on each request; nothing is signed, so nothing depends on the clock.  And the log-in that makes the token.

The log-in is OAuth 2 with a code: a person opens a page of the venue, which leads back to the application's address with a code
that is good once; the code is changed for a token that ends at 03:30 in India, whenever it was made.  There is no refreshing.
Documents: upstox.com/developer/api-documentation/authentication, /authorize, /get-token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from floorbroker.brokers.upstox.info import BROKER, ZONE
from floorbroker.domain.errors import Hint, Outcome, SessionExpired
from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request

INDIA = ZoneInfo(ZONE)
ENDS = time(3, 30)
DIALOG_PATH = "/v2/login/authorization/dialog"
TOKEN_PATH = "/v2/login/authorization/token"  # noqa: S105 - a path
_OPEN = ("public.", "sessions.token")  # what nobody logs in for


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The token of the day; None where nobody has logged in yet."""

    token: Secret | None = None


def sign(request: Request, credentials: Credentials, now: datetime) -> Request:
    """The request with its token; `now` is not part of it.  Files anybody may read go without.

    Raises `SessionExpired` (NOT_SENT) without a token.
    """
    del now
    if request.endpoint.startswith(_OPEN):
        return request
    if credentials.token is None:
        raise no_token()
    return request.with_secrets({"Authorization": f"Bearer {credentials.token.reveal()}"})


def no_token() -> SessionExpired:
    """What a request without a token ends in: nothing left."""
    return SessionExpired(
        "there is no access token: log in with `floorbroker broker login`",
        broker=BROKER,
        outcome=Outcome.NOT_SENT,
        hint=Hint(reauthenticate=True, notify=True),
    )


def token_ends_at(made_at: datetime) -> datetime:
    """When a token made at `made_at` ends (UTC): the next 03:30 in India."""
    local = made_at.astimezone(INDIA)
    ends = datetime.combine(local.date(), ENDS, tzinfo=INDIA)
    if local >= ends:
        ends += timedelta(days=1)
    return ends.astimezone(made_at.tzinfo)


def dialog_url(origin: str, *, client_id: str, redirect_uri: str, state: str) -> str:
    """The page on which a person logs in; it leads back to `redirect_uri` with `code` and the same `state`."""
    query = urlencode({"response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": state})
    return f"{origin}{DIALOG_PATH}?{query}"


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"

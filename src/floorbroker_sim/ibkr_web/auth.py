"""Who is logged in: the portal session (a person with a browser, once a day) and the brokerage session inside it.

The gateway keeps the cookies itself, so a request carries nothing; only the WebSocket names its session.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from random import Random

from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.ibkr_web import errors, info

Told = Callable[[], None]


@dataclass(slots=True)
class Asked:
    """What was asked in this brokerage session: some paths want others to be asked before."""

    accounts: bool = False
    orders: bool = False  # the first list of live orders is empty
    searched: set[str] = field(default_factory=set[str])  # symbols: strikes of others are not known
    quoted: set[int] = field(default_factory=set[int])  # contracts: the first snapshot of one has no values
    suppressed: set[str] = field(default_factory=set[str])  # ids of questions that are not asked


class Login:
    """Both sessions.  Idle time is counted on the base clock: a jump of the venue's time is no silence."""

    def __init__(self, clock: VenueClock, random: Random, *, days_end: bool) -> None:
        self._clock = clock
        self._random = random
        self._days_end = days_end
        self.listeners: list[Told] = []
        self.portfolio_asked = False
        self.log_in()

    def log_in(self) -> None:
        """Somebody logged in with a browser; the gateway opens the brokerage session by itself."""
        self.session = f"{self._random.getrandbits(128):032x}"
        self.since = self._clock.now()
        self.connected, self.portfolio_asked = True, False
        self.open()

    def open(self) -> None:
        """A new brokerage session, in which nothing was asked."""
        self.authenticated, self.competing = True, False
        self.asked = Asked()
        self._day = self._day_of(self._clock.now())
        self.touch()
        self._tell()

    def touch(self) -> None:
        """A request came."""
        self._last_s = self._clock.monotonic()

    def end(self) -> None:
        """The brokerage session is over; the portal stays."""
        if self.authenticated:
            self.authenticated = False
            self._tell()

    def take_over(self) -> None:
        """The same user began a brokerage session elsewhere."""
        self.authenticated, self.competing = False, True
        self._tell()

    def log_out(self) -> None:
        """Both sessions are over."""
        self.authenticated = self.competing = self.connected = self.portfolio_asked = False
        self.session = ""
        self._tell()

    def advance(self, at: datetime) -> None:
        """Idle sessions end, and where days end, so do sessions at midnight in New York and logins after a day."""
        if self.authenticated and self._clock.monotonic() - self._last_s >= info.IDLE_S:
            self.end()
        day = self._day_of(at)
        if not self._days_end or day == self._day:
            return
        self._day = day
        if self.connected and at - self.since >= info.LOGIN_LIVES:
            self.log_out()
        else:
            self.end()

    def _day_of(self, at: datetime) -> str:
        return f"{at.astimezone(NEW_YORK):%Y%m%d}"

    def _tell(self) -> None:
        for told in tuple(self.listeners):
            told()

    # --- What a path needs --------------------------------------------------------------------------------------------

    def need_portal(self) -> None:
        """Raises `Refused` without a portal session."""
        if not self.connected:
            raise errors.logged_out()

    def need_brokerage(self) -> None:
        """Raises `Refused` without a brokerage session."""
        self.need_portal()
        if not self.authenticated:
            raise errors.no_bridge()

    def need_accounts(self) -> None:
        """Raises `Refused` while `/iserver/accounts` was not asked in this session."""
        self.need_brokerage()
        if not self.asked.accounts:
            raise errors.accounts_first()

    def need_portfolio(self) -> None:
        """Raises `Refused` while neither `/portfolio/accounts` nor its neighbour was asked."""
        self.need_portal()
        if not self.portfolio_asked:
            raise errors.accounts_first()

    def fits(self, header: str | None) -> bool:
        """Whether the `Cookie` of a WebSocket names this session; the gateway lets one without a cookie in."""
        if not self.connected:
            return False
        named = session_in(header)
        return named is None or named == self.session


def session_in(header: str | None) -> str | None:
    """The session of `api=<id>` or `api={"session":"<id>"}`; None when the header names none."""
    if not header or "api=" not in header:
        return None
    value = header.partition("api=")[2].strip()
    if value.startswith("{"):
        try:
            found: object = json.JSONDecoder().raw_decode(value)[0]
        except (ValueError, RecursionError):
            return ""
        return str(found["session"]) if isinstance(found, dict) and "session" in found else ""  # pyright: ignore[reportUnknownArgumentType]
    try:
        return SimpleCookie(header)["api"].value
    except (CookieError, KeyError):
        return value.partition(";")[0]

"""The program behind the socket in time: its restarts, and its link to the broker's servers.

- A restart closes every connection; what came in during the second before is read and lost, orders that were never
  transmitted are gone, the others live on at the broker.  New connections are turned away until it is up again.
- While the link is down (1100) orders still trade at the broker and nobody here hears of it; what is sent waits in the program.
  It comes back with the subscriptions to data (1102) or without (1101).  What happened meanwhile is not told again.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#reset-times
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.errors import Refused
from floorbroker_sim.ibkr.rest.state import State
from floorbroker_sim.ibkr.wire import frames


class Program:
    """`step` lets happen what is due; the rest are hands (control door) and questions (the door)."""

    def __init__(self, state: State, *, cut_all: Callable[[], None], lose_data: Callable[[], None]) -> None:
        self._state = state
        self._cut_all = cut_all
        self._lose_data = lose_data
        self.reset()

    def reset(self) -> None:
        self._deaf_from: datetime | None = None
        self._down: tuple[datetime, datetime] | None = None
        self._cut = False
        self._link_back_at: datetime | None = None
        self._link_data_lost = False
        self._stepped_to = self._state.clock.now()

    # --- Questions ----------------------------------------------------------------------------------------------------

    def is_deaf(self, at: datetime) -> bool:
        """Whether a message that comes in now is lost."""
        return self._deaf_from is not None and self._down is not None and self._deaf_from <= at < self._down[1]

    def is_down(self, at: datetime) -> bool:
        """Whether nobody can connect."""
        return self._down is not None and self._down[0] <= at < self._down[1]

    # --- Hands --------------------------------------------------------------------------------------------------------

    def restart(self, at: datetime, *, for_s: float) -> None:
        """Go down at `at` for a while."""
        self._deaf_from = at - timedelta(seconds=info.DEAF_S)
        self._down, self._cut = (at, at + timedelta(seconds=for_s)), False
        self.step(self._state.clock.now())

    def lose_link(self) -> None:
        if self._state.link_up:
            self._say(errors.link_lost())
            self._state.link_up = False

    def restore_link(self, *, data_lost: bool) -> None:
        """Back again; what waited in the program goes out now."""
        if self._state.link_up:
            return
        self._state.link_up = True
        self._link_back_at = None
        if data_lost:
            self._lose_data()
        self._say(errors.link_back(data_lost=data_lost))
        queued, self._state.queued = self._state.queued, []
        for send_on in queued:
            send_on()

    def _say(self, refused: Refused) -> None:
        for client in tuple(self._state.clients.values()):
            client.send(frames.error(errors.NOBODY, refused, client.version))

    # --- Time ---------------------------------------------------------------------------------------------------------

    def step(self, at: datetime) -> None:
        """Let happen what was due up to `at`."""
        if self._state.settings.calendar:
            self._nightly(at)
        self._stepped_to = at
        if self._down is not None and self._down[0] <= at and not self._cut:
            self._cut = True
            self._forget_untransmitted()
            self._cut_all()
        if self._link_back_at is not None and at >= self._link_back_at:
            self.restore_link(data_lost=self._link_data_lost)

    def _nightly(self, at: datetime) -> None:
        if (moment := self._passed(info.RESTART_AT, at)) is not None:
            self._deaf_from = moment - timedelta(seconds=info.DEAF_S)
            self._down, self._cut = (moment, moment + timedelta(seconds=info.RESTART_S)), False
        if (moment := self._passed(info.SERVER_RESET_AT, at)) is not None:
            self.lose_link()
            self._link_back_at = moment + timedelta(seconds=info.SERVER_RESET_S)
            self._link_data_lost = moment.day % 2 == 0  # some nights keep the subscriptions and some do not

    def _passed(self, clock: tuple[int, int], at: datetime) -> datetime | None:
        """The moment of this local time, when it lay between the last step and `at`."""
        local = at.astimezone(info.ZONE)
        moment = datetime.combine(local.date(), time(*clock), info.ZONE)
        if moment > at:
            moment = datetime.combine(local.date() - timedelta(days=1), time(*clock), info.ZONE)
        return moment if self._stepped_to < moment <= at else None

    def _forget_untransmitted(self) -> None:
        """They never left the program, which forgets them when it stops, and with them the cancels that waited for the link."""
        for record in self._state.orders.values():
            if record.status == "PendingCancel":
                record.status = record.before_cancel
            if record.is_open and not record.transmitted:
                record.status, record.closed_at = "ApiCancelled", self._state.clock.now()
                record.closed_text = "never transmitted"
        self._state.queued.clear()

"""What a desk hears of its connections, told to the health book: exchanges, changes of orders, and what is seen of a stream."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.orders import OrderState
from floorbroker.domain.ports import Profile
from floorbroker.domain.timetable import Timetable, read_windows
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.health import FAILED, HealthBook, Sight
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.book import Change
from floorbroker.transport.layers.audit import Exchange

MAINTENANCE = "maintenance"
SERVER_ERROR = 500


def hear_exchange(
    health: HealthBook, profile: ProfileName, exchange: Exchange, *, on_failures: Callable[[int], None]
) -> None:
    """A refusal (4xx) is an answer; silence, a broken connection, 5xx and what cannot be read are failures; what we broke off
    ourselves, or did not send, says nothing.
    """
    if exchange.status is not None and exchange.status < SERVER_ERROR:
        health.answered(profile, exchange.elapsed_s)
    elif exchange.status is not None or exchange.error in FAILED:
        on_failures(health.failed(profile))


def hear_change(health: HealthBook, change: Change) -> None:
    """Each order counts once, and once more when the venue turns it down."""
    if change.before is None:
        health.ordered(change.after.profile)
    elif change.after.state is OrderState.REJECTED and change.before.state is not OrderState.REJECTED:
        health.rejected(change.after.profile)


def sight_of(session: ProfileSession) -> Sight:
    """How long what should be up has been down, and the part of the rate budget in use."""
    status = session.ctx.broker.get_connection_status()
    is_down = session.state not in (SessionState.READY, SessionState.MAINTENANCE, SessionState.RECONCILING)
    stale_s = session.ctx.clock.monotonic() - session.since_s if is_down else 0.0
    return Sight(stale_s=stale_s, budget_used=status.signs().budget_used)


def timetable_of(profile: Profile, documented: Timetable) -> Timetable:
    """The venue's own times, and what the profile's option `maintenance` adds.  Raises `ConfigInvalid`."""
    try:
        more = read_windows(profile.options.get(MAINTENANCE, ""))
    except ValueError as error:
        raise ConfigInvalid(f"profile {profile.name}: option {MAINTENANCE}: {error}") from None
    return Timetable(maintenance=documented.maintenance + more, resets=documented.resets)

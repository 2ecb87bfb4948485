"""What people and the monitor see of a profile, gathered from its session, its broker and the health book."""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.domain.capability import Can
from floorbroker.domain.records import LinkState
from floorbroker.gateway.arming import Arming
from floorbroker.gateway.desk import ProfileStatus, SessionState
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.kill import KillSwitch
from floorbroker.gateway.monitor import Connection
from floorbroker.gateway.session import ProfileSession


def connection_of(session: ProfileSession, health: HealthBook) -> Connection:
    """A session's connection as it is now."""
    name, broker = session.ctx.profile.name, session.ctx.broker
    status = broker.get_connection_status()
    signs = status.signs()
    return Connection(
        profile=name,
        state=session.state.value,
        is_connected=status.state is LinkState.CONNECTED and session.state is not SessionState.OFFLINE,
        stream_up=session.stream_up,
        has_stream=Can.STREAM_ORDERS in broker.info.can,
        stream_silence_s=signs.stream_silence_s,
        data_silence_s=signs.data_silence_s,
        heartbeat_s=health.heartbeat_s(name),
        clock_offset_s=status.clock_offset_s,
        budget_used=signs.budget_used,
        budgets=signs.budgets,
        reconnects=health.reconnects(name),
        health=health.health(name),
    )


def status_of(
    session: ProfileSession,
    *,
    health: HealthBook,
    kill_switch: KillSwitch,
    arms: Arming | None,
    troubles: Iterable[str],
) -> ProfileStatus:
    """A profile's standing; `troubles` of the house are its reason while it has none of its own."""
    open_orders = session.ctx.book.open_orders()
    name, round_ = session.ctx.profile.name, session.last_round
    states = arms.states() if arms is not None else ()
    arm = next((state for state in states if state.profile == name and state.armed), None)
    return ProfileStatus(
        profile=session.ctx.profile,
        state=session.state,
        since=session.since,
        reason=session.reason or "; ".join(filter(None, troubles)),
        stream_up=session.stream_up,
        kill_level=kill_switch.level(name) or (1 if kill_switch.blocked(name) else 0),
        open_orders=len(open_orders),
        orders_in_doubt=sum(1 for order in open_orders if order.in_doubt),
        armed_until=arm.until if arm is not None else None,
        last_reconciled=round_.at if round_ and not round_.error else None,
        breakers=session.ctx.broker.get_connection_status().breakers,
        rests=bool(session.rests),
        connection=connection_of(session, health),
        next_maintenance=session.calendar.now() or session.calendar.following(),
    )


def connection_data(seen: Connection, session: ProfileSession) -> dict[str, str]:
    """A change that the monitor saw, as members of an event."""
    return {
        "session": seen.state,
        "reason": session.reason,
        "stream_up": str(seen.stream_up).lower(),
        "troubles": " ".join(seen.troubles),
        "health": str(seen.health.score),
    }

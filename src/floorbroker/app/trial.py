"""A broker's self-check without a desk: are these credentials right, and of this environment?  Nothing is ordered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from floorbroker.app.binding import assert_bound
from floorbroker.app.catalogue import KNOWN
from floorbroker.app.compose import OWN_OPTIONS, Seat, exchange_row
from floorbroker.app.floor import Outside
from floorbroker.app.home import Home
from floorbroker.app.providers import outfit_of, self_check
from floorbroker.app.sources import Gathered
from floorbroker.app.trust import trusted_by
from floorbroker.brokers.registry import build, log_in
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.errors import NotReady
from floorbroker.domain.ports import AuditEntry, Broker, LogIn, Profile
from floorbroker.domain.records import Check, SelfCheck
from floorbroker.marketdata.providers.registry import PROVIDERS
from floorbroker.transport.layers.audit import Exchange
from floorbroker.transport.types import Lane, Request

_COMMANDS = frozenset({Lane.NEW, Lane.REDUCE, Lane.CANCEL})
REACHED = "connectivity"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the self-check found, and every exchange with the venue as an audit row."""

    check: SelfCheck
    rows: Sequence[AuditEntry] = ()

    @property
    def reached(self) -> bool:
        """Whether the venue was there to be asked."""
        return all(check.ok for check in self.check.checks if check.name == REACHED)

    @property
    def told(self) -> str:
        """What is wrong, in words."""
        return "; ".join(f"{check.name}: {check.detail}" for check in self.check.checks if not check.ok)


@dataclass(frozen=True, slots=True)
class Trial:
    """Tries credentials over the network that `outside` has."""

    home: Home
    outside: Outside = field(default_factory=Outside)

    async def __call__(self, profile: Profile, given: Gathered) -> Tried:
        """Raises `ConfigInvalid` for a profile that cannot be wired at all."""
        info = KNOWN.get(profile.broker)
        if info is not None and not info.fields:
            return Tried(SelfCheck(checks=(Check(name="credentials", ok=True, detail="it needs none"),)))
        rows: list[AuditEntry] = []
        if profile.broker in PROVIDERS:
            outfit = outfit_of(
                profile, given, self.outside, tap=lambda exchange: rows.append(exchange_row(exchange, profile.name))
            )
            return Tried(await self_check(profile.broker, outfit, self.home), rows)
        broker = self.broker(profile, given, lambda exchange: rows.append(exchange_row(exchange, profile.name)))
        try:
            return Tried(await broker.self_check(), rows)
        finally:
            await broker.disconnect()

    def broker(self, profile: Profile, given: Gathered, tap: Callable[[Exchange], None]) -> Broker:
        """A broker for reading: nothing is ordered through it."""
        return build(self._wiring(profile, given, tap))

    def log_in(self, profile: Profile, given: Gathered, tap: Callable[[Exchange], None]) -> LogIn:
        """How a person logs in at the venue.  Raises `NotSupported` where nobody does."""
        return log_in(self._wiring(profile, given, tap))

    def _wiring(self, profile: Profile, given: Gathered, tap: Callable[[Exchange], None]) -> Wiring:
        world = self.outside
        options = {name: text for name, text in profile.options.items() if name not in OWN_OPTIONS}
        return Wiring(
            profile=Profile(name=profile.name, broker=profile.broker, environment=profile.environment, options=options),
            shells=world.network(profile.environment, tls=trusted_by([profile])),
            clock=world.clock,
            random=world.random,
            log=world.log,
            meter=world.meter,
            redactor=world.redactor,
            tap=tap,
            may_send=_nothing_is_ordered,
            state=self.home.venue_state(profile.name),
            plain=given.plain,
            secrets=given.secrets,
            read_retries=0,
        )


async def assert_wired(home: Home, seats: Iterable[Seat], outside: Outside) -> None:
    """Make the broker of each seat as a start does, and ask it nothing.  Raises `ConfigInvalid` as a start would.

    One that asks for no credentials has nothing to be wrong, and its books may be another process's now.
    """
    held = list(seats)
    assert_bound(home, [seat.profile for seat in held], outside.log)
    trial = Trial(home, outside)
    for seat in held:
        if not KNOWN[seat.profile.broker].fields:
            continue
        broker = trial.broker(seat.profile, Gathered(seat.plain, seat.secrets), _unheard)
        await broker.disconnect()


def _unheard(exchange: Exchange) -> None:
    """Of a broker that is asked nothing."""
    del exchange


def _nothing_is_ordered(request: Request) -> None:
    if request.lane in _COMMANDS:
        raise NotReady("a self-check orders and cancels nothing")

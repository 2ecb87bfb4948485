"""How an account's connection stands, kept and told for its adapter: what every one of them does alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import AuthenticationFailed, FloorbrokerError, Forbidden
from floorbroker.domain.records import Account, Check, ConnectionStatus, LinkState
from floorbroker.transport.feeds import Feeds
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import OrderStream
from floorbroker.transport.signs import SignsOf


class Link:
    """One account's connection, over its order stream and its feeds.

    `breakers` tells the state of each class of endpoints, `closing` are the connections that end with the adapter.
    """

    def __init__(
        self,
        orders: OrderStream,
        feeds: Feeds,
        *,
        clock: Clock,
        offset: ClockOffset,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._orders = orders
        self._feeds = feeds
        self._clock = clock
        self._offset = offset
        self._breakers = breakers
        self._closing = tuple(closing)
        self._signs = SignsOf(orders, feeds, limiter)
        self._state, self._since, self._detail = LinkState.OFFLINE, clock.now(), "not connected"

    async def open(self, prove: Callable[[], Awaitable[object]]) -> None:
        """Connected, once `prove` has come through.  Raises what it does: `Forbidden` leaves it degraded, all else offline."""
        self._enter(LinkState.CONNECTING, "connecting")
        try:
            await prove()
        except FloorbrokerError as error:
            self._enter(LinkState.DEGRADED if isinstance(error, Forbidden) else LinkState.OFFLINE, error.detail)
            raise
        self._enter(LinkState.CONNECTED, "")

    async def close(self) -> None:
        """Close every stream, then the connections: the end of the adapter's work."""
        await self._orders.close()
        await self._feeds.close()
        for close in self._closing:
            await close()
        self._enter(LinkState.OFFLINE, "disconnected")

    @property
    def is_connected(self) -> bool:
        return self._state is LinkState.CONNECTED and not self._orders.denied

    def status(self) -> ConnectionStatus:
        """Where it stands now; a stream that the venue denies leaves it degraded."""
        denied = self._orders.denied and self._state is LinkState.CONNECTED
        return ConnectionStatus(
            state=LinkState.DEGRADED if denied else self._state,
            since=self._since,
            stream_up=self._orders.is_up,
            detail=self._detail or self._orders.detail,
            clock_offset_s=self._offset.at_least_s,
            breakers=self._breakers(),
            signs=self._signs,
        )

    def _enter(self, state: LinkState, detail: str) -> None:
        self._state, self._since, self._detail = state, self._clock.now(), detail


async def first_checks(
    *,
    origin: str,
    measure_s: Callable[[], Awaitable[float]],
    near_s: float,
    account: Callable[[], Awaitable[Account]],
) -> tuple[tuple[Check, ...], Account | None]:
    """What a self-check begins with: connectivity, clock, credentials; and the account, when all of them could be asked.

    `measure_s` asks how far the venue's clock is ahead (seconds), which is well within `near_s`.
    """
    try:
        offset_s = await measure_s()
    except AuthenticationFailed as error:  # the venue was there to say no
        there = Check(name="connectivity", ok=True, detail=origin)
        return (there, Check(name="credentials", ok=False, detail=error.detail)), None
    except FloorbrokerError as error:
        return (Check(name="connectivity", ok=False, detail=error.detail),), None
    reached = (
        Check(name="connectivity", ok=True, detail=origin),
        Check(name="clock", ok=abs(offset_s) <= near_s, detail=f"the venue's clock is {offset_s:+.3f} s from ours"),
    )
    try:
        found = await account()
    except FloorbrokerError as error:
        return (*reached, Check(name="credentials", ok=False, detail=error.detail)), None
    return (*reached, Check(name="credentials", ok=True, detail=f"account {found.account}")), found

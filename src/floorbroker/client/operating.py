"""Operating a desk: profiles, limits, kill switch, arming, routing, audit, events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from floorbroker.client.door import Params, segment
from floorbroker.client.states import (
    Adjustment,
    Arming,
    AuditRow,
    AuditVerdict,
    Event,
    KillSwitch,
    Limits,
    ProfileState,
    Risk,
    Round,
    Routing,
    SelfCheck,
    StrategyState,
)
from floorbroker.client.verbs import API, Verbs, given, items, matching, one

LIVE_ARMING = f"{API}/live/arming"


class Operating(Verbs):
    """The verbs of whoever runs the desk."""

    __slots__ = ()

    async def profiles(self) -> list[ProfileState]:
        """Every profile of the environment."""
        return items(await self.door.call("GET", self.at("/profiles")), ProfileState)

    async def kill_switch(self) -> KillSwitch:
        """Where the kill switch stands."""
        return one(await self.door.call("GET", self.at("/kill-switch")), KillSwitch)

    async def kill(
        self,
        level: int,
        *,
        reason: str,
        profile: str | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillSwitch:
        """Trip it: 1 blocks, 2 also cancels, 3 also flattens; 0 resets.  One scope at most is named."""
        scope = {"profile": profile, "account": account, "strategy": strategy, "token": token}
        body = {"level": level, "reason": reason} | {kind: name for kind, name in scope.items() if name}
        return one(await self.door.call("PUT", self.at("/kill-switch"), body=body), KillSwitch)

    async def arming(self) -> list[Arming]:
        """Every live profile: whether it may trade, and until when."""
        return items(await self.door.call("GET", LIVE_ARMING), Arming)

    async def arm(
        self, *, reason: str, confirm: str, profile: str | None = None, for_s: int | None = None
    ) -> list[Arming]:
        """Let a live profile trade for a while (eight hours unless told otherwise); `confirm` is its name once more."""
        body = given(reason=reason, confirm=confirm, profile=profile, for_s=for_s)
        return items(await self.door.call("PUT", LIVE_ARMING, body=body), Arming)

    async def disarm(self, *, profile: str | None = None, reason: str | None = None) -> list[Arming]:
        """Disarm one live profile, or all; cancels go on."""
        params: Params = {"profile": profile, "reason": reason}
        return items(await self.door.call("DELETE", LIVE_ARMING, params=params), Arming)

    async def reconcile(self, profile: str) -> Round:
        """Compare what the desk believes with what the venue says, now."""
        return one(await self.door.call("POST", self.at(f"/profiles/{segment(profile)}/reconcile")), Round)

    async def self_check(self, profile: str) -> SelfCheck:
        """Prove connectivity, credentials, environment and clock without placing an order."""
        return one(await self.door.call("POST", self.at(f"/profiles/{segment(profile)}/self-check")), SelfCheck)

    async def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditRow]:
        """Audit rows behind a journal sequence, oldest first."""
        params: Params = {"environment": self.environment, "after": after, "limit": limit}
        return items(await self.door.call("GET", f"{API}/audit", params=params), AuditRow)

    async def events(self, *, after: int | None = None, channels: str | None = None) -> AsyncIterator[Event]:
        """Facts as they become durable: replayed behind `after`, then live.  Ends when the desk ends it."""
        params: Params = {"after": after, "channels": channels}
        async for event in self.door.events(self.at("/events"), params=params):
            if event.event == "bye":
                return
            if event.data:
                yield msgspec.json.decode(event.data, type=Event)

    # -- profiles -----------------------------------------------------------------------------------------------------

    async def profile(self, name: str) -> ProfileState:
        """One profile, and where its session stands."""
        return one(await self.door.call("GET", self.at(f"/profiles/{segment(name)}")), ProfileState)

    async def connect(self, profile: str, *, reason: str) -> ProfileState:
        """Connect a profile that was disconnected or that the desk does not have yet, or log it in anew."""
        path = self.at(f"/profiles/{segment(profile)}/connect")
        return one(await self.door.call("POST", path, body={"reason": reason}), ProfileState)

    async def disconnect(self, profile: str, *, reason: str) -> ProfileState:
        """No new orders and no rounds until it is connected again; cancels pass."""
        path = self.at(f"/profiles/{segment(profile)}/disconnect")
        return one(await self.door.call("POST", path, body={"reason": reason}), ProfileState)

    def rounds(self, profile: str) -> AsyncIterator[Round]:
        """Full rounds of reconciliation that came to an end, newest first, fetched as they are read."""
        return self.all_of(f"/profiles/{segment(profile)}/rounds", {}, Round)

    async def adjustments(self, profile: str) -> list[Adjustment]:
        """What was written into the positions of a profile, newest first, each with its cause."""
        return items(await self.door.call("GET", self.at(f"/profiles/{segment(profile)}/adjustments")), Adjustment)

    # -- limits and routes --------------------------------------------------------------------------------------------

    async def risk(self, profile: str | None = None, *, history: bool = False) -> Risk:
        """Exposure, leverage and losses of one profile or all; with `history` value at risk, which fetches daily bars."""
        params: Params = {"profile": profile, "history": "true" if history else None}
        return one(await self.door.call("GET", self.at("/risk"), params=params), Risk)

    async def limits(self) -> Limits:
        """Every limit in force, by scope, and how much of it is used."""
        return one(await self.door.call("GET", self.at("/risk/limits")), Limits)

    async def set_limit(
        self,
        scope: str,
        name: str,
        value: object,
        *,
        reason: str = "",
        confirm: str = "",
        version: int | None = None,
    ) -> Limits:
        """Set one limit; None switches it off.  A raise wants a reason, and `confirm`: its name once more.

        `version` is that of the limits it was decided on.
        """
        body = {"scope": scope, "name": name, "value": value, "reason": reason, "confirm": confirm}
        answer = await self.door.call("PATCH", self.at("/risk/limits"), body=body, headers=matching(version))
        return one(answer, Limits)

    async def strategy_states(self) -> list[StrategyState]:
        """Strategies that traded, and those that were switched off."""
        return items(await self.door.call("GET", self.at("/risk/strategies")), StrategyState)

    async def switch_strategy(self, name: str, *, on: bool, reason: str) -> StrategyState:
        """Switch a strategy off, or on again."""
        path = self.at(f"/risk/strategies/{segment(name)}")
        return one(await self.door.call("PUT", path, body={"on": on, "reason": reason}), StrategyState)

    async def routing(self) -> Routing:
        """The rules by which orders find a profile, and how each profile stands."""
        return one(await self.door.call("GET", self.at("/routing")), Routing)

    async def set_standing(self, profile: str, *, demoted: bool, reason: str) -> Routing:
        """Take a profile out of the routes, or back in."""
        body = {"profile": profile, "demoted": demoted, "reason": reason}
        return one(await self.door.call("PATCH", self.at("/routing"), body=body), Routing)

    async def verify_audit(self) -> AuditVerdict:
        """Prove the chain of the audit from its beginning to now."""
        params: Params = {"environment": self.environment}
        return one(await self.door.call("POST", f"{API}/audit/verify", params=params), AuditVerdict)

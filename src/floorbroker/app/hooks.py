"""What doors do about hooks: who may send signals, who is told of events, each change in the audit."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import TypeVar
from urllib.parse import urlsplit

from floorbroker.app.acts import row_of
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FieldError, InvalidRequest, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import Log, Meter, Redactor
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, IntentId, ProfileName, time_text
from floorbroker.gateway.desk import Caller, Preview
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.happenings import EVERYTHING, NAMES, kind_of
from floorbroker.gateway.kill import GLOBAL
from floorbroker.hooks.carriers import Caller as Apprise
from floorbroker.hooks.carriers import Poster, check_alert_url
from floorbroker.hooks.inbox import Inbox, digest_of
from floorbroker.hooks.outbox import Outbox, Render
from floorbroker.hooks.quiet import quiet_of
from floorbroker.hooks.reach import Network, PublicOnly, origin_of
from floorbroker.hooks.records import Auth, Delivery, Hook, Kind, Signal, Target
from floorbroker.hooks.retries import Attempt
from floorbroker.hooks.rows import Rows
from floorbroker.hooks.template import DEFAULT, check_template
from floorbroker.oms.schema import OrderSchema
from floorbroker.store.desk.database import DeskDatabase
from floorbroker.transport.http import AioHttp
from floorbroker.transport.types import Http

SECRET_BYTES = 32
TEST = "test"
HIDDEN_FROM = 12  # characters: a shorter path holds no token, and would hide words of others
ANSWER_MAX = 64 * 1024  # of a receiver's answer, which nobody reads
ALERTS = (
    "order_unknown", "order_presumed_not_placed", "order_rejected", "kill_tripped", "kill_reset", "connection_lost",
    "strategy_off", "failed_over", "demoted", "adjustment_made",
)  # fmt: skip
EVENTS = (
    "order_accepted",
    "order_filled",
    "order_canceled",
    "order_rejected",
    "order_unknown",
    "order_resolved",
    "fill",
)


@frozen
class NewHook:
    """A hook as somebody asks for it; what is left out has the defaults of `Hook`."""

    name: str
    profile: ProfileName
    strategy: str = ""
    auth: Auth = Auth.SECRET
    template: Mapping[str, str] = field(default_factory=lambda: DEFAULT)
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    symbols: tuple[str, ...] = ()
    max_quantity: Decimal | None = None
    max_notional: Decimal | None = None
    per_minute: int = 30
    replay_s: int = 60


@frozen
class NewTarget:
    """A target as somebody asks for it."""

    name: str
    kind: Kind
    url: Secret
    environments: tuple[Environment, ...]
    events: tuple[str, ...] = ()
    quiet: str = ""
    group_s: int = 0


@frozen
class Tried:
    """What a sample signal would become: the wish, and what would stand against it."""

    wish: OrderSchema
    preview: Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Handed to the doors.  `start` when the desks run, `close` before they stop."""

    rows: Rows
    inbox: Inbox
    outbox: Outbox
    reach: PublicOnly
    desks: Mapping[Environment, Gateway]
    clock: Clock
    redactor: Redactor
    http: Http
    new_id: Callable[[], str] = lambda: secrets.token_hex(12)
    new_secret: Callable[[], str] = lambda: f"fbhook_{secrets.token_urlsafe(SECRET_BYTES)}"
    check_alert: Callable[[Secret, PublicOnly], None] = check_alert_url

    async def start(self) -> None:
        """Begin to tell.  What is secret of hooks is learned first, so that it is never shown."""
        for target in await self.rows.targets():
            self._learn(_hidden(target), target.secret)
        for hook in await self.rows.hooks():
            self._learn(hook.secret)
        await self.outbox.start()

    async def close(self) -> None:
        await self.inbox.close()
        await self.outbox.close()
        await self.http.close()

    def _learn(self, *words: Secret | None) -> None:
        for word in words:
            if word is not None:
                self.redactor.learn(word.reveal())

    # -- hooks ------------------------------------------------------------------------------------------------------------

    async def hooks(self, environment: Environment) -> list[Hook]:
        return [hook for hook in await self.rows.hooks() if hook.environment is environment]

    async def hook(self, environment: Environment, id_: str) -> Hook:
        """By its id or its name.  Raises `NotFound`."""
        return _one(await self.hooks(environment), id_, "hook")

    async def add_hook(self, environment: Environment, new: NewHook, *, caller: Caller) -> tuple[Hook, str]:
        """A hook and its secret, which is shown this once."""
        desk = self._desk(environment)
        if all(status.profile.name != new.profile for status in desk.profiles()):
            raise _wrong("/profile", f"no profile {new.profile[:64]!a} in {environment.value}")
        check_template(new.template, new.words)
        secret = self.new_secret()
        hook = Hook(
            id=self.new_id(),
            name=new.name,
            environment=environment,
            profile=new.profile,
            strategy=new.strategy or new.name,
            auth=new.auth,
            digest=digest_of(secret),
            secret=Secret(secret) if new.auth is Auth.HMAC else None,
            template=dict(new.template),
            words=dict(new.words),
            symbols=new.symbols,
            max_quantity=new.max_quantity,
            max_notional=new.max_notional,
            per_minute=new.per_minute,
            replay_s=new.replay_s,
            created_at=self.clock.now(),
        )
        await self._record(environment, caller, "hook.add", hook.name, profile=hook.profile)
        await self.rows.add_hook(hook)
        self.inbox.forget()
        return hook, secret

    async def switch_hook(self, hook: Hook, *, enabled: bool, version: int | None, caller: Caller) -> Hook:
        """Raises `Conflict` where it is another version by now."""
        _assert_version(hook.version, version)
        changed = replace(hook, enabled=enabled, version=hook.version + 1)
        await self._record(hook.environment, caller, "hook.on" if enabled else "hook.off", hook.name)
        await self.rows.put_hook(changed)
        self.inbox.forget()
        return changed

    async def remove_hook(self, hook: Hook, *, caller: Caller) -> None:
        await self._record(hook.environment, caller, "hook.remove", hook.name)
        await self.rows.remove_hook(hook.id)
        self.inbox.forget()

    async def try_hook(self, hook: Hook, body: bytes) -> Tried:
        """What a signal would become; nothing is kept or sent.  Raises what the signal would be answered with."""
        wish = self.inbox.preview(hook, body)
        await self.inbox.screen(hook, wish)
        caller = Caller(principal=hook.principal, via="webhook", token=hook.principal)
        preview = await self._desk(hook.environment).preview(wish, profile=hook.profile, caller=caller)
        return Tried(wish=wish, preview=preview)

    async def signals(self, hook: Hook, limit: int) -> list[Signal]:
        return await self.rows.signals(hook.id, limit=limit)

    # -- targets ----------------------------------------------------------------------------------------------------------

    async def targets(self, kind: Kind, environment: Environment | None = None) -> list[Target]:
        found = [target for target in await self.rows.targets() if target.kind is kind]
        return [target for target in found if environment is None or environment in target.environments]

    async def target(self, kind: Kind, id_: str, environment: Environment | None = None) -> Target:
        """By its id or its name.  Raises `NotFound`."""
        return _one(await self.targets(kind, environment), id_, kind.value)

    async def add_target(self, new: NewTarget, *, caller: Caller) -> tuple[Target, str | None]:
        """A target, and the secret that its deliveries are signed with, which is shown this once."""
        is_alert = new.kind is Kind.ALERT
        events = new.events or (ALERTS if is_alert else EVENTS)
        _check_events(events)
        quiet_of(new.quiet)
        if is_alert:
            await asyncio.to_thread(self.check_alert, new.url, self.reach)  # loading the library takes seconds
        else:
            origin_of(new.url.reveal(), self.reach)
        secret = None if is_alert else self.new_secret()
        target = Target(
            id=self.new_id(),
            name=new.name,
            kind=new.kind,
            url=new.url,
            secret=None if secret is None else Secret(secret),
            events=events,
            environments=new.environments,
            quiet=new.quiet,
            group_s=new.group_s,
            created_at=self.clock.now(),
        )
        self._learn(_hidden(target))
        for environment in new.environments:
            await self._record(environment, caller, f"{new.kind.value}.add", target.name)
        await self.rows.add_target(target)
        await self.outbox.refresh()
        return target, secret

    async def switch_target(self, target: Target, *, enabled: bool, version: int | None, caller: Caller) -> Target:
        """Raises `Conflict` where it is another version by now."""
        _assert_version(target.version, version)
        changed = replace(target, enabled=enabled, version=target.version + 1)
        for environment in target.environments:
            await self._record(environment, caller, f"{target.kind.value}.{'on' if enabled else 'off'}", target.name)
        await self.rows.put_target(changed)
        await self.outbox.refresh()
        return changed

    async def remove_target(self, target: Target, *, caller: Caller) -> None:
        for environment in target.environments:
            await self._record(environment, caller, f"{target.kind.value}.remove", target.name)
        await self.rows.remove_target(target.id)
        await self.outbox.refresh()

    async def try_target(self, target: Target) -> Attempt:
        """Send an event of the name `test` now, once."""
        id_, now = self.new_id(), self.clock.now()
        environment = target.environments[0]
        body = (
            f'{{"v":1,"id":"{id_}","event":"{TEST}","environment":"{environment.value}","profile":"","seq":0,'
            f'"at":"{time_text(now)}","data":{{"detail":"this is a test"}}}}'
        )
        delivery = Delivery(
            id=id_, target_id=target.id, event_id=id_, event=TEST, environment=environment, seq=0, body=body, made_at=now,
            due_at=now,
        )  # fmt: skip
        return await self.outbox.deliver_now(target, delivery)

    async def deliveries(self, target: Target, limit: int) -> list[Delivery]:
        return await self.rows.deliveries(target.id, limit=limit)

    async def deliver_again(self, target: Target, delivery_id: str) -> Delivery:
        """Raises `NotFound`."""
        return await self.outbox.again(target.id, delivery_id)

    # -- both -------------------------------------------------------------------------------------------------------------

    def _desk(self, environment: Environment) -> Gateway:
        if environment not in self.desks:
            raise NotFound(f"there is no {environment.value} environment here")
        return self.desks[environment]

    async def _record(
        self,
        environment: Environment,
        caller: Caller,
        action: str,
        name: str,
        *,
        profile: ProfileName = GLOBAL,
    ) -> None:
        """Durable before the act."""
        await self._desk(environment).journal.commit([row_of(caller, action, name, "done", profile=profile)])


def hooks_of(
    *,
    cold: DeskDatabase,
    desks: Mapping[Environment, Gateway],
    http: Http | None = None,
    reach: PublicOnly,
    render: Render,
    clock: Clock,
    random: Random,
    log: Log,
    meter: Meter,
    redactor: Redactor,
) -> Hooks:
    """Everything about hooks over one `desk.db`, not started."""
    rows, new_id = Rows(cold), lambda: secrets.token_hex(12)
    sending = http or AioHttp(resolve=reach, max_body=ANSWER_MAX)

    def placed(environment: Environment, principal: str, profile: ProfileName, key: str) -> IntentId | None:
        entry = desks[environment].journal.find_key(principal=principal, profile=profile, key=key)
        return None if entry is None else entry.intent_id

    inbox = Inbox(rows=rows, desks=desks, clock=clock, log=log, meter=meter, placed=placed, new_id=new_id)
    outbox = Outbox(
        rows=rows,
        desks=desks,
        carriers={
            Kind.WEBHOOK: Poster(sending, reach, clock),
            Kind.ALERT: Apprise(clock, reach=reach),
        },
        render=render,
        clock=clock,
        random=random,
        log=log,
        meter=meter,
        new_id=new_id,
    )
    return Hooks(
        rows=rows, inbox=inbox, outbox=outbox, reach=reach, desks=desks, clock=clock, redactor=redactor, http=sending
    )


R = TypeVar("R", Hook, Target)


def _one(found: Sequence[R], id_: str, what: str) -> R:
    for record in found:
        if id_ in (record.id, record.name):
            return record
    raise NotFound(f"no such {what}")


def _hidden(target: Target) -> Secret | None:
    """What of a URL is never shown: all of one of Apprise, and of a webhook's what stands behind its host."""
    if target.kind is Kind.ALERT:
        return target.url
    parts = urlsplit(target.url.reveal())
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    return Secret(rest) if len(rest) >= HIDDEN_FROM else None


def _check_events(events: Sequence[str]) -> None:
    for event in events:
        if event not in NAMES and event != EVERYTHING:
            kind_of(event)


def _assert_version(now: int, version: int | None) -> None:
    if version is not None and version != now:
        raise Conflict(f"it is version {now} by now: read it again")


def _wrong(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code="not_valid", detail=detail),))


__all__ = ["ALERTS", "EVENTS", "Hooks", "Network", "NewHook", "NewTarget", "Tried", "hooks_of"]

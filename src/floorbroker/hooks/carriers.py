"""The ways out: a signed POST to a URL, and a message to people through Apprise."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, InvalidRequest, NotSupported, without_extra
from floorbroker.domain.secret import Secret
from floorbroker.hooks.guarded import Service, check_service, only_public
from floorbroker.hooks.quiet import message_of
from floorbroker.hooks.reach import PublicOnly, origin_of
from floorbroker.hooks.records import Delivery, Target
from floorbroker.hooks.retries import Attempt
from floorbroker.hooks.signing import HEADER, sign
from floorbroker.transport.types import Http, Request

TIMEOUT_S = 10.0
ALERT_TIMEOUT_S = 30.0
EXTRA = without_extra("alerts need", "notify")
TALKATIVE = ("apprise", "requests", "urllib3")  # what they log repeats URLs, which hold tokens
_SUMMARY_MAX = 300


@dataclass(slots=True)
class Poster:
    """Posts one event at a time, signed, without following redirects, to addresses that `reach` lets through."""

    http: Http
    reach: PublicOnly
    clock: Clock
    together: bool = False

    async def carry(self, target: Target, deliveries: Sequence[Delivery]) -> Attempt:
        (delivery,) = deliveries
        try:
            origin, path = origin_of(target.url.reveal(), self.reach)
            reply = await self.http.send(self._request(target, delivery, origin, path))
        except FloorbrokerError as error:
            return Attempt(trouble=f"{error.code}: {error.detail}".replace(target.url.reveal(), "the URL"))
        trouble = "" if 200 <= reply.status < 300 else f"answered with status {reply.status}"
        return Attempt(status=reply.status, trouble=trouble, after_s=_seconds(reply.headers.get("retry-after", "")))

    def _request(self, target: Target, delivery: Delivery, origin: str, path: str) -> Request:
        body = delivery.body.encode()
        path, _, query = path.partition("?")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "floorbroker",
            "X-Floorbroker-Event": delivery.event,
            "X-Floorbroker-Delivery": delivery.event_id,
        }
        if target.secret is not None:
            headers[HEADER] = sign(body, target.secret, at=self.clock.now())
        return Request(
            method="POST",
            origin=origin,
            path=path,
            query=_pairs(query),
            endpoint="webhook",
            headers=headers,
            body=body,
            timeout_s=TIMEOUT_S,
        )


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    from urllib.parse import parse_qsl  # noqa: PLC0415 - for URLs with a query alone

    return tuple(parse_qsl(query, keep_blank_values=True))


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0.0


class Apprise(Protocol):
    """What is used of `apprise.Apprise`."""

    def add(self, url: str) -> bool: ...

    def __iter__(self) -> Iterator[Service]: ...

    def notify(self, *, title: str, body: str) -> bool: ...


def apprise() -> Apprise:
    """A new, empty one.  Raises `NotSupported` where the package is not installed."""
    try:
        module: Any = importlib.import_module("apprise")
    except ImportError:
        raise NotSupported(EXTRA) from None
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return cast("Apprise", module.Apprise())


def check_alert_url(url: Secret, reach: PublicOnly, make: Callable[[], Apprise] = apprise) -> None:
    """Raises `InvalidRequest`, which does not repeat it, for a text that is not one URL that Apprise knows; `Forbidden` for one
    that leads into this machine or its network.
    """
    with only_public(reach):
        _sender(url, reach, make)


def _sender(url: Secret, reach: PublicOnly, make: Callable[[], Apprise]) -> Apprise:
    """What tells the one service that a URL names.

    The library takes several URLs out of one text: the others would be hidden from no log, and one look would be for all.
    """
    sender = make()
    if not sender.add(url.reveal()):
        raise InvalidRequest("this is no URL that Apprise knows: see https://appriseit.com/services")
    services = list(sender)
    if len(services) != 1:
        raise InvalidRequest("this is more than one URL: each is told by a notification of its own")
    check_service(services[0], reach)
    return sender


@dataclass(slots=True)
class Caller:
    """Tells people, several events in one message; the library waits for its network in a thread."""

    clock: Clock
    make: Callable[[], Apprise] = apprise
    reach: PublicOnly = field(default_factory=PublicOnly)
    together: bool = True
    _busy: set[str] = field(default_factory=set[str])

    async def carry(self, target: Target, deliveries: Sequence[Delivery]) -> Attempt:
        if target.id in self._busy:
            return Attempt(trouble="the message before it has not been answered yet")
        title, text = message_of([summary_of(delivery) for delivery in deliveries])
        self._busy.add(target.id)
        sending = asyncio.get_running_loop().run_in_executor(None, self._notify, target, title, text)
        sending.add_done_callback(lambda _: self._busy.discard(target.id))
        timer = asyncio.ensure_future(self.clock.sleep(ALERT_TIMEOUT_S))
        await asyncio.wait([sending, timer], return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        return sending.result() if sending.done() else Attempt(trouble=f"no answer within {ALERT_TIMEOUT_S:g} s")

    def _notify(self, target: Target, title: str, text: str) -> Attempt:
        try:
            with only_public(self.reach) as watch:
                taken = _sender(target.url, self.reach, self.make).notify(title=title, body=text)
            if watch.refused and not taken:
                return Attempt(trouble=watch.refused[0].detail)
        except FloorbrokerError as error:
            return Attempt(trouble=error.detail)
        except Exception as error:  # noqa: BLE001 - a plug-in of the library; its words may hold the URL
            return Attempt(trouble=f"the service failed: {type(error).__name__}")
        return Attempt(status=200) if taken else Attempt(trouble="the service did not take the message")


def summary_of(delivery: Delivery) -> str:
    """One line for people."""
    document: dict[str, Any] = json.loads(delivery.body)
    data: dict[str, Any] = document.get("data") or {}
    order: dict[str, Any] = data.get("order") or (data if "ord_status" in data else {})
    words = [delivery.event.replace("_", " "), delivery.environment.value, str(document.get("profile", ""))]
    if order:
        words += [str(order.get(name) or "") for name in ("side", "quantity", "symbol", "ord_status", "reject_reason")]
    else:
        words += [f"{name} {data[name]}" for name in ("scope", "level", "state", "reason", "detail") if data.get(name)]
    return " ".join(word for word in words if word)[:_SUMMARY_MAX]

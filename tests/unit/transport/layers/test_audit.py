"""What the audit layer records, and what it must never let through."""

from __future__ import annotations

import asyncio

import pytest

from floorbroker.domain.errors import ConnectionFailed, Outcome
from floorbroker.transport.bodies import BodyFields
from floorbroker.transport.layers.audit import Audit, Exchange
from floorbroker.transport.types import Response
from tests.unit.transport.fakes import START, Scripted, Step, clock, command, read

pytestmark = pytest.mark.asyncio

CANARY = "s3cr3t-canary"


class Blot:
    """A redactor that knows one secret."""

    def learn(self, secret: str) -> None:
        raise AssertionError(secret)

    def learn_token(self, token: str) -> None:
        raise AssertionError(token)

    def clean(self, text: str) -> str:
        return text.replace(CANARY, "***")


def audit(*steps: Step) -> tuple[Audit, list[Exchange]]:
    seen: list[Exchange] = []
    fields = BodyFields(allowed=frozenset({"id", "qty", "note"}))
    return Audit(Scripted(steps), tap=seen.append, redactor=Blot(), clock=clock(), fields=fields), seen


async def test_an_exchange_is_recorded_as_it_crossed_the_wire() -> None:
    layer, seen = audit(Response(status=201, headers={"x-request-id": "r1"}, body=b'{"id":"1"}'))
    await layer.send(command(body=b'{"qty":"1"}', order="fb-1", headers={"Content-Type": "application/json"}))
    assert seen == [
        Exchange(
            at=START,
            method="POST",
            url="https://a.example/v2/orders",
            endpoint="orders.submit",
            order="fb-1",
            headers={"content-type": "application/json"},
            body='{"qty":"1"}',
            status=201,
            reply_headers={"x-request-id": "r1"},
            reply_body='{"id":"1"}',
        )
    ]


async def test_i21_no_secret_reaches_the_record_from_anywhere() -> None:
    layer, seen = audit(
        Response(
            status=200, headers={"set-cookie": CANARY, "server": CANARY}, body=b'{"id":"' + CANARY.encode() + b'"}'
        )
    )
    await layer.send(
        read(
            path=f"/v1/{CANARY}",
            query=(("signature", "abcdef"), ("listenKey", "abcdef"), ("symbol", CANARY)),
            headers={"APCA-API-SECRET-KEY": "abcdef", "X-Tag": "abcdef", "Accept": CANARY},
            secret_headers=frozenset({"X-Tag"}),
            body=b'{"note":"' + b"x" * 1_010 + CANARY.encode() + b'","owner":"abcdef"}',
        )
    )
    assert CANARY not in repr(seen)
    assert "abcdef" not in repr(seen)
    assert "canary" not in repr(seen)
    assert seen[0].query == (("signature", "***"), ("listenKey", "***"), ("symbol", "***"))


async def test_a_failure_is_recorded_with_what_we_knew() -> None:
    layer, seen = audit(ConnectionFailed("x", outcome=Outcome.UNKNOWN))
    with pytest.raises(ConnectionFailed):
        await layer.send(command())
    assert (seen[0].error, seen[0].outcome, seen[0].status) == ("connection_failed", Outcome.UNKNOWN, None)


async def test_a_cancelled_wait_is_recorded_as_unknown() -> None:
    layer, seen = audit(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await layer.send(command())
    assert (seen[0].error, seen[0].outcome) == ("cancelled", Outcome.UNKNOWN)


async def test_bodies_are_bounded_and_cannot_paint_the_screen() -> None:
    layer, seen = audit(*[Response(status=200, body=b'{"note":"\\u001b[2J\xe2\x80\xae' + b"x" * 100_000 + b'"}')] * 2)
    await layer.send(command())
    await layer.send(read())
    for exchange, longest in zip(seen, (17_000, 1_100), strict=True):
        assert exchange.reply_body.startswith('{"note":"\\u001b[2J\\u202exxx')
        assert longest - 1_000 < len(exchange.reply_body) < longest
        assert exchange.reply_body.endswith("…")
        assert exchange.reply_body.isprintable()

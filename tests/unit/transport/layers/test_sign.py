"""The signature is made last, and only of what may be signed now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from floorbroker.domain.errors import Outcome, VaultLocked
from floorbroker.transport.layers.sign import Sign
from floorbroker.transport.types import Request
from tests.unit.transport.fakes import Scripted, command

pytestmark = pytest.mark.asyncio


def signed(request: Request) -> Request:
    return replace(request, headers={"signature": "yes"})


async def test_what_leaves_is_signed() -> None:
    inner = Scripted()
    await Sign(inner, sign=signed).send(command())
    assert inner.sent[0].headers == {"signature": "yes"}


async def test_what_must_not_be_signed_is_neither_signed_nor_sent() -> None:
    inner, made = Scripted(), list[Request]()

    def refuse(request: Request) -> None:
        raise VaultLocked(f"locked: {request.endpoint}")

    def sign(request: Request) -> Request:
        made.append(request)
        return request

    with pytest.raises(VaultLocked) as caught:
        await Sign(inner, sign=sign, may_sign=refuse).send(command())
    assert caught.value.outcome is Outcome.NOT_SENT
    assert (made, inner.sent) == ([], [])

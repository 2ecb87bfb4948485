"""A refusal's words are cleaned before anybody reads them."""

from __future__ import annotations

import pytest

from floorbroker.transport.layers.hush import Hush
from floorbroker.transport.types import Response
from tests.unit.transport.fakes import Scripted, read

pytestmark = pytest.mark.asyncio


class Blot:
    """A redactor that knows one secret."""

    def learn(self, secret: str) -> None:
        raise AssertionError(secret)

    def learn_token(self, token: str) -> None:
        raise AssertionError(token)

    def clean(self, text: str) -> str:
        return text.replace("hunter2", "***")


async def _heard(status: int, body: bytes) -> bytes:
    hush = Hush(Scripted([Response(status=status, body=body)]), redactor=Blot())
    return (await hush.send(read())).body


async def test_a_refusal_that_repeats_a_key_is_hushed() -> None:
    assert await _heard(401, b'{"message":"key hunter2 is unknown"}') == b'{"message":"key *** is unknown"}'


async def test_a_refusal_without_a_key_and_bytes_that_are_no_text_stay_as_they_are() -> None:
    assert await _heard(503, b"down \xff\xfe") == b"down \xff\xfe"
    assert await _heard(422, b"\xff hunter2 \xfe") == b"\xff *** \xfe"


async def test_an_answer_that_succeeded_is_data() -> None:
    assert await _heard(200, b'{"account":"hunter2"}') == b'{"account":"hunter2"}'

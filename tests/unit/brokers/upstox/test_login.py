"""A person's log-in: the page, and the code that is changed for the token of the day."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from floorbroker.app.redactor import SecretFilter
from floorbroker.brokers.registry import BROKERS
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.brokers.upstox.rest.login import UpstoxLogIn
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import ApiError, AuthenticationFailed, FloorbrokerError, InvalidRequest
from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Response
from tests.unit.brokers.upstox.fakes import ORIGINS, FakeTransport, refused, reply, told

pytestmark = pytest.mark.asyncio
BACK = "http://127.0.0.1:8750/"


async def nothing() -> None:
    """There is no connection to close."""


def way_in(transport: FakeTransport, *, user_id: str = "", redactor: SecretFilter | None = None) -> UpstoxLogIn:
    return UpstoxLogIn(
        transport, Calls(origins=ORIGINS), client_id=Secret("the-key"), client_secret=Secret("the-secret"),
        redirect_uri=BACK, user_id=lambda: user_id, redactor=redactor or SecretFilter(), close=nothing,
    )  # fmt: skip


async def exchanged(answer: Response, *, code: str = "mk404x", user_id: str = "") -> Mapping[str, Secret]:
    return await way_in(FakeTransport(answer), user_id=user_id).exchange(code)


async def test_the_page_is_the_venues_and_holds_no_secret() -> None:
    url = way_in(FakeTransport()).page("s1")
    assert url.startswith(f"{ORIGINS.api}/v2/login/authorization/dialog?")
    assert parse_qs(urlsplit(url).query)["state"] == ["s1"]
    assert "the-secret" not in url


async def test_a_code_is_changed_for_the_token_by_one_form_and_both_are_never_shown() -> None:
    transport, redactor = FakeTransport(told("token")), SecretFilter()
    fields = await way_in(transport, user_id="AB1234", redactor=redactor).exchange("mk404x")
    (request,) = transport.requests
    assert dict(parse_qsl(request.body.decode())) == {
        "code": "mk404x", "client_id": "the-key", "client_secret": "the-secret", "redirect_uri": BACK,
        "grant_type": "authorization_code",
    }  # fmt: skip
    token = fields["BROKER_PASSWORD"].reveal()
    assert fields.keys() == {"BROKER_PASSWORD"}
    cleaned = redactor.clean(f"a {token} b mk404x")
    assert token not in cleaned
    assert "mk404x" not in cleaned


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused("UDAPI100068", status=401), AuthenticationFailed),
        (refused("UDAPI100016", status=401), AuthenticationFailed),
        (Response(status=500), ApiError),
        (reply({"access_token": 7}), ApiError),
    ],
)
async def test_a_code_of_no_use_brings_no_token(answer: Response, kind: type[FloorbrokerError]) -> None:
    with pytest.raises(kind):
        await exchanged(answer)


async def test_a_token_of_somebody_else_is_not_kept() -> None:
    with pytest.raises(AuthenticationFailed):
        await exchanged(told("token"), user_id="ZZ0000")


@pytest.mark.parametrize("code", ["", "a\nb", "x" * 300, "½"])
async def test_what_is_no_code_is_not_sent(code: str) -> None:
    with pytest.raises(InvalidRequest):
        await exchanged(told("token"), code=code)


async def test_the_broker_says_that_people_log_in() -> None:
    assert [code for code, info in BROKERS.items() if Can.LOGIN in info.can] == ["UPSTOX"]

"""What a signal says, whose it is, and what it asks for: bodies, signatures and templates."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.secret import Secret
from floorbroker.hooks.alert import BODY_MAX, Alert, read_alert
from floorbroker.hooks.signing import TOLERANCE_S, objection, sign
from floorbroker.hooks.template import DEFAULT, check_template, filled, wish_of

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
KEY, BODY = Secret("fbhook_of_the_tests"), b'{"symbol": "AAPL"}'


# -- bodies ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "members", "secret", "id_"),
    [
        ('{"secret": "s", "id": "a1", "symbol": "AAPL", "quantity": 10.50}', {"symbol": "AAPL", "quantity": "10.50"}, "s", "a1"),
        ('{"order": {"contracts": 1e3}, "flag": true}', {"order.contracts": "1e3", "flag": "true"}, "", ""),
        ('{"symbol": "AAPL", "nothing": null, "list": [1]}', {"symbol": "AAPL"}, "", ""),
        ("secret=s symbol=AAPL side=buy quantity=1", {"symbol": "AAPL", "side": "buy", "quantity": "1"}, "s", ""),
        ("symbol: BTC/USD\nside: sell;quantity=0.25,", {"symbol": "BTC/USD", "side": "sell", "quantity": "0.25"}, "", ""),
        ('reason="crossing up", id=7', {"reason": "crossing up"}, "", "7"),
    ],
)  # fmt: skip
def test_a_body_is_read_as_json_or_as_pairs(body: str, members: dict[str, str], secret: str, id_: str) -> None:
    alert = read_alert(body.encode())
    assert (dict(alert.members), alert.secret, alert.id) == (members, secret, id_)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is empty"),
        (b"AAPL crossing 100", "cannot be read at character 1"),
        (b"symbol=AAPL and more", "cannot be read at character 13"),
        (b'{"a": NaN}', "not JSON that can be read"),
        (b'{"a": 1', "not JSON: Expecting"),
        (b"\xff\xfe", "not UTF-8 (byte 0)"),
        (b"x" * (BODY_MAX + 1), "larger than 32 KiB"),
        (b'{"id": "has space"}', "an alert's id has"),
        (json.dumps({str(n): "x" for n in range(300)}).encode(), "more than 200 members"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "nested deeper than 8"),
        (b'{"quantity": "1", "quantity": "100"}', "a member twice"),
        (b'{"order": {"side": "buy", "side": "sell"}}', "a member twice"),
        (b'{"order": {"side": "buy"}, "order.side": "sell"}', "a member twice"),
        (b'{"order.side": "sell", "order": {"side": "buy"}}', "a member twice"),
        (b"side=buy quantity=1 side=sell", "a member twice"),
    ],
)
def test_a_body_that_says_nothing_is_refused_with_what_would_be_right(body: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_alert(body)
    assert told in refused.value.detail
    assert refused.value.status_hint == 422


def test_a_refusal_repeats_nothing_of_the_body_and_an_alert_does_not_print_its_secret() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_alert(b"secret=fbhook_canary and more")
    assert "canary" not in refused.value.detail
    assert "canary" not in repr(read_alert(b"secret=fbhook_canary symbol=AAPL"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(InvalidRequest):
        assert read_alert(body).members is not None


# -- signatures -----------------------------------------------------------------------------------------------------------


def test_a_signature_is_that_of_its_body_key_and_time() -> None:
    header = sign(BODY, KEY, at=NOW)
    assert objection(header, BODY, KEY, now=NOW + timedelta(seconds=TOLERANCE_S)) == ""
    assert "not that of this body" in objection(header, BODY + b" ", KEY, now=NOW)
    assert "not that of this body" in objection(header, BODY, Secret("another"), now=NOW)
    assert "more than 30 s" in objection(header, BODY, KEY, now=NOW + timedelta(seconds=TOLERANCE_S + 1))
    assert "more than 30 s" in objection(header, BODY, KEY, now=NOW - timedelta(seconds=TOLERANCE_S + 1))
    later = header.replace(str(int(NOW.timestamp())), str(int(NOW.timestamp()) + 5))
    assert "not that of this body" in objection(later, BODY, KEY, now=NOW)


def test_a_signature_has_the_documented_form() -> None:
    assert sign(b"{}", Secret("key"), at=NOW) == (
        "t=1772463600,v1=bd04124471c975f57fc6b882ebcf69f4c92f9c2be705be9a4704272399f37096"
    )


@pytest.mark.parametrize("header", ["", "v1=00", "t=1", "t=x,v1=" + "0" * 64, "t=1772463600,v1=" + "0" * 63])
def test_a_header_of_another_form_is_refused_by_its_form(header: str) -> None:
    assert "t=SECONDS,v1=HEX" in objection(header, BODY, KEY, now=NOW)


def test_one_of_several_signatures_is_enough_while_a_secret_is_changed() -> None:
    header = sign(BODY, Secret("old"), at=NOW)
    both = f"{header},v1={sign(BODY, KEY, at=NOW).partition('v1=')[2]}"
    assert objection(both, BODY, KEY, now=NOW) == ""


# -- templates ------------------------------------------------------------------------------------------------------------


def alert(**members: str) -> Alert:
    return Alert(members={name.replace("__", "."): text for name, text in members.items()})


@pytest.mark.parametrize(
    ("template", "members", "order"),
    [
        ({"symbol": "$s", "side": "$order.action"}, {"s": "AAPL", "order__action": "buy"}, {"symbol": "AAPL", "side": "buy"}),
        ({"type": "${type:-market}"}, {}, {"type": "market"}),
        ({"type": "${type:-market}"}, {"type": "limit"}, {"type": "limit"}),
        ({"limit_price": "$price?"}, {}, {}),
        ({"limit_price": "$price?"}, {"price": "1.50"}, {"limit_price": "1.50"}),
        ({"client_tag": "tv-$id2 at $$1"}, {"id2": "7"}, {"client_tag": "tv-7 at $1"}),
        ({"side": "$side"}, {"side": "long"}, {"side": "buy"}),
        ({"post_only": "true"}, {}, {"post_only": True}),
        ({"stop_loss.stop_price": "$sl", "take_profit.limit_price": "$tp?"}, {"sl": "9"}, {"stop_loss": {"stop_price": "9"}}),
    ],
)  # fmt: skip
def test_a_template_makes_an_order_of_a_signal(
    template: dict[str, str], members: dict[str, str], order: dict[str, object]
) -> None:
    words = {"long": "buy", "short": "sell"}
    check_template(template, words)
    assert filled(template, words, alert(**members)) == order


def test_a_member_that_the_template_wants_is_asked_for_by_its_name() -> None:
    with pytest.raises(InvalidRequest, match="no member 'symbol'") as refused:
        filled(DEFAULT, {}, alert(side="buy"))
    assert refused.value.fields[0].pointer == "/symbol"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({}, "at least a symbol"),
        ({"colour": "red"}, "no member 'colour'"),
        ({"profile": "$profile"}, "the hook's own"),
        ({"confirm": "$symbol"}, "the hook's own"),
        ({"legs": "$legs"}, "the hook's own"),
        ({"side": "$"}, "a dollar begins"),
        ({"side": "${a"}, "a dollar begins"),
        ({"side": "$a? or"}, None),
        ({"stop_loss": "$sl"}, "no member 'stop_loss'"),
        ({"side.x": "$sl"}, "no member 'side.x'"),
        ({"side": "x" * 300}, "at most 256"),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused(template: dict[str, str], told: str | None) -> None:
    if told is None:
        check_template(template, {})
        return
    with pytest.raises(InvalidRequest) as refused:
        check_template(template, {})
    assert told in refused.value.detail


def test_the_default_template_makes_a_checked_wish_of_the_hooks_profile() -> None:
    wish = wish_of(
        DEFAULT, {}, alert(symbol="AAPL", side="buy", quantity="2", limit_price="189.50", type="limit"), profile="p", strategy="s"
    )  # fmt: skip
    assert (wish.profile, wish.strategy, wish.symbol, wish.quantity) == ("p", "s", "AAPL", Decimal(2))
    with pytest.raises(InvalidRequest) as refused:
        wish_of(DEFAULT, {}, alert(symbol="AAPL", side="hold", quantity="2"), profile="p", strategy="s")
    assert refused.value.fields[0].pointer == "/side"

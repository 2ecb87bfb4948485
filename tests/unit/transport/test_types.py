"""What crosses a wire keeps all it has, whoever adds to it."""

from __future__ import annotations

from dataclasses import MISSING, fields, replace

from floorbroker.transport.types import Lane, Request

FULL = Request(
    method="POST", origin="https://venue.example", path="/orders", endpoint="orders.submit", query=(("a", "b"),),
    headers={"X-Tag": "t"}, body=b"{}", lane=Lane.NEW, weight=3, timeout_s=1.5, decided_at=7.0, order="fb-1",
    secret_headers=frozenset({"X-Old"}),
)  # fmt: skip


def test_secrets_are_added_and_every_other_member_stays() -> None:
    assert [member.name for member in fields(FULL) if getattr(FULL, member.name) in (member.default, MISSING)] == []
    signed = FULL.with_secrets({"X-Key": "k"})
    assert signed == replace(FULL, headers={"X-Tag": "t", "X-Key": "k"}, secret_headers=frozenset({"X-Old", "X-Key"}))

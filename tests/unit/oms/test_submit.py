"""The submit protocol (RELIABILITY 2) against a scripted broker, on a real journal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    DuplicateOrderId,
    FieldError,
    FloorbrokerError,
    InsufficientFunds,
    InvalidRequest,
    JournalFault,
    KillSwitchOn,
    NotReady,
    Outcome,
    PositionSizeExceeded,
    RiskLimitExceeded,
    Timeout,
)
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderState
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry
from floorbroker.domain.records import Account, MarginRequirement
from floorbroker.domain.values import Environment, NotExact, OrderType, OrdStatus, Quantity, Side, decimal_of
from floorbroker.oms.schema import parse_order
from floorbroker.risk.limits import RiskLimits
from floorbroker.store import StaleEpoch
from tests.support.fake_broker import FakeBroker, buy, silence
from tests.support.house import CALLER, NOON, PROFILE, Desk, make, opened

pytestmark = pytest.mark.asyncio


@dataclass(slots=True)
class Purse(FakeBroker):
    """What its account may still buy is the test's word."""

    free: Decimal = Decimal(100_000)

    async def get_account_info(self) -> Account:
        return replace(await FakeBroker.get_account_info(self), buying_power=self.free)


@dataclass(slots=True)
class Strict(FakeBroker):
    """A venue that is known to take no market orders, and asks for more than one unit."""

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        found: list[FieldError] = []
        if order.order_type is OrderType.MARKET:
            found.append(FieldError(pointer="/type", code="not_supported", detail="limit"))
        if order.order_qty == 1:
            found.append(FieldError(pointer="/quantity", code="too_small", detail="at least 2"))
        return tuple(found)

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        return self.broken_rules(order, await self.get_instrument(order.symbol))


def _kinds(desk: Desk) -> list[str]:
    return [e.fact.kind for batch in desk.journal.commits for e in batch if isinstance(e, FactEntry)]


def _is_reply(entries: object) -> bool:
    """Whether a commit holds what came of a send."""
    assert isinstance(entries, tuple | list)
    return any(isinstance(e, FactEntry) and isinstance(e.fact, f.Working | f.Ack | f.NotSent) for e in entries)


async def test_a_wish_that_was_read_as_a_schema_is_placed_as_it_stands(tmp_path: Path) -> None:
    wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "2", "limit_price": "100"})
    async with opened(tmp_path) as desk:
        assert (await desk.gateway.preview(wish, profile=None)).ok
        done = await desk.gateway.submit(wish, profile=None, caller=CALLER)
        assert done.order.terms == wish.to_order()


async def test_a_preview_shows_what_an_adapter_reckons_and_stands_where_it_reckons_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = MarginRequirement(currency="USD", initial=Decimal(200), buying_power_effect=Decimal(200))

    async def reckoned(broker: FakeBroker, order: NewOrder) -> MarginRequirement:
        assert (order, Can.PREVIEW in broker.info.can) == (buy(), False)
        return told

    async with opened(tmp_path) as desk:
        without = await desk.gateway.preview(buy(), profile=None)
        assert (without.ok, without.margin) == (True, None)
        monkeypatch.setattr(FakeBroker, "get_margin_requirements", reckoned)
        assert (await desk.gateway.preview(buy(), profile=None)).margin == told


async def test_intent_id_and_sending_are_durable_before_a_byte_leaves_i2(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        seen: list[list[str]] = []
        desk.broker.on_sent = lambda what: seen.append(
            [r.entry.fact.kind for r in desk.gateway.journal.read() if isinstance(r.entry, FactEntry)]
        )
        await desk.place(buy(), key="k", body_hash="h")
        assert seen == [["prepared", "sending"]]
        batch = next(b for b in desk.journal.commits if any(isinstance(e, KeyEntry) for e in b))
        assert [type(e) for e in batch] == [FactEntry, FactEntry, AuditEntry, KeyEntry]


async def test_an_accepted_order_is_sent_once_and_stands_as_the_venue_says_i1(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        assert (order.ord_status, order.order_id) == (OrdStatus.NEW, "V1")
        await desk.wait(120)
        assert desk.sent("submit") == 1


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("refuse", OrderState.REJECTED),
        ("not_sent", OrderState.NOT_SENT),
        ("drop", OrderState.UNKNOWN),
        ("lose", OrderState.UNKNOWN),
        ("empty", OrderState.UNKNOWN),
        (RuntimeError("a bug in an adapter"), OrderState.UNKNOWN),
    ],
)
async def test_a_send_ends_as_not_sent_definite_or_unknown_i3(
    tmp_path: Path, script: str | Exception, state: OrderState
) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append(script)
        assert (await desk.place(buy())).state is state


async def test_no_answer_is_ever_followed_by_a_second_send_i4(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).presumed)
        await desk.session.reconcile_now()
        assert desk.sent("submit") == 1


async def test_a_duplicate_id_reply_is_no_refusal_but_a_question_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.next_submit.append(DuplicateOrderId("seen before"))
        assert (await desk.place(buy())).state is OrderState.UNKNOWN


async def test_a_caller_that_goes_away_does_not_take_the_order_along_i1(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        gate = desk.broker.gates["submit"] = asyncio.Event()
        caller = asyncio.ensure_future(desk.place(buy(), key="k", body_hash="h"))
        await desk.wait()
        caller.cancel()
        await desk.wait()
        again = asyncio.ensure_future(desk.place(buy(), key="k", body_hash="h"))
        await desk.wait()
        assert not again.done()
        gate.set()
        order = await again
        assert (order.ord_status, desk.sent("submit")) == (OrdStatus.NEW, 1)


async def test_the_same_key_and_body_give_the_same_order_i20(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.place(buy(), key="k", body_hash="h")
        second = await desk.gateway.submit(buy(), profile=PROFILE, caller=CALLER, key="k", body_hash="h")
        assert (second.order.intent_id, second.replayed, desk.sent("submit")) == (first.intent_id, True, 1)


async def test_the_same_key_with_another_body_is_an_error_and_no_order_i20(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy(), key="k", body_hash="h")
        with pytest.raises(InvalidRequest):
            await desk.place(buy("20"), key="k", body_hash="other")
        assert desk.sent("submit") == 1


async def test_two_first_uses_at_once_are_one_order_i20(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        orders = await asyncio.gather(*(desk.place(buy(), key="k", body_hash="h") for _ in range(5)))
        assert (len({order.intent_id for order in orders}), desk.sent("submit")) == (1, 1)


async def test_a_key_survives_a_restart_i20(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        first = await desk.place(buy(), key="k", body_hash="h")
        broker, clock = desk.broker, desk.clock
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        assert (await desk.place(buy(), key="k", body_hash="h")).intent_id == first.intent_id
        assert desk.sent("submit") == 1


async def test_a_refusal_leaves_the_key_free_i20(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_order_qty=Decimal(5))) as desk:
        with pytest.raises(FloorbrokerError):
            await desk.place(buy("10"), key="k", body_hash="h")
        assert (await desk.place(buy("5"), key="k", body_hash="other")).ord_status is OrdStatus.NEW


async def test_live_orders_need_a_key_i20(tmp_path: Path) -> None:
    async with opened(tmp_path, environment=Environment.LIVE) as desk:
        with pytest.raises(InvalidRequest, match="Idempotency-Key"):
            await desk.place(buy())
        assert desk.sent("submit") == 0


async def test_a_failed_commit_sends_nothing_and_frees_the_reservation_i2(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: any(isinstance(e, FactEntry) for e in entries)
        with pytest.raises(JournalFault):
            await desk.place(buy())
        assert (desk.sent("submit"), desk.ctx.gate.pending, desk.gateway.orders()) == (0, {}, [])
        assert desk.ctx.exposure().reserved == 0
        assert desk.faults


async def test_an_answer_that_cannot_be_written_is_not_called_unsent_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = _is_reply
        order = await desk.place(buy())
        assert (order.state, order.in_doubt) == (OrderState.SENDING, True)
        desk.journal.fault_when = lambda entries: False
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW)
        assert desk.sent("submit") == 1


async def test_a_stale_owner_sends_nothing_i18(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault = StaleEpoch("epoch 1 is stale")
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(FloorbrokerError) as caught:
            await desk.place(buy())
        assert (caught.value.outcome, desk.sent("submit")) == (Outcome.NOT_SENT, 0)


async def test_a_kill_between_commit_and_send_leaves_the_order_unsent_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:

        def withdraw(entries: object) -> bool:
            assert isinstance(entries, tuple | list)
            if any(isinstance(e, FactEntry) and isinstance(e.fact, f.Prepared) for e in entries):
                desk.permits.withdraw(PROFILE)
            return False

        desk.journal.fault_when = withdraw
        order = await desk.place(buy())
        assert (order.state, desk.sent("submit")) == (OrderState.NOT_SENT, 0)


async def test_a_kill_refuses_at_once_without_asking_the_venue_anything_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        before = len(desk.broker.reads)
        with pytest.raises(KillSwitchOn):
            await desk.place(buy())
        assert len(desk.broker.reads) == before


async def test_a_read_that_fails_before_the_decision_is_not_sent_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.failing["get_instrument"] = Timeout("no answer")
        with pytest.raises(Timeout) as caught:
            await desk.place(buy())
        assert caught.value.outcome is Outcome.NOT_SENT
        assert [
            r.entry.outcome
            for r in desk.gateway.audit(limit=1000)
            if isinstance(r.entry, AuditEntry) and r.entry.action == "order.submit"
        ] == ["refused"]


async def test_a_decision_too_old_is_not_sent(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(intent_age_max_s=Decimal("0.5"))) as desk:

        def slow(entries: object) -> bool:
            assert isinstance(entries, tuple | list)
            if any(isinstance(e, FactEntry) and isinstance(e.fact, f.Prepared) for e in entries):
                desk.clock.set(desk.clock.now().replace(second=desk.clock.now().second + 3))
            return False

        desk.journal.fault_when = slow
        order = await desk.place(buy())
        assert (order.state, desk.sent("submit")) == (OrderState.NOT_SENT, 0)


async def test_orders_in_parallel_cannot_pass_a_limit_together_i12(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_position_qty=Decimal(25))) as desk:
        desk.broker.gates["submit"] = asyncio.Event()
        tasks = [asyncio.ensure_future(desk.place(buy("10"))) for _ in range(5)]
        await desk.wait()
        desk.broker.gates["submit"].set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(f) for f in found if isinstance(f, Exception)] == [PositionSizeExceeded] * 3
        assert desk.sent("submit") == 2


async def test_orders_in_doubt_count_against_limits_i5(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_position_qty=Decimal(15), max_open_orders=1)) as desk:
        desk.broker.next_submit.append("drop")
        order = await desk.place(buy("10"))
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 10
        with pytest.raises(FloorbrokerError, match="max_open_orders"):
            await desk.place(buy("1"))
        await desk.until(lambda: desk.now(order).presumed)
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 10
        desk.clock.set(NOON + timedelta(hours=25))
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 0


async def test_buying_power_stays_reserved_until_the_venue_counts_it_i5(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.buying_power = Decimal(1500)
        await desk.ctx.refresh_account()
        desk.broker.next_submit.append("drop")
        await desk.place(buy("10"))
        with pytest.raises(FloorbrokerError, match="buying power"):
            await desk.place(buy("10"))


async def test_a_price_in_floats_is_refused_i25(tmp_path: Path) -> None:
    with pytest.raises(NotExact):
        decimal_of(100.1)  # pyright: ignore[reportArgumentType]
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10", "100.10"))
        assert isinstance(desk.now(order).price, Decimal)


async def test_prepared_without_sending_is_never_sent_after_a_restart_i4(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        batches: list[tuple[Entry, ...]] = []
        await desk.place(buy())
        batches += desk.journal.commits
        broker, clock = desk.broker, desk.clock
    prepared = next(e for b in batches for e in b if isinstance(e, FactEntry) and isinstance(e.fact, f.Prepared))
    other = tmp_path / "other"
    desk = make(other, broker=FakeBroker(clock), clock=clock)
    await desk.gateway.journal.commit([prepared])
    await desk.gateway.stop()
    del broker
    async with opened(other, clock=clock) as desk:
        assert (desk.only().state, desk.sent("submit")) == (OrderState.NOT_SENT, 0)


async def test_a_crash_while_sending_ends_in_what_the_venue_knows_i1(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    desk.broker.next_submit.append("lose")
    desk.broker.gates["submit"] = asyncio.Event()
    sending = asyncio.ensure_future(desk.place(buy()))
    await desk.wait()
    assert desk.only().state is OrderState.SENDING
    desk.broker.gates.pop("submit").set()
    await asyncio.sleep(0)
    await desk.crash()
    await asyncio.gather(sending, return_exceptions=True)
    broker, clock = desk.broker, desk.clock
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.until(lambda: not desk.only().in_doubt)
        known = len(broker.orders)
        assert desk.sent("submit") == 1
        assert desk.only().ord_status is (OrdStatus.NEW if known else OrdStatus.UNKNOWN)


async def test_stopping_lets_a_send_under_way_end_i1(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    gate = desk.broker.gates["submit"] = asyncio.Event()
    sending = asyncio.ensure_future(desk.place(buy()))
    await desk.wait()
    stopping = asyncio.ensure_future(desk.gateway.stop())
    await desk.wait(0.5)
    assert not stopping.done()
    gate.set()
    await desk.wait(0.5)
    assert (await sending).ord_status is OrdStatus.NEW
    await desk.wait(1)
    await stopping


async def test_a_profile_that_is_not_ready_takes_no_order_i11(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock)
    broker.failing["get_open_orders"] = silence()
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.until(lambda: desk.session.state.value == "degraded")
        with pytest.raises(NotReady, match="reconciliation failed"):
            await desk.place(buy())
        assert desk.sent("submit") == 0


async def test_nothing_of_ours_makes_way_for_a_wish_that_another_control_refuses(tmp_path: Path) -> None:
    limits = RiskLimits(self_match="cancel_resting", max_position_qty=Decimal(15))
    async with opened(tmp_path, limits=limits) as desk:
        resting = await desk.place(buy("10", side=Side.SELL))
        with pytest.raises(PositionSizeExceeded, match="max_position"):
            await desk.place(buy("20"))
        assert (desk.now(resting).is_open, desk.sent("cancel")) == (True, 0)
        assert (await desk.place(buy("15"))).is_open
        assert not desk.now(resting).is_open


async def test_money_that_was_freed_since_the_last_look_lets_ours_make_way_and_too_little_does_not(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOON)
    broker = Purse(clock)
    async with opened(tmp_path, broker=broker, clock=clock, limits=RiskLimits(self_match="cancel_resting")) as desk:
        resting = await desk.place(buy("10", side=Side.SELL))
        await desk.wait(30)
        broker.free = Decimal(500)
        await desk.ctx.refresh_account()
        with pytest.raises(InsufficientFunds):
            await desk.place(buy("10"))
        assert (desk.now(resting).is_open, desk.sent("cancel")) == (True, 0)
        broker.free = Decimal(100_000)
        assert (await desk.place(buy("10"))).is_open
        assert not desk.now(resting).is_open


async def test_what_a_preview_has_against_an_order_is_refused_in_the_same_words_before_it_is_kept(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOON)
    wish = replace(buy("1"), order_type=OrderType.MARKET, price=None)
    async with opened(tmp_path, broker=Strict(clock), clock=clock) as desk:
        shown = await desk.gateway.preview(wish, profile=None)
        with pytest.raises(InvalidRequest) as refused:
            await desk.place(wish)
        assert refused.value.fields == shown.objections
        assert [found.pointer for found in refused.value.fields] == ["/type", "/quantity"]
        assert str(refused.value) == "Fake takes no such order: /type: limit"
        assert (desk.sent("submit"), _kinds(desk), desk.gateway.orders()) == (0, [], [])
        rows = [e for batch in desk.journal.commits for e in batch if isinstance(e, AuditEntry)]
        assert [(row.outcome, row.reason) for row in rows if row.action == "order.submit"] == [
            ("refused", "invalid_request")
        ]
        assert "venue_rules" not in [verdict.control for verdict in shown.verdicts]  # said once, as objections
        assert (await desk.place(buy("2"))).ord_status is OrdStatus.NEW


async def test_our_own_controls_speak_before_the_rules_of_a_venue(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Strict(clock), clock=clock, limits=RiskLimits(max_order_qty=Decimal(1))) as desk:
        with pytest.raises(InvalidRequest, match="at least 2"):
            await desk.place(buy("1"))
        with pytest.raises(RiskLimitExceeded, match="max_order_qty"):
            await desk.place(replace(buy("3"), order_type=OrderType.MARKET, price=None))


async def test_a_change_is_left_to_the_venue(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Strict(clock), clock=clock) as desk:
        order = await desk.place(buy("2"))
        await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(1))), caller=CALLER)
        assert desk.sent("modify") == 1


async def test_nothing_of_ours_makes_way_for_a_wish_that_the_venue_would_refuse(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    limits = RiskLimits(self_match="cancel_resting")
    async with opened(tmp_path, broker=Strict(clock), clock=clock, limits=limits) as desk:
        resting = await desk.place(buy("10", side=Side.SELL))
        with pytest.raises(InvalidRequest, match="at least 2"):
            await desk.place(buy("1"))
        assert (desk.now(resting).is_open, desk.sent("cancel")) == (True, 0)

"""Callbacks: in order, each with a queue of its own, cut when slow, replayed from the journal, never in each other's way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.domain.errors import InvalidRequest
from floorbroker.gateway import happenings as h
from floorbroker.gateway.telling import FINISH_S
from tests.support.fake_broker import buy
from tests.support.house import CALLER, Desk, opened, stopped

pytestmark = pytest.mark.asyncio


async def _filled(desk: Desk) -> str:
    """An order of ten, filled by two executions."""
    order = await desk.place(buy())
    await desk.wait()
    desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
    await desk.wait()
    desk.broker.fill(desk.broker.of(order.cl_ord_id), "6")
    await desk.wait()
    return order.intent_id


async def test_callbacks_hear_of_an_order_s_life_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[h.Happening] = []
        desk.gateway.on("*", heard.append)
        intent = await _filled(desk)
        names = [h.name_of(type(told)) for told in heard if type(told) is not h.OrderChanged]
        assert names == [
            "order_accepted",
            "order_partially_filled",
            "fill",
            "position_changed",
            "order_filled",
            "fill",
            "position_changed",
        ]
        assert [t.seq for t in heard] == sorted(t.seq for t in heard)
        (filled,) = [told for told in heard if isinstance(told, h.OrderFilled)]
        assert (filled.order.intent_id, filled.order.cum_qty, len(filled.order.executions)) == (intent, 10, 2)


async def test_plain_and_async_callbacks_by_name_and_by_type(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        plain: list[h.OrderFilled] = []
        awaited: list[h.Fill] = []

        async def on_fill(fill: h.Fill) -> None:
            await asyncio.sleep(0)
            awaited.append(fill)

        desk.gateway.on("order_filled", plain.append)
        desk.gateway.on(h.Fill, on_fill)
        await _filled(desk)
        assert [told.order.ord_status.value for told in plain] == ["filled"]
        assert [told.execution.last_qty for told in awaited] == [4, 6]


async def test_whoever_left_hears_no_more(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[h.Happening] = []
        leave = desk.gateway.on("order_filled", heard.append)
        await _filled(desk)
        leave()
        leave()
        await desk.wait()
        assert not leave.is_open
        await _filled(desk)
        assert len(heard) == 1
        assert desk.gateway.bus.subscribers == 0


async def test_a_callback_that_raises_is_logged_and_everybody_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[h.Fill] = []
        told: list[h.Fill] = []

        def broken(fill: h.Fill) -> None:
            told.append(fill)
            raise RuntimeError("a bug of a listener")

        desk.gateway.on("fill", broken)
        desk.gateway.on("fill", heard.append)
        await _filled(desk)
        assert (len(told), len(heard)) == (2, 2)
        assert desk.log.events.count("callback.failed") == 2


async def test_a_slow_callback_is_cut_and_comes_back_without_a_loss_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        gate, cut, first, rest = asyncio.Event(), list[int](), list[h.OrderFilled](), list[h.OrderFilled]()

        async def slow(filled: h.OrderFilled) -> None:
            first.append(filled)
            await gate.wait()

        listener = desk.gateway.on("order_filled", slow, queue=20, on_cut=cut.append)
        intents = [await _filled(desk) for _ in range(6)]
        gate.set()
        await desk.wait()
        assert cut == [listener.cut_after]
        assert not listener.is_open
        desk.gateway.on("order_filled", rest.append, after=cut[0])
        await desk.wait()
        told = [told.order.intent_id for told in [*first, *rest]]
        assert sorted(set(told)) == sorted(intents)
        assert len(first) < len(intents)


async def test_the_journal_tells_what_was_told_live(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        start, live, again = desk.gateway.last_seq(), list[h.Happening](), list[h.Happening]()
        desk.gateway.on("*", live.append)
        desk.broker.next_submit.append("lose")
        await desk.place(buy())
        await desk.until(lambda: not desk.only().in_doubt)
        await _filled(desk)
        desk.gateway.on("*", again.append, after=start)
        await desk.wait()
        kinds = h.OrderHappening
        assert [_seen(t) for t in again if isinstance(t, kinds)] == [_seen(t) for t in live if isinstance(t, kinds)]
        assert {"order_unknown", "order_resolved", "order_filled"} <= {h.name_of(type(told)) for told in again}


def _seen(told: h.OrderHappening) -> tuple[str, int, str, object]:
    return h.name_of(type(told)), told.seq, told.order.ord_status.value, told.order.cum_qty


async def test_a_lost_stream_is_told_and_so_is_its_return(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[h.SessionHappening] = []
        desk.gateway.on("connection_lost", heard.append)
        desk.gateway.on("connection_up", heard.append)
        desk.broker.stream(up=False)
        desk.broker.stream(up=True)
        await desk.until(lambda: desk.session.state.value == "ready")
        await desk.wait()
        assert [h.name_of(type(told)) for told in heard] == ["connection_lost", "connection_up"]
        assert heard[0].was == "ready"


async def test_a_word_of_another_part_reaches_its_callback(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[h.Promoted] = []
        desk.gateway.on("promoted", heard.append)
        desk.gateway.telling.tell("health", "promoted", profile=desk.ctx.profile.name, key="fake", data={"why": "test"})
        await desk.wait()
        assert [(told.key, told.data["why"], told.seq) for told in heard] == [
            ("fake", "test", desk.gateway.bus.last_seq)
        ]


async def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        with pytest.raises(InvalidRequest, match="no event is called 'filled'"):
            desk.gateway.on("filled", print)
        assert desk.gateway.bus.subscribers == 0


async def test_what_waits_for_a_callback_is_heard_before_the_desk_is_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        heard: list[h.Happening] = []

        async def later(told: h.Happening) -> None:
            await desk.clock.sleep(FINISH_S / 100)
            heard.append(told)

        desk.gateway.on("order_filled", later)
        await _filled(desk)
        await stopped(desk)
        assert [h.name_of(type(told)) for told in heard] == ["order_filled"]


async def test_a_callback_that_never_ends_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        listener = desk.gateway.on("*", lambda told: asyncio.Event().wait())
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        await desk.wait()
        await stopped(desk)
        assert not listener.is_open

"""The living page, in a real browser over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import OrderClass, OrderType, PositionIntent, Price, ProfileName, Side, decimal_of
from floorbroker.gateway.desk import Caller, Preview, Verdict
from floorbroker.gateway.routing.policy import Strategy
from floorbroker.gateway.routing.record import Seen
from floorbroker.gateway.routing.shown import NO_ROUTING, ShownRule
from floorbroker.oms.schema import OrderSchema, parse_order
from tests.support.browser import Browser, browser, chromium
from tests.support.desk_server import TOKEN, desk_server
from tests.support.desk_visit import READY, Visit, visiting

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]
CHANGED = (
    "{ const s = document.querySelector('%s'); s.value = '%s'; s.dispatchEvent(new Event('change', {bubbles: true})) }"
)
NO = (
    Verdict(control="max_order_notional", ok=False, detail="too much"),
    Verdict(control="price_collar", ok=False, detail="too far"),
    Verdict(control="max_open_orders", ok=True),
)
PREVIEWED = "!document.querySelector('#preview').hidden"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Browser]:
    async with browser() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def visit(running: Browser) -> AsyncIterator[Visit]:
    async with visiting(running) as found:
        yield found


async def previewed(visit: Visit, summary: str) -> None:
    """Ask for a preview, look at it, and go back."""
    await visit.tab.run("document.querySelector('#amount').focus()")
    await visit.tab.press("Enter")
    await visit.tab.until(f"{PREVIEWED} || !document.querySelector('#outcome').hidden")
    assert (await visit.text("#outcome"), await visit.text("#summary")) == ("", summary)
    await visit.tab.press("Escape")


async def test_the_token_opens_the_overview(running: Browser) -> None:
    async with desk_server() as served, running.tab() as tab:
        await tab.command("Page.navigate", url=f"{served.origin}/orders")
        await tab.until("location.pathname === '/login' && document.querySelector('#token') !== null")
        await tab.type("#token", TOKEN)
        await tab.press("Enter")
        await tab.until(f"location.pathname === '/overview' && {READY}")
        assert tab.errors == []


async def test_enter_previews_ctrl_enter_sends_and_the_fill_appears(visit: Visit) -> None:
    await visit.fill_in("aapl", "10")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    assert await visit.text("#summary") == "BUY 10 AAPL (market, DAY) in PAPER"
    assert visit.desk.orders() == []
    await visit.tab.press("Enter")
    await visit.tab.press("Enter")
    assert visit.desk.orders() == []
    await visit.tab.press("Enter", ctrl=True)
    await visit.tab.press("Enter", ctrl=True)
    await visit.shows("#fills tbody", "189.52")
    await visit.shows("#positions tbody", "1,894.80")
    await visit.shows("[data-of=cash]", "98,104.80")
    assert len(visit.desk.orders()) == 1
    assert visit.desk.callers[0].via == "page"


async def test_escape_goes_back_and_an_edit_makes_the_preview_stale(visit: Visit) -> None:
    await visit.fill_in("AAPL", "10")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    await visit.tab.press("Escape")
    assert await visit.tab.run("document.querySelector('#preview').hidden")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    await visit.tab.type("#amount", "0")
    assert await visit.tab.run("document.querySelector('#preview').hidden")
    await visit.tab.press("Enter", ctrl=True)
    assert visit.desk.orders() == []


async def test_the_ticket_asks_for_what_the_type_needs_and_sends_no_more(visit: Visit) -> None:
    kind = "{ const s = document.querySelector('#type'); s.value = '%s'; s.dispatchEvent(new Event('change', {bubbles: true})) }"
    await visit.tab.run(kind % "limit_if_touched")
    await visit.fill_in("AAPL", "10")
    for field, number in (("#limit", "96"), ("#stop", "95"), ("#display", "2")):
        await visit.tab.run(f"document.querySelector({field!r}).value = {number!r}")
    await visit.tab.run("document.querySelector('[name=post_only]').checked = true")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    told = "BUY 10 AAPL (limit 96.00, touched at 95.00, post only, shows 2, DAY) in PAPER"
    assert await visit.text("#summary") == told
    await visit.tab.press("Escape")
    await visit.tab.run(kind % "market")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    assert await visit.text("#summary") == "BUY 10 AAPL (market, DAY) in PAPER"


async def test_candles_and_book_of_the_symbol_stand_beside_the_ticket_with_own_orders(visit: Visit) -> None:
    assert await visit.tab.run("document.querySelector('#market-shown').hidden")
    await visit.fill_in("aapl", "10")
    await visit.tab.run(CHANGED % ("#symbol", "aapl"))
    await visit.tab.until("document.querySelector('#chart').dataset.bars > 0")
    await visit.tab.until("document.querySelector('#chart canvas') !== null")
    await visit.shows("#ladder tbody", "189.52")
    await visit.shows("#ladder-state", "spread 0.04")
    await visit.place(type="limit", limit_price="150")
    await visit.tab.until("document.querySelector('#chart').dataset.orders === '1'")
    await visit.place()
    await visit.tab.until("document.querySelector('#chart').dataset.fills === '1'")
    await visit.tab.run(CHANGED % ("#symbol", "NOPE"))
    await visit.shows("#chart-told", "No candles")


async def test_exits_alone_trails_by_price_and_several_legs_are_asked_for_as_the_door_takes_them(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[OrderSchema] = []

    async def heard(order: NewOrder | OrderSchema, *, profile: ProfileName | None, caller: Caller) -> Preview:
        assert isinstance(order, OrderSchema)
        assert caller.via == "page"
        asked.append(order)
        return Preview(profile=ProfileName("paper"), verdicts=NO)

    monkeypatch.setattr(visit.desk, "preview", heard)
    await visit.fill_in("AAPL", "10")
    await visit.tab.run("document.querySelector('.sell input').click()")
    await visit.tab.run(CHANGED % ("#exits-of", "alone"))
    for field, number in (("#take", "210"), ("#lose", "180")):
        await visit.tab.run(f"document.querySelector({field!r}).value = {number!r}")
    summary = "SELL 10 AAPL (limit, one cancels the other, take profit 210.00, stop loss 180.00, DAY) in PAPER"
    await previewed(visit, summary)
    assert await visit.tab.run("[...document.querySelectorAll('#verdicts .no')].map(one => one.textContent)") == [
        "✕ max order notional: too much",
        "✕ price collar: too far",
    ]
    assert await visit.tab.run("document.querySelector('#send').disabled")
    for field in ("#take", "#lose"):
        await visit.tab.run(f"document.querySelector({field!r}).value = ''")
    await visit.tab.run(CHANGED % ("#exits-of", "after"))
    await visit.tab.run(CHANGED % ("#type", "trailing_stop"))
    await visit.tab.run(CHANGED % ("#trail-unit", "trail_price"))
    await visit.tab.run("document.querySelector('#trail').value = '1.5'")
    await previewed(visit, "SELL 10 AAPL (trailing stop, trailing 1.50, DAY) in PAPER")
    await visit.tab.run(CHANGED % ("#type", "limit"))
    await visit.tab.run("document.querySelector('#option-fields').open = true")
    await visit.tab.run("document.querySelector('#underlying').value = 'AAPL'")
    await visit.tab.run(CHANGED % ("#underlying", "AAPL"))
    await visit.tab.until("document.querySelector('#strike').options.length === 2")
    await visit.tab.run(CHANGED % ("#strike", "AAPL  260320P00150000"))
    for side in ("buy", "sell"):
        await visit.tab.run(f"document.querySelector('.{side} input').click()")
        await visit.click("#leg-add")
    assert await visit.tab.run("document.querySelector('#symbol').closest('[hidden]') !== null")
    await visit.tab.run("document.querySelector('#limit').value = '-0.5'")
    put = "1 AAPL260320P00150000 to open"
    await previewed(visit, f"10 × buy {put}, sell {put} (limit -0.50, DAY) in PAPER")
    await visit.click("#leg-list [data-leg]")
    await visit.click("#leg-list [data-leg]")
    assert await visit.tab.run("document.querySelector('#symbol').closest('[hidden]') === null")
    alone, trailing, several = asked
    assert (alone.order_class, alone.type, alone.limit_price) == (OrderClass.OCO, OrderType.LIMIT, None)
    assert (trailing.trail_price, trailing.trail_percent) == (decimal_of("1.5"), None)
    assert [(leg.side, leg.ratio_qty) for leg in several.legs] == [(Side.BUY, 1), (Side.SELL, 1)]
    assert (several.symbol, several.side, several.limit_price) == (None, None, decimal_of("-0.5"))


async def test_the_ticket_says_where_an_order_goes_and_the_preview_where_it_would(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[OrderSchema] = []

    async def heard(order: NewOrder | OrderSchema, *, profile: ProfileName | None, caller: Caller) -> Preview:
        assert isinstance(order, OrderSchema)
        assert caller.via == "page"
        asked.append(order)
        name = profile or ProfileName("paper")
        seen = Seen(profile=name, taken=True, reason="cheapest by 2 bps", arithmetic={})
        other = Seen(profile=ProfileName("spare"), taken=False, reason="it is degraded", arithmetic={})
        return Preview(profile=name, verdicts=(), seen=() if profile else (seen, other))

    rule = ShownRule(name="fast", uses=Strategy.BEST_EXECUTION, symbol="*", strategy="*", profiles=())
    monkeypatch.setattr(visit.desk, "preview", heard)
    monkeypatch.setattr(visit.desk, "routing", lambda: replace(NO_ROUTING, rules=(rule,)))
    await visit.open("/trade")
    await visit.fill_in("AAPL", "10")
    for field, word in (("#route", "fast"), ("#broker", "PAPER"), ("#place", "")):
        await visit.tab.run(CHANGED % (field, word))
    await visit.tab.run("document.querySelector('#strategy').value = 'momentum-1'")
    await visit.tab.run("document.querySelector('#amount').focus()")
    await visit.tab.press("Enter")
    await visit.shows("#verdicts", "goes to profile paper: cheapest by 2 bps")
    await visit.shows("#verdicts", "not to spare: it is degraded")
    await visit.shows("#summary", "BUY 10 AAPL (market, DAY) in PAPER by route fast at PAPER")
    await visit.tab.press("Escape")
    assert (asked[0].route, asked[0].broker, asked[0].strategy) == ("fast", "PAPER", "momentum-1")
    assert asked[0].profile is None


async def test_an_option_is_chosen_from_its_chain_and_the_preview_says_what_it_costs(visit: Visit) -> None:
    await visit.tab.run("document.querySelector('#option-fields').open = true")
    assert await visit.tab.run("document.querySelector('#effect').closest('.field').hidden")
    await visit.tab.type("#underlying", "aapl")
    await visit.tab.run(CHANGED % ("#underlying", "AAPL"))
    await visit.tab.until("document.querySelector('#strike').options.length === 2")
    assert await visit.tab.run("document.querySelector('#expiry').value") == "2026-03-20"
    await visit.tab.run(CHANGED % ("#strike", "AAPL  260320P00150000"))
    assert await visit.tab.run("document.querySelector('#symbol').value") == "AAPL260320P00150000"
    assert not await visit.tab.run("document.querySelector('#effect').closest('.field').hidden")
    await visit.tab.type("#amount", "2")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    assert await visit.text("#summary") == "BUY 2 AAPL260320P00150000 (market, to open, DAY) in PAPER"
    assert "premium 2.50 × 100 × 2 = 500.00 USD" in await visit.text("#verdicts")
    assert "buying power for options 50,000.00 USD" in await visit.text("#verdicts")
    await visit.tab.press("Enter", ctrl=True)
    await visit.shows("#fills tbody", "AAPL  260320P00150000")
    (order,) = visit.desk.orders()
    assert order.terms.position_intent is PositionIntent.BUY_TO_OPEN


async def test_a_chain_that_is_not_whole_says_so_until_it_is(visit: Visit) -> None:
    visit.desk.strikes_left = 2
    hidden = "document.querySelector('#chain-more').hidden"
    await visit.tab.run("document.querySelector('#option-fields').open = true")
    assert await visit.tab.run(hidden)
    await visit.tab.type("#underlying", "aapl")
    await visit.tab.run(CHANGED % ("#underlying", "AAPL"))
    await visit.shows("#chain-said", "1 told; 2 more strikes are listed: ask again")
    await visit.click("#chain-more")
    await visit.shows("#chain-said", "1 told; 1 more strikes are listed: ask again")
    await visit.click("#chain-more")
    await visit.shows("#chain-said", "1 listed")
    assert await visit.tab.run(hidden)


async def test_a_wrong_field_is_told_beside_itself(visit: Visit) -> None:
    await visit.fill_in("AAPL", "ten")
    await visit.tab.press("Enter")
    await visit.tab.until("document.querySelector('#amount').getAttribute('aria-invalid') === 'true'")
    assert "write it plainly" in await visit.text("#wrong-amount")


async def test_a_large_order_wants_its_symbol_typed_once_more(visit: Visit) -> None:
    visit.desk.large_above = decimal_of("5")
    await visit.fill_in("AAPL", "10")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    await visit.tab.press("Enter", ctrl=True)
    await visit.shows("#wrong-confirm", "typed once more")
    assert visit.desk.orders() == []
    await visit.tab.type("#confirm", "aapl")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    await visit.tab.press("Enter", ctrl=True)
    await visit.shows("#fills tbody", "189.52")
    await visit.tab.until("document.querySelector('#confirm-field').hidden")


async def test_what_happens_elsewhere_shows_up_and_broker_text_stays_text(visit: Visit) -> None:
    wish = parse_order({"symbol": "AAPL", "side": "sell", "type": "market", "quantity": "10"})
    visit.desk.answer_next = "reject"
    await visit.desk.submit(wish.to_order(), profile=None, caller=Caller(principal="bot", via="api"))
    await visit.shows("#orders tbody", "rejected")
    await visit.shows("#alarm", "rejected")
    assert visit.desk.venue_text in await visit.tab.run("document.querySelector('#orders tr[data-id]').title")


async def test_an_order_in_doubt_says_that_it_must_not_be_repeated(visit: Visit) -> None:
    visit.desk.answer_next = "unknown"
    await visit.fill_in("AAPL", "10")
    await visit.tab.press("Enter")
    await visit.tab.until(PREVIEWED)
    await visit.tab.press("Enter", ctrl=True)
    await visit.shows("#outcome", "do not send it again")
    await visit.shows("#orders tbody", "unknown")


async def test_the_evidence_about_a_doubt_is_shown_and_an_act_is_kept_with_its_reason(visit: Visit) -> None:
    wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"})
    visit.desk.answer_next = "unknown"
    await visit.desk.submit(wish.to_order(), profile=None, caller=Caller(principal="bot", via="api"))
    await visit.click("#order-rows [data-doubt]")
    await visit.shows("#evidence-asked", "no complete answer (timeout: no answer)")
    await visit.shows("#evidence-count", "0 of 3 complete negatives")
    await visit.tab.run(
        "const choice = document.querySelector('#evidence-action'); choice.value = 'declare_not_placed';"
        "choice.dispatchEvent(new Event('change'))"
    )
    assert await visit.tab.run("document.querySelector('#evidence-do').disabled") is True
    await visit.tab.run(
        "const act = document.querySelector('#evidence-action'); act.value = 'watch';"
        "act.dispatchEvent(new Event('change'))"
    )
    await visit.tab.type("#evidence-reason", "called the venue")
    await visit.tab.press("Enter")
    await visit.shows("#evidence-done", "watch, done (called the venue)")


async def test_a_row_is_cancelled_and_the_kill_switch_trips(visit: Visit) -> None:
    wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "limit", "limit_price": "100", "quantity": "10"})
    for _ in range(2):
        done = await visit.desk.submit(wish.to_order(), profile=None, caller=Caller(principal="bot", via="api"))
    await visit.shows("#cancel-all", "Cancel all 2")
    await visit.shows("#order-rows", f"{done.order.created_at:%m-%d %H:%M:%S}")
    await visit.click("#order-rows [data-cancel]")
    await visit.shows("#open-count", "1")
    await visit.tab.run(
        "document.querySelector('#kill-open').click(); document.querySelector('#kill-level').value = '2'"
    )
    await visit.tab.type("#kill-reason", "drill")
    await visit.tab.press("Enter")
    await visit.shows("#kill-word", "level 2")
    await visit.shows("#open-count", "0")
    assert visit.desk.kill_state().reason == "drill"


async def test_keys_reach_the_ticket_only_while_nobody_types(visit: Visit) -> None:
    await visit.tab.press("s")
    assert (
        await visit.tab.run("document.activeElement.id + document.querySelector('[name=side]:checked').value")
        == "symbolsell"
    )
    await visit.tab.press("b")
    assert await visit.tab.run("document.querySelector('#symbol').value") == "b"
    assert await visit.tab.run("document.querySelector('[name=side]:checked').value") == "sell"


async def test_a_lost_connection_is_said_and_mended(visit: Visit) -> None:
    visit.desk.ends_after_replay = True
    visit.desk.wake()
    await visit.tab.until("!document.querySelector('#lost').hidden")
    assert await visit.text("#link") == "no connection"
    visit.desk.ends_after_replay = False
    wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "3"})
    done = await visit.desk.submit(wish.to_order(), profile=None, caller=Caller(principal="bot", via="api"))
    assert done.order.avg_px == Price(decimal_of("189.52"))
    await visit.tab.until("document.querySelector('#lost').hidden")
    await visit.shows("#fills tbody", "189.52")


async def test_a_phone_scrolls_only_downwards(visit: Visit) -> None:
    await visit.tab.size(360, 740)
    assert await visit.tab.run("document.documentElement.scrollWidth <= 360")


async def test_the_ticket_says_what_the_market_asks_and_what_the_order_would_come_to(visit: Visit) -> None:
    await visit.fill_in("AAPL", "2.5")
    await visit.tab.run(CHANGED % ("#symbol", "AAPL"))
    await visit.shows("#quote", "bid 189.48 · ask 189.52 · spread 0.04 · about 473.80")
    await visit.tab.run("document.querySelector('.sell input').click()")
    await visit.shows("#quote", "about 473.70")
    await visit.tab.run(CHANGED % ("#symbol", "NOPE"))
    await visit.shows("#quote", "does not know the symbol")


async def test_numbers_look_the_same_in_the_browser(visit: Visit) -> None:
    shown = await visit.tab.run(
        "import('/static/text.js').then(t => [t.money('1234567.891'), t.money('0.005'), t.money('0.015'), t.money('-0.004'),"
        " t.gain('-12345'), t.gain('0.004'), t.price('189.5'), t.price('0.12345'), t.number('-1234.5'), t.number(null),"
        " t.times('2.5', '189.52'), t.times('-3', '0.1'), t.times('x', '1'), t.minus('0.3', '0.25'), t.minus('1', '10.5'),"
        " t.average('221.5836363636363636363636364'), t.average('189.5'), t.average('0.0000123456789'), t.average(null)])"
    )
    assert shown == [
        "1,234,567.89",
        "0.00",
        "0.02",
        "0.00",
        "▼ −12,345.00",
        "0.00",
        "189.50",
        "0.12345",
        "-1,234.5",
        "unknown",
        "473.800",
        "-0.3",
        None,
        "0.05",
        "-9.5",
        "221.5836364",
        "189.50",
        "0.000012346",
        "unknown",
    ]

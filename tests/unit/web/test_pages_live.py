"""Every page in a real browser: it lives, it is accessible in both themes and on a phone, and what it does is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from floorbroker.app.catalogue import KNOWN
from floorbroker.app.compose import BROKERS
from floorbroker.app.config import Config
from floorbroker.app.floor import Outside, vault_of
from floorbroker.app.home import Home
from floorbroker.app.profile_forms import NewProfile
from floorbroker.app.profiles import Profiles
from floorbroker.app.sources import Gathered, Origin
from floorbroker.app.trial import Tried
from floorbroker.domain.ports import Profile
from floorbroker.domain.records import Check, DataKind, Quote, SelfCheck, Trade
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrdStatus, Price, ProfileName
from floorbroker.gateway.desk import Caller, DeskEvent, ProfilePosition, SessionState
from floorbroker.web import pages
from floorbroker.web.screens import SCREENS
from tests.support.browser import Browser, browser, chromium
from tests.support.desk_visit import READY, visiting
from tests.support.fake_desk import PRICES
from tests.support.vaults import PASSPHRASE, QuickDerivation
from tests.unit.api.test_logins import ways_in, well

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]
PLAIN = [screen.path for screen in SCREENS if "{" not in screen.path]
MANY = 10_000
ASKEW = """[...document.querySelectorAll('table')].filter(table => {
  const row = [...table.tBodies].flatMap(body => [...body.rows]).find(one => one.offsetHeight && !one.querySelector('[colspan]'));
  const drawn = cells => [...cells].filter(cell => cell.offsetWidth).length;
  return row && table.tHead && drawn(table.tHead.rows[0].cells) !== drawn(row.cells);
}).map(table => table.caption?.textContent)"""
BROKEN = """[...document.querySelectorAll('dl.prices dd, .figures dd')].filter(figure =>
  figure.offsetHeight > 2.5 * parseFloat(getComputedStyle(figure).fontSize)).map(figure => figure.textContent)"""
ANEW = (
    "import('/static/live.js').then(live => new Promise(done => {"
    " document.addEventListener('desk:shown', () => done(true), {once: true}); live.changed(); }))"
)


@dataclass
class Trial:
    """A venue that knows no key, until it takes them."""

    asked: list[str] = field(default_factory=list[str])
    takes: bool = False

    async def __call__(self, profile: Profile, given: Gathered) -> Tried:
        assert given.secrets["BROKER_SECRET_KEY"].reveal() == "canary-5d1c99"
        self.asked.append(profile.name)
        return Tried(check=SelfCheck(checks=(Check(name="credentials", ok=self.takes, detail="refused"),)))


@dataclass
class Known:
    """Venues that know every key."""

    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def __call__(self, profile: Profile, given: Gathered) -> Tried:
        self.asked.append((profile.name, profile.environment.value))
        told = Check(name="connectivity", ok=True), Check(name="credentials", ok=True, detail="account PA-7")
        return Tried(check=SelfCheck(checks=told))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Browser]:
    async with browser() as found:
        yield found


async def test_every_page_is_accessible_in_both_themes_and_fits_a_phone(running: Browser) -> None:
    async with visiting(running) as visit:
        await visit.place()
        await visit.place("reject")
        await visit.place("unknown")
        resting = await visit.place(type="limit", limit_price="100")
        for path in (*PLAIN, "/symbol/AAPL", f"/orders/{resting}"):
            await visit.tab.size(1280, 900)
            await visit.open(path)
            assert await visit.findings() == [], path
            await visit.tab.size(1280, 900, dark=True)
            assert await visit.findings("color-contrast") == [], f"{path}, dark"
            await visit.tab.size(360, 740)
            assert await visit.findings("scrollable-region-focusable", "target-size") == [], f"{path}, phone"
            assert await visit.tab.run("document.documentElement.scrollWidth") <= 360, path
            assert await visit.tab.run(ASKEW) == [], f"{path}, phone: heads that do not stand over their cells"
            assert await visit.tab.run(BROKEN) == [], f"{path}, phone: figures over several lines"
            assert await visit.tab.run("document.querySelector('#kill-open').getBoundingClientRect().width") > 100
        await visit.tab.size(1280, 900)
        for dialog in ("kill-dialog", "palette", "keys-dialog", "ask-dialog", "evidence-dialog"):
            await visit.tab.run(f"document.querySelector('#{dialog}').showModal()")
            assert await visit.findings() == [], dialog
            await visit.tab.run(f"document.querySelector('#{dialog}').close()")
        await visit.tab.run("document.body.append(Object.assign(new Image(), {src: '/static/mark.svg'}))")
        assert "image-alt" in [finding.partition(" ")[0] for finding in await visit.findings()]


async def test_ten_thousand_orders_scroll_with_a_handful_of_rows_drawn(running: Browser) -> None:
    async with visiting(running, "/orders") as visit:
        await visit.place()
        await visit.shows("#order-rows tbody", "AAPL")
        order = "fetch('/api/v1/paper/orders').then(reply => reply.json()).then(page => page.items[0])"
        await visit.tab.run(
            f"Promise.all([import('/static/blotter.js'), {order}]).then(([blotter, first]) => blotter.showOrders("
            f"Array.from({{length: {MANY}}}, (_, n) => ({{...first, id: `made-${{n}}`, created_at:"
            " new Date(1767000000000 + n * 1000).toISOString()}))))"
        )
        await visit.shows("#chips [data-group=all]", str(MANY + 1))
        # Each step of the way is a frame of its own; what one costs is measured without the wait for the screen.
        spent_ms, drawn = await visit.tab.run(
            "new Promise(done => { const rows = document.querySelector('#order-rows'); const spent = []; let most = 0;"
            " const frame = () => { const began = performance.now(); rows.scrollTop += 3000;"
            " requestAnimationFrame(() => { void rows.offsetHeight; spent.push(performance.now() - began);"
            " most = Math.max(most, rows.querySelectorAll('tr[data-id]').length);"
            " spent.length < 100 ? frame() : done([spent.sort((a, b) => a - b)[50], most]); }); }; frame(); })"
        )
        assert drawn < 80
        assert spent_ms < 100  # a third of a frame at rest; a shared machine is given room
        assert await visit.tab.run("document.querySelector('#order-rows').scrollTop") > 200_000
        assert await visit.tab.run("+document.querySelector('#order-rows tr[data-id]').ariaRowIndex") > 5_000


async def test_new_rows_wait_while_the_pointer_is_on_a_row(running: Browser) -> None:
    async with visiting(running, "/orders") as visit:
        await visit.place()
        await visit.shows("#order-rows tbody", "AAPL")
        side = "document.querySelector('#order-rows tr[data-id] .c-side').getBoundingClientRect()"
        at = await visit.tab.run(f"{{ const box = {side}; [box.x + 5, box.y + 5] }}")
        await visit.tab.command("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])
        await visit.place(symbol="BTC/USD", quantity="0.1")
        await visit.shows("#blotter-news", "1 new")
        assert "BTC/USD" not in await visit.text("#order-rows tbody")
        await visit.tab.command("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
        await visit.shows("#order-rows tbody", "BTC/USD")


async def test_the_blotter_filters_and_its_keys_choose_and_cancel(running: Browser) -> None:
    async with visiting(running, "/orders") as visit:
        filled = await visit.place()
        resting = await visit.place(type="limit", limit_price="100")
        await visit.shows("#chips [data-group=open]", "1")
        await visit.click("#chips [data-group=filled]")
        await visit.tab.until("document.querySelectorAll('#order-rows tr[data-id]').length === 1")
        assert await visit.tab.run("document.querySelector('#order-rows tr[data-id]').dataset.id") == filled
        assert await visit.tab.run("new URLSearchParams(location.search).get('show')") == "filled"
        await visit.click("#chips [data-group=all]")
        await visit.tab.press("j")
        await visit.tab.until(f"document.querySelector('tr[aria-current=true]').dataset.id === '{resting}'")
        await visit.tab.press("x")
        await visit.shows(f"tr[data-id='{resting}'] .status", "canceled")
        await visit.tab.press("j")
        await visit.tab.until(f"document.querySelector('tr[aria-current=true]').dataset.id === '{filled}'")
        await visit.tab.press("Enter")
        await visit.tab.until(f"location.pathname === '/orders/{filled}' && document.querySelector('#order')")


async def test_an_order_is_changed_filled_and_seen_to_be(running: Browser) -> None:
    async with visiting(running) as visit:
        intent = await visit.place(type="limit", limit_price="100")
        await visit.open(f"/orders/{intent}")
        await visit.tab.run("document.querySelector('#change-quantity').value = ''")
        await visit.tab.type("#change-quantity", "7")
        await visit.tab.press("Enter")
        await visit.shows("#order h1", "0 / 7")
        held = visit.desk.order(intent)
        visit.desk.fill(held.intent_id, price=Price(Decimal("99.50")))
        await visit.shows("#order-status", "filled")
        await visit.shows("#steps", "99.5")
        assert visit.desk.order(intent).ord_status is OrdStatus.FILLED


async def test_the_overview_follows_fills_without_a_reload(running: Browser) -> None:
    async with visiting(running, "/overview") as visit:
        await visit.tab.run("window.untouched = true")
        await visit.place()
        await visit.shows("#fills tbody", "189.52")
        await visit.shows("#exposure", "AAPL")
        await visit.place("unknown")
        await visit.shows("#alerts", "1 order is unknown")
        assert await visit.tab.run("window.untouched")


async def test_worth_follows_prices_while_no_fact_comes(running: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SCREENS", tuple(replace(screen, pulse_ms=200) for screen in SCREENS))
    async with visiting(running, "/overview") as visit:
        await visit.place()
        await visit.shows("#exposure", "1,894.80")
        monkeypatch.setitem(PRICES, "AAPL", ("200.00", "200.04"))
        await visit.shows("#exposure", "2,000.00")


async def test_what_changed_between_the_page_and_its_stream_of_events_is_shown(running: Browser) -> None:
    async with visiting(running, "/audit") as visit:
        listen = visit.desk.events

        def late(**asked: Any) -> AsyncIterator[DeskEvent]:
            visit.desk.state[ProfileName("paper")] = SessionState.DEGRADED  # and nobody is told
            return listen(**asked)

        visit.desk.events = late
        await visit.open("/brokers")
        await visit.shows("#profile-card-paper .state", "degraded")
        await visit.shows("#standing", "degraded")


async def test_a_page_that_cannot_be_rendered_stays_and_a_session_that_is_over_leads_to_the_way_in(
    running: Browser,
) -> None:
    async with visiting(running, "/overview") as visit:
        await visit.place()
        await visit.shows("#fills tbody", "189.52")

        async def broken(profile: ProfileName | None = None) -> list[ProfilePosition]:
            raise ValueError(f"a bug about {profile}")

        sound, visit.desk.positions = visit.desk.positions, broken
        await visit.place()
        await visit.shows("#told", "the desk answered 500")
        assert "189.52" in await visit.text("#fills tbody")
        visit.desk.positions = sound
        await visit.place()
        await visit.tab.until("document.querySelector('#told').hidden")
        await visit.tab.command("Network.clearBrowserCookies")
        await visit.place()
        await visit.tab.until("location.pathname === '/login'")


async def test_a_position_is_closed_through_the_ticket(running: Browser) -> None:
    async with visiting(running, "/positions") as visit:
        await visit.place()
        await visit.shows("#positions tbody", "AAPL")
        await visit.click("#positions a[href*='side=sell']")
        await visit.tab.until(
            "document.querySelector('#symbol')?.value === 'AAPL' && document.documentElement.dataset.ready"
        )
        await visit.tab.run("document.querySelector('#amount').focus()")
        await visit.tab.press("Enter")
        await visit.tab.until("!document.querySelector('#preview').hidden")
        assert (await visit.text("#summary")).startswith("SELL 10 AAPL (market, DAY)")
        await visit.tab.press("Enter", ctrl=True)
        await visit.shows("#positions", "Nothing is held.")
        await visit.tab.until("!document.querySelector('#positions .empty').hidden")


async def test_a_profile_is_tested_stopped_and_disconnected_with_a_reason(running: Browser) -> None:
    async with visiting(running, "/brokers") as visit:
        await visit.click("[data-check=paper]")
        await visit.shows("[data-verdict=paper]", "paper is fine: connectivity passed.")
        await visit.click("[data-link=disconnect]")
        await visit.answer("the key is rotated")
        await visit.shows("#told", "paper is offline.")
        assert visit.desk.state[ProfileName("paper")] is SessionState.OFFLINE


async def test_a_broker_is_connected_by_its_own_form_and_its_secrets_leave_the_page(
    running: Browser, tmp_path: Path
) -> None:
    outside = Outside(derive=QuickDerivation())
    home = Home.at(tmp_path / "home")
    unlocking = vault_of(home, Config(), outside)
    stored = Profiles.of(home, unlocking, outside)
    stored.trial = trial = Trial()
    async with visiting(running, "/brokers", stored=stored, brokers=tuple(BROKERS.values())) as visit:
        assert await visit.text("#vault-standing") == "absent"
        for field in ("#vault-word", "#vault-again"):
            await visit.tab.type(field, PASSPHRASE.reveal())
        await visit.tab.press("Enter")
        await visit.shows("#vault-standing", "unlocked")
        await visit.open("/brokers?broker=ALPACA")
        await visit.tab.type("[data-field=BROKER_API_KEY]", "AKLIVE")
        await visit.tab.press("Enter")
        await visit.shows("#connect-form", "this is a key of environment live")
        await visit.tab.run("document.querySelector('[data-field=BROKER_API_KEY]').value = ''")
        await visit.tab.type("[data-field=BROKER_API_KEY]", "PKCANARY")
        await visit.tab.type("[data-field=BROKER_SECRET_KEY]", "canary-5d1c99")
        await visit.tab.press("Enter")
        await visit.shows("#connect-told", "alpaca-paper cannot trade: credentials, refused")
        assert await visit.tab.run("document.querySelector('[data-field=BROKER_SECRET_KEY]').value") == ""
        assert "canary" not in (await visit.tab.run("document.documentElement.outerHTML")).lower()
        await visit.tab.until("document.querySelector('[data-connection=alpaca-paper]')")
        await visit.click("[data-enable=alpaca-paper]")
        await visit.shows("#told", "alpaca-paper is switched off")
        trial.takes = True
        await visit.open("/brokers?rotate=alpaca-paper")
        await visit.tab.type("[data-field=BROKER_SECRET_KEY]", "canary-5d1c99")
        await visit.tab.press("Enter")
        await visit.shows("#connect-told", "The venue takes the new secrets of alpaca-paper")
    assert trial.asked == ["alpaca-paper", "alpaca-paper"]


async def test_the_form_of_the_vault_follows_its_standing_and_keeps_what_is_typed(
    running: Browser, tmp_path: Path
) -> None:
    outside, me = Outside(derive=QuickDerivation()), Caller(principal="operator", via="test")
    unlocking = vault_of(Home.at(tmp_path / "home"), Config(), outside)
    await unlocking.init(PASSPHRASE, caller=me)
    await unlocking.lock(caller=me)
    stored = Profiles.of(Home.at(tmp_path / "home"), unlocking, outside)
    async with visiting(running, "/brokers", stored=stored, brokers=tuple(BROKERS.values())) as visit:
        await visit.tab.run("window.kept = true")
        await visit.tab.type("#vault-word", PASSPHRASE.reveal())
        await visit.tab.run(ANEW)
        assert await visit.tab.run("document.querySelector('#vault-word').value") == PASSPHRASE.reveal()
        await visit.tab.press("Enter")
        await visit.tab.until("document.querySelector('#vault-form').dataset.standing === 'unlocked'")
        assert await visit.tab.run("document.querySelector('#vault-word')") is None
        await unlocking.lock(caller=me)  # by somebody else
        await visit.tab.run(ANEW)
        assert await visit.tab.run("document.querySelector('#vault-word').value") == ""
        assert await visit.tab.run("window.kept")  # without a reload


async def test_a_profile_of_another_environment_and_a_provider_of_data_are_made_from_the_page(
    running: Browser, tmp_path: Path
) -> None:
    outside = Outside(derive=QuickDerivation())
    unlocking = vault_of(Home.at(tmp_path / "home"), Config(), outside)
    await unlocking.init(PASSPHRASE, caller=Caller(principal="operator", via="test"))
    stored = Profiles.of(Home.at(tmp_path / "home"), unlocking, outside)
    stored.trial = known = Known()
    async with visiting(running, "/brokers?broker=ALPACA", stored=stored, brokers=tuple(KNOWN.values())) as visit:
        assert "Polygon" not in await visit.text("#connect")  # it has no paper environment
        await visit.click("#connect a[href*='for=sim']")
        await visit.tab.until(f"document.querySelector('#connect-form')?.dataset.env === 'sim' && {READY}")
        for name, word in (("API_KEY", "key"), ("SECRET_KEY", "canary-5d1c99"), ("URL", "http://127.0.0.1:9")):
            await visit.tab.type(f"[data-field=BROKER_{name}]", word)
        await visit.tab.press("Enter")
        await visit.shows("#connect-told", "alpaca-sim is fine, account PA-7: connectivity, credentials passed.")
        await visit.shows("#profile-card-alpaca-sim", "in SIM")
        await visit.click("#connect a[href*='POLYGON']")
        await visit.tab.until(f"document.querySelector('#connect-form')?.dataset.broker === 'POLYGON' && {READY}")
        await visit.tab.type("[data-field=BROKER_API_KEY]", "canary-5d1c99")
        await visit.tab.type("[data-field=BROKER_URL]", "http://127.0.0.1:8")
        await visit.tab.press("Enter")
        await visit.shows("#profile-card-polygon-sim", "no order goes there")
        await visit.click("[data-check=polygon-sim]")
        await visit.shows("[data-verdict=polygon-sim]", "polygon-sim is fine")
    assert known.asked == [("alpaca-sim", "sim"), ("polygon-sim", "sim"), ("polygon-sim", "sim")]


async def test_a_person_logs_in_at_a_venue_from_the_page(running: Browser, tmp_path: Path) -> None:
    outside = Outside(derive=QuickDerivation())
    home, me = Home.at(tmp_path / "home"), Caller(principal="operator", via="test")
    unlocking = vault_of(home, Config(), outside)
    await unlocking.init(PASSPHRASE, caller=me)
    stored = Profiles.of(home, unlocking, outside)
    stored.trial, stored.ways_in = well, ways_in
    keys = {"BROKER_API_KEY": Secret("key"), "BROKER_SECRET_KEY": Secret("secret")}
    new = NewProfile(
        name="mine", broker="UPSTOX", environment=Environment.SIM, url="http://127.0.0.1:1", fields=keys, enabled=False
    )
    await stored.add(new, caller=me)
    brokers = tuple(BROKERS.values())
    async with visiting(running, "/brokers", Environment.SIM, stored=stored, brokers=brokers) as visit:
        await visit.click("[data-login=mine]")
        await visit.tab.until("document.querySelector('[data-verdict=mine] a[href^=\"https://venue.test/\"]')")
        await visit.tab.type("[data-verdict=mine] input", "good")
        await visit.tab.press("Enter")
        await visit.shows("[data-verdict=mine]", "mine is logged in; the token is sealed.")
        assert "canary" not in (await visit.tab.run("document.documentElement.outerHTML")).lower()
    assert stored.one("mine").fields["BROKER_PASSWORD"] is Origin.VAULT


async def test_the_switch_is_tripped_and_reset_from_the_risk_page(running: Browser) -> None:
    async with visiting(running, "/risk") as visit:
        await visit.place(type="limit", limit_price="100")
        await visit.click("[data-kill='2']")
        await visit.tab.type("#kill-reason", "drill")
        await visit.tab.press("Enter")
        await visit.shows("#switch", "Level 2 since ")
        tripped = visit.desk.kill_state().at
        await visit.shows("#switch", f"Level 2 since {tripped:%Y-%m-%d %H:%M:%S} UTC")
        await visit.shows("#kill-word", "level 2")
        assert not any(order.is_open for order in visit.desk.orders())
        await visit.tab.until("document.querySelector('[data-kill=\"0\"]')")
        await visit.click("[data-kill='0']")
        await visit.tab.type("#kill-reason", "over")
        await visit.tab.press("Enter")
        await visit.shows("#switch", "Everything may trade")


async def test_live_says_so_loudly_and_is_armed_with_a_typed_word(running: Browser) -> None:
    async with visiting(running, "/risk", Environment.LIVE) as visit:
        assert await visit.text("#badge") == "LIVE"
        plain = "getComputedStyle(document.querySelector('.bar')).backgroundColor"
        assert await visit.tab.run(plain) != await visit.tab.run(
            "(document.body.className = 'desk env-paper', " + plain + ")"
        )
        await visit.click("[data-arm=paper]")
        await visit.answer("the open")
        await visit.tab.until("document.querySelector('#ask-label').textContent.includes('Type paper')")
        await visit.answer("paper")
        await visit.shows("#told", "paper is armed for an hour.")
        await visit.tab.until("document.querySelector('[data-disarm=paper]')")


async def test_a_round_is_asked_for_and_its_result_is_told(running: Browser) -> None:
    async with visiting(running, "/reconciliation") as visit:
        await visit.click("[data-reconcile=paper]")
        await visit.shows("#round-told", "paper agrees with its venue")


async def test_a_symbol_has_candles_a_ladder_and_its_own_fills(running: Browser) -> None:
    async with visiting(running) as visit:
        await visit.place()
        await visit.open("/symbol/AAPL")
        await visit.tab.until("document.querySelector('#chart').dataset.bars > 0")
        await visit.tab.until("document.querySelector('#chart canvas') !== null")
        await visit.shows("#ladder tbody", "189.52")
        await visit.shows("#prices", "189.48")
        await visit.shows("#positions tbody", "AAPL")


async def test_prices_and_trades_come_by_the_socket_and_nobody_asks_for_them(running: Browser) -> None:
    async with visiting(running, "/symbol/AAPL") as visit:
        await visit.tab.until("document.querySelector('#chart-card').dataset.prices === 'live'")
        await visit.shows("#prices", "189.48")
        asked = len(visit.tab.asked)
        now, price = visit.desk.clock.now(), Price(Decimal("190.25"))
        quote = Quote(
            symbol="AAPL", bid=price, ask=Price(Decimal("190.30")), bid_size=Decimal(1), ask_size=Decimal(1), time=now
        )
        for feed in visit.desk.feeds:
            if DataKind.QUOTES in feed.kinds:
                feed.tell(quote)
            if DataKind.TRADES in feed.kinds:
                feed.tell(Trade(symbol="AAPL", price=price, size=Decimal(7), time=now))
        await visit.shows("#prices", "190.25")
        await visit.shows("#trades", "190.25")
        assert visit.tab.asked[asked:] == []


async def test_the_palette_goes_to_pages_and_symbols_and_g_does_too(running: Browser) -> None:
    async with visiting(running, "/overview") as visit:
        await visit.tab.press("k", ctrl=True)
        await visit.tab.until("document.querySelector('#palette').open")
        await visit.tab.command("Input.insertText", text="recon")
        await visit.shows("#palette-list [aria-selected=true]", "Reconciliation")
        await visit.tab.press("Enter")
        await visit.tab.until("location.pathname === '/reconciliation' && document.documentElement.dataset.ready")
        await visit.tab.press("g")
        await visit.tab.press("a")
        await visit.tab.until("location.pathname === '/audit' && document.documentElement.dataset.ready")
        await visit.tab.press("?")
        await visit.tab.until("document.querySelector('#keys-dialog').open")


async def test_a_pinned_theme_holds_on_the_next_page(running: Browser) -> None:
    async with visiting(running, "/overview") as visit:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await visit.tab.run(ground)
        await visit.click("#theme-next")
        await visit.click("#theme-next")
        assert await visit.text("#theme-word") == "dark"
        dark = await visit.tab.run(ground)
        await visit.open("/audit")
        assert (await visit.tab.run(ground), light != dark) == (dark, True)


async def test_nothing_of_a_broker_becomes_markup(running: Browser) -> None:
    async with visiting(running, "/overview") as visit:
        visit.desk.venue_text = "<img src=x onerror=alert(1)>"
        await visit.place("reject")
        await visit.shows("#alerts tbody", "<img src=x onerror=alert(1)>")
        assert await visit.tab.run("document.querySelectorAll('#alerts img').length") == 0


@pytest.mark.parametrize("width", [1280, 1366])
async def test_the_status_of_an_options_order_stands_in_sight_beside_the_ticket(running: Browser, width: int) -> None:
    """Bites when the table is wider than its card: the button that sticks to its edge then covers the status."""
    async with visiting(running) as visit:
        await visit.tab.size(width, 900)
        await visit.place(type="limit", limit_price="100")
        await visit.shows("#order-rows tbody", "AAPL")
        made = "{...first, symbol: 'AAPL261218P00220000', ord_status: 'partially_filled', limit_price: '1234.56'}"
        order = "fetch('/api/v1/paper/orders').then(reply => reply.json()).then(page => page.items[0])"
        await visit.tab.run(
            f"Promise.all([import('/static/blotter.js'), {order}])"
            f".then(([blotter, first]) => blotter.showOrders([{made}]))"
        )
        await visit.shows("#order-rows tbody", "AAPL261218P00220000")
        rows = "document.querySelector('#order-rows')"
        assert await visit.tab.run(f"{rows}.scrollWidth - {rows}.clientWidth") <= 0
        assert await visit.tab.run(f"{rows}.querySelector('tr[data-id]').offsetHeight") == 36

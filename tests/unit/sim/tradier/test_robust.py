"""Whatever is asked, a simulated Tradier answers in its own words and stays whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.rest.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.sim.tradier.conftest import TradierAsker

NAMES = (
    "class", "symbol", "side", "quantity", "type", "duration", "price", "stop", "tag", "option_symbol", "preview", "symbols",
    "greeks", "expiration", "start", "end", "interval", "page", "limit", "month", "year", "q", "filter", "sort", "sortBy",
)  # fmt: skip
NUMBERS = (
    "0",
    "1",
    "-1",
    "NaN",
    "Infinity",
    "1e999999",
    "1e-99",
    "0.001",
    "100",
    "9" * 400,
    "²",
    "2026-03-06",
    "0001-01-01",
)
WORDS = (*info.CLASSES, *info.EQUITY_SIDES, *info.OPTION_SIDES, *info.SINGLE_TYPES, *info.NET_TYPES, *info.DURATIONS, "all",
         "tick", "5min", "weekly", "AAPL", "AAPL260320C00150000", "AAPL269999C00150000", "true", "\x00", "")  # fmt: skip
INDEXED = st.builds(lambda name, n: f"{name}[{n}]", st.sampled_from(NAMES[:10]), st.integers(0, 5))
FORMS = st.dictionaries(
    st.sampled_from(NAMES) | INDEXED,
    st.sampled_from(NUMBERS) | st.sampled_from(WORDS) | st.text(max_size=12),
    max_size=16,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), FORMS)
def test_any_form_on_any_path_has_an_answer(
    ask: TradierAsker, route: tuple[str, str, Callable[..., object]], form: dict[str, str]
) -> None:
    method, path, _ = route
    path = path.replace("{account}", ask.venue.keys.account).replace("{order}", "700001").replace("{symbol}", "AAPL")
    reply = ask.raw(method, path.replace("{list}", "mine"), form)
    assert reply.status in {200, 400, 404}
    assert ask("GET", "./balances")["balances"]["total_equity"] > 0


def test_bodies_that_are_no_forms_are_refused(ask: TradierAsker) -> None:
    for body in (b"\xff\xfe", b"%ff%fe=1", b"{}", b"&&&=&", b"class"):
        assert ask.raw("POST", "./orders", body).status == 400


def test_paths_and_methods_that_do_not_exist_say_so(ask: TradierAsker) -> None:
    assert ask.refused("GET", "/v1/nothing")[0] == 404
    assert ask.refused("DELETE", "./balances")[0] == 405
    assert ask.refused("GET", "/v1/accounts/VA0/balances")[0] == 404
    for name in ("²", "9" * 30, "-1", "x"):
        assert ask.refused("GET", f"./orders/{name}")[0] == 404

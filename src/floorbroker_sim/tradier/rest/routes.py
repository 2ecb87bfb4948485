"""Every path of the API, and who answers it."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.tradier.rest import (
    account,
    chains,
    entry,
    hours,
    markets,
    orders,
    series,
    sessions,
    watchlists,
)
from floorbroker_sim.tradier.rest.rendering import Body

Answer = Callable[..., Body]
ACCOUNT = "/v1/accounts/{account}"

# Handlers below ACCOUNT do not get its number: the venue has looked at it.
ROUTES: list[tuple[str, str, Answer]] = [
    ("GET", "/v1/user/profile", account.get_profile),
    ("GET", f"{ACCOUNT}/balances", account.get_balances),
    ("GET", f"{ACCOUNT}/positions", account.get_positions),
    ("GET", f"{ACCOUNT}/history", account.get_history),
    ("GET", f"{ACCOUNT}/gainloss", account.get_gainloss),
    ("GET", f"{ACCOUNT}/orders", orders.list_orders),
    ("POST", f"{ACCOUNT}/orders", entry.post_order),
    ("GET", f"{ACCOUNT}/orders/{{order}}", orders.get_order),
    ("PUT", f"{ACCOUNT}/orders/{{order}}", orders.put_order),
    ("DELETE", f"{ACCOUNT}/orders/{{order}}", orders.delete_order),
    ("GET", "/v1/markets/quotes", markets.get_quotes),
    ("POST", "/v1/markets/quotes", markets.get_quotes),
    ("GET", "/v1/markets/options/chains", markets.get_chain),
    ("GET", "/v1/markets/options/strikes", chains.get_strikes),
    ("GET", "/v1/markets/options/expirations", chains.get_expirations),
    ("GET", "/v1/markets/options/lookup", chains.get_lookup),
    ("GET", "/v1/markets/history", series.get_history),
    ("GET", "/v1/markets/timesales", series.get_timesales),
    ("GET", "/v1/markets/etb", markets.get_easy_to_borrow),
    ("GET", "/v1/markets/clock", hours.get_clock),
    ("GET", "/v1/markets/calendar", hours.get_calendar),
    ("GET", "/v1/markets/search", markets.get_search),
    ("GET", "/v1/markets/lookup", markets.get_symbol_lookup),
    ("POST", "/v1/markets/events/session", sessions.open_market),
    ("POST", "/v1/accounts/events/session", sessions.open_account),
    ("GET", "/v1/watchlists", watchlists.list_watchlists),
    ("POST", "/v1/watchlists", watchlists.create),
    ("GET", "/v1/watchlists/{list}", watchlists.show),
    ("PUT", "/v1/watchlists/{list}", watchlists.change),
    ("DELETE", "/v1/watchlists/{list}", watchlists.remove),
    ("POST", "/v1/watchlists/{list}/symbols", watchlists.add_symbols),
    ("DELETE", "/v1/watchlists/{list}/symbols/{symbol}", watchlists.remove_symbol),
]

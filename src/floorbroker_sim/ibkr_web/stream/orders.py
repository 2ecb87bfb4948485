"""Order topics of the brokerage session: `sor` (orders) and `str` (executions)."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.ibkr_web import info
from floorbroker_sim.ibkr_web.errors import Refused
from floorbroker_sim.ibkr_web.rest import orders
from floorbroker_sim.ibkr_web.rest.records import Execution, Record
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.stream.frames import Text, is_true, whole_in, words

_ALWAYS = ("acct", "conidex", "conid", "account", "orderId")


class OrderTopics:
    """Full rows first, and of later ones what changed."""

    def __init__(self, state: State, say: Callable[[object], None]) -> None:
        self._state = state
        self._say = say
        self._shown: dict[int, dict[str, object]] = {}
        self._filters: tuple[str, ...] = ()
        self._wants_orders = self._wants_trades = False
        self.topics: dict[str, Callable[[Text], None]] = {
            "sor": self._sor, "uor": self._uor, "str": self._str, "utr": self._utr,
        }  # fmt: skip

    def listen(self) -> None:
        self._state.listeners.orders.append(self._on_order)
        self._state.listeners.executions.append(self._on_execution)

    def leave(self) -> None:
        self._state.listeners.orders.remove(self._on_order)
        self._state.listeners.executions.remove(self._on_execution)

    def drop(self) -> None:
        """The brokerage session is over, and its subscriptions with it."""
        self._wants_orders = self._wants_trades = False
        self._shown.clear()

    def _is_open(self, topic: str) -> bool:
        if not self._state.login.authenticated:
            self._say({"topic": topic, "error": "not authenticated", "code": 401})
        return self._state.login.authenticated

    def _sor(self, text: Text) -> None:
        if not self._is_open("sor"):
            return
        try:
            self._filters = orders.filters_of(words(text.options, "filters"))
        except Refused as refused:
            self._say({"topic": "sor", "error": refused.message, "code": 400})
            return
        self._wants_orders = True
        self._shown.clear()
        found = [r for r in orders.todays(self._state) if self._passes(r)]
        if found:
            self._say({"topic": "sor", "args": [self._news(record) for record in found]})

    def _uor(self, _text: Text) -> None:
        self._wants_orders = False

    def _str(self, text: Text) -> None:
        if not self._is_open("str"):
            return
        self._wants_trades = True
        if is_true(text.options, "realtimeUpdatesOnly", "realtime_updates_only"):
            return
        days = whole_in(text.options, "days", default=1, low=1, high=info.TRADE_DAYS_MAX)
        rows = orders.executions(self._state, days=days, account=self._state.selected)
        self._say({"topic": "str", "args": rows})

    def _utr(self, _text: Text) -> None:
        self._wants_trades = False

    def _passes(self, record: Record) -> bool:
        filters = self._filters or self._state.filters
        return not filters or record.status in filters

    def _on_order(self, record: Record) -> None:
        if self._wants_orders and self._passes(record):
            self._say({"topic": "sor", "args": [self._news(record)]})

    def _on_execution(self, execution: Execution) -> None:
        if self._wants_trades:
            self._say({"topic": "str", "args": [orders.trade_row(self._state, execution)]})

    def _news(self, record: Record) -> dict[str, object]:
        """The row, or what changed of it since it was shown; `status` is said each time."""
        row = orders.row_of(self._state, record)
        before = self._shown.get(record.id)
        self._shown[record.id] = row
        if before is None:
            return row
        changed = {name: value for name, value in row.items() if before.get(name) != value}
        return {**{name: row[name] for name in (*_ALWAYS, "status")}, **changed}

"""What people do at the desk, act by act, so that it can be done again after a crash: whoever got no answer asks again.

Every submit has its own symbol and a key, so that what became of each wish can be told at both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.process.door import Answer, Door
from tests.process.nursery import TooLate
from tests.process.world import PROFILE, World

SETTLED_S = 60.0
SOON_S = 20.0
WISHES: dict[str, dict[str, str]] = {
    "AAPL": {"quantity": "10", "limit_price": "95"},  # rests, is filled in part, changed, and cancelled by the kill
    "MSFT": {"quantity": "5", "limit_price": "101"},  # fills at once
    "NVDA": {"quantity": "4", "limit_price": "96"},  # rests and is cancelled
    "TSLA": {"quantity": "3", "limit_price": "97"},  # after the kill switch was reset
}
CHANGED = "12"


@dataclass(slots=True)
class Told:
    """What the desk acknowledged, and must never take back."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])  # by symbol, the last answer
    kill_level: int = 0
    denied: list[str] = field(default_factory=list[str])

    def hear(self, symbol: str, order: dict[str, Any]) -> None:
        """Another answer about an order; remembers where it contradicts an earlier one."""
        before = self.orders.get(symbol)
        if before is not None:
            if before["id"] != order["id"]:
                self.denied.append(f"{symbol}: order {before['id']} became {order['id']}")
            elif float(order["cum_qty"]) < float(before["cum_qty"]):
                self.denied.append(f"{symbol}: filled {before['cum_qty']} became {order['cum_qty']}")
            elif before["ord_status"] in ("filled", "canceled") and order["ord_status"] != before["ord_status"]:
                self.denied.append(f"{symbol}: {before['ord_status']} became {order['ord_status']}")
        self.orders[symbol] = order


@dataclass(slots=True)
class Story:
    """Plays the acts at the life that is up; a death under an act is `Gone`, and `play` may be called again in the next life."""

    world: World
    told: Told = field(default_factory=Told)
    wants_kill: bool = True
    only_looks: bool = False

    @property
    def door(self) -> Door:
        assert self.world.door is not None
        return self.world.door

    def play(self) -> None:
        """Every act, each only as far as it is not done yet."""
        self.until_ready()
        if self.only_looks:
            self.reconcile()
            return
        self.open_switch_if_it_was_not_ours()
        for act in (self.rest, self.fill_at_once, self.change, self.fill_in_part, self.cancel, self.reconcile):
            act()
        if self.wants_kill:
            self.kill()
            self.reset()
            self.wants_kill = False
        self.submit("TSLA")

    # -- acts -----------------------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        self.submit("AAPL")

    def fill_at_once(self) -> None:
        order = self.submit("MSFT")
        if order is not None:
            self.settled("MSFT")

    def fill_in_part(self) -> None:
        """The venue fills four of the resting order, if it is there and has no fill yet."""
        order = self.settled("AAPL")
        if order is None or not order["is_open"] or order["cum_qty"] != "0":
            return
        self.world.control.ask("POST", "/fill", {"order": order["order_id"], "qty": "4", "price": "95"})
        self.wait(lambda: self.look("AAPL")["cum_qty"] == "4", "the partial fill")

    def change(self) -> None:
        order = self.settled("AAPL")
        if order is None or not order["is_open"] or order["quantity"] == CHANGED or order["cum_qty"] != "0":
            return
        self.call("PATCH", f"/orders/{order['id']}", {"quantity": CHANGED})
        self.settled("AAPL")

    def cancel(self) -> None:
        self.submit("NVDA")
        order = self.settled("NVDA")
        if order is not None and order["is_open"]:
            self.insist("DELETE", f"/orders/{order['id']}")
            self.wait(lambda: not self.look("NVDA")["is_open"], "the end of the cancelled order")

    def reconcile(self) -> None:
        """A round on demand; with everything at rest both sides agree."""
        answer = self.call("POST", f"/profiles/{PROFILE}/reconcile")
        if (
            answer.ok
            and not answer.body["error"]
            and not (answer.body["converged"] and answer.body["differences"] == [])
        ):
            self.told.denied.append(f"a round at rest found {answer.body['differences']}")

    def kill(self) -> None:
        self.switch(2, "drill")
        self.wait(lambda: not self.state()["remaining"], "the kill's cancels")
        self.wait(self._listed_after_cancels, "the kill's last look at the venue")
        self.reconcile()  # its rounds come after the look that is still being folded

    def _listed_after_cancels(self) -> bool:
        asked = [(seen["method"], seen["path"]) for seen in self.world.truth("requests")]
        last = max((place for place, (method, _) in enumerate(asked) if method == "DELETE"), default=-1)
        return ("GET", "/v2/orders") in asked[last + 1 :]

    def reset(self) -> None:
        self.switch(0, "drill over")

    def switch(self, level: int, reason: str) -> None:
        """Set the kill switch."""
        if self.insist("PUT", "/kill-switch", {"level": level, "reason": reason}):
            self.told.kill_level = level

    def insist(self, method: str, path: str, body: object = None) -> bool:
        """Ask for what may be asked for twice; whoever hears of a failure asks once more."""
        return any(self.call(method, path, body).ok for _ in range(3))

    def open_switch_if_it_was_not_ours(self) -> None:
        """After a crash in the middle of a kill or its reset: let what was asked be finished, then open the switch."""
        if self.is_blocked():
            if self.state()["level"] > 1:
                self.wait(lambda: not self.state()["remaining"], "the kill's cancels")
            self.reset()
            self.wants_kill = False

    # -- hands ----------------------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        return self.door.ask(method, f"/api/v1/sim{path}", body, **headers)

    def submit(self, symbol: str) -> dict[str, Any] | None:
        """Place a wish with its key; whoever hears of a failure asks once more.  None when it was refused."""
        wish = {"symbol": symbol, "side": "buy", "type": "limit", "time_in_force": "day", **WISHES[symbol]}
        for _ in range(3):
            self.until_ready()
            answer = self.call("POST", "/orders", wish, Idempotency_Key=f"wish-{symbol}")
            if answer.place is not None:  # also where the venue took it not: the order is stored
                self.told.hear(symbol, self.door.get(answer.place))
                return self.told.orders[symbol]
        return None

    def look(self, symbol: str) -> dict[str, Any]:
        """The order of a wish that has one, as the desk shows it now."""
        order = self.call("GET", f"/orders/{self.told.orders[symbol]['id']}").body
        self.told.hear(symbol, order)
        return order

    def settled(self, symbol: str) -> dict[str, Any] | None:
        """The order once nothing about it is in doubt or pending; None where there is none."""
        if symbol not in self.told.orders:
            return None
        self.wait(lambda: is_settled(self.look(symbol)), f"{symbol} to be settled", SETTLED_S)
        return self.told.orders[symbol]

    def state(self) -> dict[str, Any]:
        return self.call("GET", "/kill-switch").body

    def is_blocked(self) -> bool:
        state = self.state()
        return state["level"] > 0 or any(state["by_profile"].values())

    def until_ready(self) -> None:
        self.wait(lambda: self.profile()["state"] == "ready", "READY", SETTLED_S)

    def profile(self) -> dict[str, Any]:
        return self.call("GET", f"/profiles/{PROFILE}").body

    def wait(self, happened: Callable[[], bool], what: str, within_s: float = SOON_S) -> None:
        """Raises `Gone`, and `TooLate` with what the desk said last."""
        try:
            self.world.until(happened, within_s=within_s, what=what)
        except TooLate as late:
            raise TooLate(f"{late}; {_brief(self.told.orders)}; {self.profile()}; {self.state()}") from None


def _brief(orders: dict[str, dict[str, Any]]) -> str:
    members = ("ord_status", "cum_qty", "in_doubt", "pending_cancel", "pending_replace", "presumed", "evidence")
    return "; ".join(f"{symbol} { ({m: order[m] for m in members}) }" for symbol, order in orders.items())


def is_settled(order: dict[str, Any]) -> bool:
    """Whether nothing about it waits for an answer.  What is presumed not placed is decided, and still watched."""
    if order["presumed"]:
        return True
    waits = order["in_doubt"] or order["pending_replace"] or order["pending_cancel"]
    return not waits and order["ord_status"] not in ("unknown", "pending_new")

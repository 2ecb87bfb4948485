"""Market topics of the brokerage session: `smd` (prices), `smh` (bars) and `sbd` (the price ladder)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from floorbroker.domain.values import text_of
from floorbroker_sim.ibkr_web import info
from floorbroker_sim.ibkr_web.errors import Refused
from floorbroker_sim.ibkr_web.mapping import millis, price_text
from floorbroker_sim.ibkr_web.rest import marketdata
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.rest.symbols import Contract
from floorbroker_sim.ibkr_web.stream.frames import Text, is_true, text_in, words
from floorbroker_sim.market import Tick

_MOST = 100  # market data lines of an account


@dataclass(slots=True)
class Line:
    """One contract somebody watches: its fields, what was said of them, and until when."""

    contract: Contract
    fields: list[str]
    until_s: float
    said: dict[str, str] = field(default_factory=dict[str, str])
    said_s: float = 0.0


class MarketTopics:
    """Changed fields only, and no contract more often than twice a second."""

    def __init__(self, state: State, say: Callable[[object], None]) -> None:
        self._state = state
        self._say = say
        self._lines: dict[int, Line] = {}
        self._ladders: dict[str, tuple[str, Contract]] = {}  # by account: its topic and contract
        self._histories: set[str] = set()
        self.topics: dict[str, Callable[[Text], None]] = {
            "smd": self._smd, "umd": self._umd, "smh": self._smh, "umh": self._umh, "sbd": self._sbd, "ubd": self._ubd,
        }  # fmt: skip

    def listen(self) -> None:
        self._state.listeners.prices.append(self._on_price)

    def leave(self) -> None:
        self._state.listeners.prices.remove(self._on_price)

    def drop(self) -> None:
        """The brokerage session is over, and its subscriptions with it."""
        self._lines.clear()
        self._ladders.clear()
        self._histories.clear()

    def tick(self) -> None:
        """Prices that wait for their turn are told, lines that grew old end."""
        now_s = self._state.clock.monotonic()
        for conid in [conid for conid, line in self._lines.items() if now_s >= line.until_s]:
            del self._lines[conid]
        for line in self._lines.values():
            self._tell(line)

    @property
    def symbols(self) -> set[str]:
        """Canonical symbols somebody waits for here."""
        return {line.contract.symbol for line in self._lines.values()} | {c.symbol for _, c in self._ladders.values()}

    def _contract(self, topic: str, conid: str) -> Contract | None:
        """The contract of a subscription; None when it is refused, which is said."""
        reason = "not authenticated"
        if self._state.login.authenticated:
            try:
                return self._state.symbols.by_conid(int(conid) if conid.isascii() and conid.isdigit() else -1)
            except KeyError:
                reason = f"unknown contract {conid[:32]}"
        self._say({"topic": topic, "error": reason, "code": 400})
        return None

    # --- Prices -------------------------------------------------------------------------------------------------------

    def _smd(self, text: Text) -> None:
        conid = text.targets[0].partition("@")[0] if text.targets else ""
        contract = self._contract(f"smd+{conid}", conid)
        if contract is None:
            return
        if contract.conid not in self._lines and len(self._lines) >= _MOST:
            self._say({"topic": f"smd+{conid}", "error": "too many market data lines", "code": 400})
            return
        until_s = self._state.clock.monotonic() + info.STREAM_LIVES_S
        line = self._lines[contract.conid] = Line(contract, words(text.options, "fields"), until_s)
        self._tell(line, first=True)

    def _umd(self, text: Text) -> None:
        for target in text.targets:
            conid = target.partition("@")[0]
            self._lines.pop(int(conid) if conid.isascii() and conid.isdigit() else -1, None)

    def _tell(self, line: Line, *, first: bool = False) -> None:
        now_s = self._state.clock.monotonic()
        if not first and now_s - line.said_s < info.FRAMES_APART_S:
            return
        fields = marketdata.fields_of(self._state, line.contract, line.fields)
        changed = {name: value for name, value in fields.items() if line.said.get(name) != value}
        if not changed and not first:
            return
        line.said, line.said_s = fields, now_s
        conid = line.contract.conid
        self._say(
            {
                "topic": f"smd+{conid}", "conid": conid, "conidEx": str(conid), "_updated": millis(self._state.clock.now()),
                "server_id": info.MARKERS["6119"], **info.MARKERS, **changed,
            }
        )  # fmt: skip

    def _on_price(self, tick: Tick) -> None:
        named = tick.quote or tick.trade
        if named is None:
            return
        for line in self._lines.values():
            if line.contract.symbol == named.symbol:
                self._tell(line)
        for topic, contract in self._ladders.values():
            if contract.symbol == named.symbol:
                self._tell_ladder(topic, contract)

    # --- Bars ---------------------------------------------------------------------------------------------------------

    def _smh(self, text: Text) -> None:
        """One set of bars; the client says that it wants no more all the same."""
        conid = text.targets[0] if text.targets else ""
        contract = self._contract(f"smh+{conid}", conid)
        if contract is None:
            return
        try:
            bars = marketdata.bars_of(
                self._state,
                contract,
                period=text_in(text.options, "1d", "period"),
                bar=text_in(text.options, "1min", "bar"),
                end=self._state.clock.now(),
                outside=is_true(text.options, "outsideRth", "outside_rth"),
            )
        except Refused as refused:
            self._say({"topic": f"smh+{conid}", "error": refused.message, "code": refused.status})
            return
        self._histories.add(str(bars["serverId"]))
        self._say({"topic": f"smh+{conid}", **bars})

    def _umh(self, text: Text) -> None:
        for server_id in text.targets:
            if server_id in self._histories:
                self._histories.discard(server_id)
                self._say({"message": f"Unsubscribed {server_id}"})

    # --- The ladder ---------------------------------------------------------------------------------------------------

    def _sbd(self, text: Text) -> None:
        account, conid = (*text.targets, "", "")[:2]
        contract = self._contract(f"sbd+{account}+{conid}", conid)
        if contract is None:
            return
        if account not in self._state.ledgers:
            self._say({"topic": f"sbd+{account}+{conid}", "error": "Invalid account ID", "code": 400})
            return
        topic = "+".join(("sbd", *text.targets[:3]))
        self._ladders[account] = (topic, contract)
        self._tell_ladder(topic, contract)

    def _ubd(self, text: Text) -> None:
        for account in text.targets:
            self._ladders.pop(account, None)

    def _tell_ladder(self, topic: str, contract: Contract) -> None:
        """The ask above the bid; `focus` marks the row of the last price."""
        quote = self._state.market.quote(contract.symbol)
        rows: list[dict[str, object]] = []
        if quote is not None and quote.ask is not None:
            rows.append(_rung(len(rows), price_text(quote.ask), text_of(quote.ask_size or quote.ask * 0), "ask"))
        if quote is not None and quote.bid is not None:
            rows.append(_rung(len(rows), price_text(quote.bid), text_of(quote.bid_size or quote.bid * 0), "bid"))
        self._say({"topic": topic, "data": rows})


def _rung(row: int, price: str, size: str, side: str) -> dict[str, object]:
    return {"row": row, "focus": int(side == "ask"), "price": price, side: size}

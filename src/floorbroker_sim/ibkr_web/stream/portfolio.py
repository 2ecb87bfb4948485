"""Topics of the portal session: `ssd` (account summary), `sld` (ledger) and `spl` (profit and loss)."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.ibkr_web import info
from floorbroker_sim.ibkr_web.mapping import amount
from floorbroker_sim.ibkr_web.rest import accounts, portfolio
from floorbroker_sim.ibkr_web.rest.state import State
from floorbroker_sim.ibkr_web.stream.frames import Text, words

_LEDGER_NAMES = {
    "cashBalance": "cashbalance", "netLiquidationValue": "netliquidationvalue", "settledCash": "settledcash",
    "stockMarketValue": "stockmarketvalue", "stockOptionMarketValue": "stockoptionmarketvalue",
    "unrealizedPnl": "unrealizedpnl", "realizedPnl": "realizedpnl", "exchangeRate": "exchangerate",
    "acctCode": "acctcode", "secondKey": "secondkey",
}  # fmt: skip


class PortfolioTopics:
    """Told when asked for, and every ten seconds from then on."""

    def __init__(self, state: State, say: Callable[[object], None]) -> None:
        self._state = state
        self._say = say
        self._asked: dict[str, Callable[[], None]] = {}
        self._told_s = state.clock.monotonic()
        self.topics: dict[str, Callable[[Text], None]] = {
            "ssd": self._ssd, "usd": self._usd, "sld": self._sld, "uld": self._uld, "spl": self._spl, "upl": self._upl,
        }  # fmt: skip

    def tick(self) -> None:
        if self._state.clock.monotonic() - self._told_s >= info.LEDGER_EVERY_S:
            self._told_s = self._state.clock.monotonic()
            for tell in self._asked.values():
                tell()

    def _account(self, text: Text) -> str | None:
        account = text.targets[0] if text.targets else ""
        if account in self._state.ledgers:
            return account
        self._say({"topic": f"{text.topic}+{account}", "error": "Invalid account ID", "code": 400})
        return None

    def _ask(self, name: str, tell: Callable[[], None]) -> None:
        self._asked[name] = tell
        tell()

    # --- Summary ------------------------------------------------------------------------------------------------------

    def _ssd(self, text: Text) -> None:
        account = self._account(text)
        if account is not None:
            keys, fields = words(text.options, "keys"), words(text.options, "fields")
            self._ask(f"ssd+{account}", lambda: self._tell_summary(account, keys, fields))

    def _tell_summary(self, account: str, keys: list[str], fields: list[str]) -> None:
        now, at = self._state.standing(account), int(self._state.clock.now().timestamp())
        figures = {
            "NetLiquidation": now.equity, "TotalCashValue": now.cash, "AvailableFunds": now.available,
            "BuyingPower": now.buying_power, "ExcessLiquidity": now.excess, "EquityWithLoanValue": now.equity,
            "InitMarginReq": now.initial, "MaintMarginReq": now.maintenance, "GrossPositionValue": now.gross,
        }  # fmt: skip
        rows: list[dict[str, object]] = [{"key": "AccountCode", "value": account, "timestamp": at}]
        for name, value in figures.items():
            for key in (name, f"{name}-S"):
                if not keys or key in keys:
                    row: dict[str, object] = {"currency": info.CURRENCY, "monetaryValue": amount(value), "severity": 0}
                    rows.append(
                        {"key": key, "timestamp": at} | {k: v for k, v in row.items() if not fields or k in fields}
                    )
        self._say({"topic": f"ssd+{account}", "result": rows})

    def _usd(self, text: Text) -> None:
        for account in text.targets:
            self._asked.pop(f"ssd+{account}", None)
        self._say({"result": "unsubscribed from summary"})

    # --- Ledger -------------------------------------------------------------------------------------------------------

    def _sld(self, text: Text) -> None:
        account = self._account(text)
        if account is not None:
            keys, fields = words(text.options, "keys"), words(text.options, "fields")
            self._ask(f"sld+{account}", lambda: self._tell_ledger(account, keys, fields))

    def _tell_ledger(self, account: str, keys: list[str], fields: list[str]) -> None:
        rows: list[dict[str, object]] = []
        for currency in (info.CURRENCY, "BASE"):
            key, line = f"LedgerList{currency}", portfolio.ledger_line(self._state, account, currency)
            if keys and key not in keys:
                continue
            shown = {name: line[plain] for name, plain in _LEDGER_NAMES.items() if not fields or name in fields}
            rows.append({"key": key, "acctCode": account, "timestamp": line["timestamp"], **shown})
        self._say({"topic": f"sld+{account}", "result": rows})

    def _uld(self, text: Text) -> None:
        for account in text.targets:
            self._asked.pop(f"sld+{account}", None)
        self._say({"result": "unsubscribed from ledger"})

    # --- Profit and loss ----------------------------------------------------------------------------------------------

    def _spl(self, _text: Text) -> None:
        self._ask("spl", lambda: self._say({"topic": "spl", "args": accounts.pnl_of(self._state)}))

    def _upl(self, _text: Text) -> None:
        self._asked.pop("spl", None)

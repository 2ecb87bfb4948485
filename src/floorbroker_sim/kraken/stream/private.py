"""The private channels: executions and balances, each counting its messages.

https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/executions, …/balances
"""

from __future__ import annotations

from dataclasses import dataclass, field

from floorbroker.domain.values import time_text
from floorbroker_sim.kraken import info
from floorbroker_sim.kraken.info import Asset
from floorbroker_sim.kraken.mapping import execution, number, past_trade, snapshot_row
from floorbroker_sim.kraken.rest.records import LedgerLine
from floorbroker_sim.kraken.rest.state import State, Told

Message = dict[str, object]
_DETAILS = frozenset({"pending_new", "status", "iceberg_refill", "amended", "restated"})


@dataclass(slots=True)
class Numbered:
    """Messages of one subscription, numbered from one without a gap."""

    channel: str
    token: str
    sequence: int = field(default=0, init=False)

    def message(self, kind: str, data: list[object]) -> Message:
        self.sequence += 1
        return {"channel": self.channel, "type": kind, "data": data, "sequence": self.sequence}


@dataclass(slots=True, kw_only=True)
class Executions(Numbered):
    """What happens to orders.  Without `order_status` only what opens, fills and closes them."""

    snap_orders: bool = True
    snap_trades: bool = False
    order_status: bool = True
    ratecounter: bool = False

    def echo(self, state: State) -> Message:
        return {
            "channel": self.channel, "snap_orders": self.snap_orders, "snap_trades": self.snap_trades,
            "order_status": self.order_status, "ratecounter": self.ratecounter,
            "maxratecount": int(state.limits.tier.engine_max),
        }  # fmt: skip

    def snapshot(self, state: State) -> Message | None:
        if not (self.snap_orders or self.snap_trades):
            return None
        rows: list[object] = []
        if self.snap_trades:
            recent = list(state.trades.values())[-info.SNAPSHOT_TRADES :]
            rows += [past_trade(state.orders[trade.order_id], trade) for trade in reversed(recent)]
        if self.snap_orders:
            rows += [snapshot_row(record) for record in state.open.values()]
        return self.message("snapshot", rows)

    def told(self, told: Told) -> Message | None:
        if told.exec_type in _DETAILS and not self.order_status:
            return None
        return self.message("update", [execution(told.exec_type, told.record, told.at, told.trade)])


@dataclass(slots=True, kw_only=True)
class Balances(Numbered):
    """Every change of a balance, as its ledger line."""

    wants_snapshot: bool = True

    def echo(self) -> Message:
        return {"channel": self.channel, "snapshot": self.wants_snapshot}

    def snapshot(self, state: State) -> Message | None:
        if not self.wants_snapshot:
            return None
        rows: list[object] = [_balance(a, state) for a in info.ASSETS.values() if state.wallet.balances[a.name]]
        return self.message("snapshot", rows)

    def posted(self, lines: list[LedgerLine]) -> Message:
        return self.message("update", [_line(line) for line in lines])


def _balance(asset: Asset, state: State) -> Message:
    held = number(state.wallet.balances[asset.name], asset.decimals)
    wallets = [{"type": "spot", "id": "main", "balance": held}]
    return {"asset": asset.name, "asset_class": "currency", "balance": held, "wallets": wallets}


def _line(line: LedgerLine) -> Message:
    asset = line.asset
    return {
        "ledger_id": line.id, "ref_id": line.refid, "timestamp": time_text(line.at), "type": line.type, "subtype": "",
        "category": line.type, "asset": asset.name, "asset_class": "currency",
        "amount": number(line.amount, asset.decimals), "fee": number(line.fee, asset.decimals),
        "balance": number(line.balance, asset.decimals), "wallet_type": "spot", "wallet_id": "main",
    }  # fmt: skip

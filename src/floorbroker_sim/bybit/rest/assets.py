"""Coins, and balances as the asset pages of clients ask for them.  https://bybit-exchange.github.io/docs/v5/asset"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.values import text_of
from floorbroker_sim.bybit import errors, info
from floorbroker_sim.bybit.rest.reading import Query
from floorbroker_sim.bybit.rest.state import State

_ACCOUNTS = frozenset({"UNIFIED", "FUND", "SPOT", "CONTRACT"})


def coin_info(_state: State, query: Query) -> dict[str, object]:
    """Each coin on one chain of its own name; nothing can be deposited or withdrawn here."""
    asked = query.get("coin", "")
    return {"rows": [_coin(coin) for coin in info.COIN_NAMES if asked in {"", coin}]}


def _coin(coin: str) -> dict[str, object]:
    chain = "ETH" if coin == "USDT" else coin
    return {
        "name": coin, "coin": coin, "remainAmount": "10000000",
        "chains": [
            {
                "chain": chain, "chainType": chain, "confirmation": "6", "withdrawFee": "", "depositMin": "0",
                "withdrawMin": "0", "minAccuracy": "8", "chainDeposit": "0", "chainWithdraw": "0",
                "withdrawPercentageFee": "0", "contractAddress": "", "safeConfirmNumber": "6",
            }
        ],
    }  # fmt: skip


def _account(query: Query) -> str:
    account = query.get("accountType", "")
    if account not in _ACCOUNTS:
        raise errors.parameter("params error: accountType invalid")
    return account


def _balance(state: State, account: str, coin: str) -> dict[str, str]:
    is_ours = account == "UNIFIED"
    held = state.wallet.balances.get(coin, Decimal(0)) if is_ours else Decimal(0)
    free = state.wallet.free(coin) if is_ours else Decimal(0)
    return {"coin": coin, "walletBalance": text_of(held), "transferBalance": text_of(free), "bonus": ""}


def all_balances(state: State, query: Query) -> dict[str, object]:
    account = _account(query)
    asked = [coin for coin in query.get("coin", "").split(",") if coin] or list(info.COIN_NAMES)
    shown = [_balance(state, account, coin) for coin in asked if coin in info.COIN_NAMES]
    return {"memberId": "24600000", "accountType": account, "balance": shown}


def one_balance(state: State, query: Query) -> dict[str, object]:
    account, coin = _account(query), query.get("coin", "")
    if coin not in info.COIN_NAMES:
        raise errors.parameter("params error: coin invalid")
    balance = _balance(state, account, coin) | {"transferSafeAmount": "", "ltvTransferSafeAmount": ""}
    return {"accountType": account, "bizType": 1, "accountId": "24600000", "memberId": "24600000", "balance": balance}

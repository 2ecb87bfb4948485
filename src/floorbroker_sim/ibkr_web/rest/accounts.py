"""Accounts of the user inside the brokerage session, and their figures.

https://www.interactivebrokers.com/campus/ibkr-api-page/cpapi-v1/#accounts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.ibkr_web import info, wire
from floorbroker_sim.ibkr_web.mapping import amount
from floorbroker_sim.ibkr_web.rest import session
from floorbroker_sim.ibkr_web.rest.checks import account_of
from floorbroker_sim.ibkr_web.rest.money import Standing
from floorbroker_sim.ibkr_web.rest.reading import body
from floorbroker_sim.ibkr_web.rest.state import State

_Figures = Callable[[Standing], dict[str, Decimal]]
_CLASSES = ("STK", "CFD", "OPT", "FOP", "WAR", "IOPT", "FUT", "CASH", "IND", "BOND", "FUND", "CMDTY", "PHYSS", "CRYPTO")


def accounts_of(state: State) -> dict[str, object]:
    """As `/iserver/accounts` and the stream's `act` show them."""
    return {
        "accounts": state.account_ids,
        "acctProps": {account: _properties() for account in state.account_ids},
        "aliases": {account: account for account in state.account_ids},
        "allowFeatures": _features(),
        "chartPeriods": {name: ["*"] for name in _CLASSES},
        "groups": [],
        "profiles": [],
        "selectedAccount": state.selected,
        "serverInfo": session.SERVER,
        "sessionId": f"{state.login.session[:8]}.00000001",
        "isFt": False,
        "isPaper": True,
    }


def _properties() -> dict[str, bool]:
    return {
        "hasChildAccounts": False, "supportsCashQty": True, "noFXConv": False, "isProp": False, "supportsFractions": True,
        "allowCustomerTime": False,
    }  # fmt: skip


def _features() -> dict[str, object]:
    return {
        "showGFIS": True, "showEUCostReport": False, "allowEventContract": False, "allowFXConv": True,
        "allowFinancialLens": False, "allowMTA": True, "allowTypeAhead": True, "allowEventTrading": False,
        "snapshotRefreshTimeout": 30, "liteUser": False, "showWebNews": True, "research": True, "debugPnl": True,
        "showTaxOpt": True, "showImpactDashboard": True, "allowDynAccount": False, "allowCrypto": False,
        "allowedAssetTypes": "STK,OPT",
    }  # fmt: skip


def get_accounts(state: State, _request: Request) -> Reply:
    state.login.need_brokerage()
    state.login.asked.accounts = True
    return json_reply(accounts_of(state))


def select(state: State, request: Request) -> Reply:
    """Choose the account that calls without one are about."""
    state.login.need_brokerage()
    account = account_of(state, body(request, wire.Account).acct_id)
    state.selected = account
    return json_reply({"set": True, "acctId": account})


def search(state: State, _request: Request, pattern: str) -> Reply:
    """Accounts whose number holds a pattern."""
    state.login.need_brokerage()
    found = [a for a in state.account_ids if pattern.upper() in a]
    rows = [{"accountId": a, "alias": a, "allocationId": "1"} for a in found]
    return json_reply({"matchedAccounts": rows, "pattern": pattern})


def pnl(state: State, _request: Request) -> Reply:
    """Profit and loss of the selected account, by its partition."""
    state.login.need_accounts()
    return json_reply({"upnl": pnl_of(state)}, exact_numbers=True)


def pnl_of(state: State) -> dict[str, dict[str, object]]:
    """`dpl` of the day, `nl` net liquidation, `upl` unrealised, `el` excess liquidity, `mv` market value."""
    now = state.standing(state.selected)
    row: dict[str, object] = {
        "rowType": 1,
        "dpl": amount(now.equity - state.settings.cash),
        "nl": amount(now.equity),
        "upl": amount(now.unrealized),
        "uel": amount(now.excess),
        "el": amount(now.excess),
        "mv": amount(now.share_value + now.option_value),
    }
    return {f"{state.selected}.Core": row}


# --- Figures ---------------------------------------------------------------------------------------------------------


def summary(state: State, _request: Request, account: str) -> Reply:
    """Typed numbers."""
    state.login.need_brokerage()
    now = state.standing(account_of(state, account))
    cash = amount(now.cash)
    figures: dict[str, object] = {
        "accountType": "",
        "status": "",
        "balance": amount(now.equity),
        "SMA": amount(now.available),
        "buyingPower": amount(now.buying_power),
        "availableFunds": amount(now.available),
        "excessLiquidity": amount(now.excess),
        "netLiquidationValue": amount(now.equity),
        "equityWithLoanValue": amount(now.equity),
        "regTLoan": amount(max(-now.cash, Decimal(0))),
        "securitiesGVP": amount(now.gross),
        "totalCashValue": cash,
        "accruedInterest": Decimal("0.00"),
        "regTMargin": amount(now.initial),
        "initialMargin": amount(now.initial),
        "maintenanceMargin": amount(now.maintenance),
        "cashBalances": [
            {"currency": info.CURRENCY, "balance": cash, "settledCash": cash},
            {"currency": "Total (in USD)", "balance": cash, "settledCash": cash},
        ],
    }
    return json_reply(figures, exact_numbers=True)


def available_funds(state: State, _request: Request, account: str) -> Reply:
    def figures(now: Standing) -> dict[str, Decimal]:
        return {
            "current_available": now.available, "current_excess": now.excess, "overnight_available": now.available,
            "overnight_excess": now.excess, "buying_power": now.buying_power,
        }  # fmt: skip

    return _text_of(state, account, figures)


def balances(state: State, _request: Request, account: str) -> Reply:
    def figures(now: Standing) -> dict[str, Decimal]:
        return {
            "net_liquidation": now.equity, "equity_with_loan": now.equity, "sec_gross_pos_val": now.gross, "cash": now.cash,
        }  # fmt: skip

    return _text_of(state, account, figures)


def margins(state: State, _request: Request, account: str) -> Reply:
    def figures(now: Standing) -> dict[str, Decimal]:
        return {
            "current_initial": now.initial, "current_maint": now.maintenance,
            "projected_liquidity_inital_margin": now.initial, "projected_overnight_initial_margin": now.initial,
        }  # fmt: skip

    return _text_of(state, account, figures)


def market_value(state: State, _request: Request, account: str) -> Reply:
    state.login.need_brokerage()
    now = state.standing(account_of(state, account))
    shown = _texts(
        {
            "total_cash": now.cash, "settled_cash": now.cash, "stock": now.share_value, "options": now.option_value,
            "net_liquidation": now.equity, "unrealized_pnl": now.unrealized, "realized_pnl": now.realized,
        }
    )  # fmt: skip
    return json_reply({info.CURRENCY: {**shown, "Exchange Rate": "1.00"}, f"Total (in {info.CURRENCY})": shown})


def _text_of(state: State, account: str, figures: _Figures) -> Reply:
    state.login.need_brokerage()
    shown = _texts(figures(state.standing(account_of(state, account))))
    nothing = dict.fromkeys(shown, "0 USD")
    return json_reply({"total": shown, "commodities": nothing, "securities": shown})


def _texts(figures: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: f"{value:,.0f} USD" for name, value in figures.items()}

"""What is listed: contract ids, descriptions, searches and option chains."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.values import AssetClass, text_of
from floorbroker.tape import expiries, strikes
from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.errors import ambiguous, no_contract
from floorbroker_sim.ibkr.wire.contracts import Contract, Details
from floorbroker_sim.market import Market

SEC_TYPES = {AssetClass.EQUITY: "STK", AssetClass.OPTION: "OPT", AssetClass.FX: "CASH"}
_RIGHTS = {"P": "P", "PUT": "P", "C": "C", "CALL": "C"}
_HALF = Decimal("0.5")
_MOST_SAMPLES = 16


def con_id_of(symbol: str) -> int:
    """The id of a contract: the same in every run, so that clients may keep it."""
    known = info.CON_IDS.get(symbol)
    digest = blake2b(symbol.encode(), digest_size=6).digest()
    return known if known is not None else 20_000_000 + int.from_bytes(digest, "big") % 900_000_000


def sec_type_of(instrument: Instrument) -> str:
    return SEC_TYPES[instrument.asset_class]


class Catalogue:
    """Contracts by id and by description.  Symbols are canonical; `now` tells which options still live."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._symbols = {con_id_of(symbol): symbol for symbol in market.instruments}

    # --- From ids and descriptions to symbols -----------------------------------------------------------------------------

    def symbol_of(self, con_id: int) -> str:
        """Raises `Refused` (200) for an id nobody has."""
        if con_id not in self._symbols:
            for root in info.OPTION_ROOTS:
                self._symbols |= {con_id_of(symbol): symbol for symbol in self.chain(root)}
        if con_id not in self._symbols:
            raise no_contract()
        return self._symbols[con_id]

    def one(self, wanted: Contract) -> str:
        """The one contract that is meant.  Raises `Refused` (200) for none and for several."""
        found = self.find(wanted)
        if len(found) > 1:
            raise ambiguous()
        return found[0]

    def find(self, wanted: Contract) -> list[str]:
        """All contracts that fit.  Raises `Refused` (200) when there is none."""
        found = [self.symbol_of(wanted.con_id)] if wanted.con_id else list(self._described(wanted))
        found = [symbol for symbol in found if self._is_live(symbol)]
        if not found:
            raise no_contract()
        self._symbols |= {con_id_of(symbol): symbol for symbol in found}
        return found

    def _described(self, wanted: Contract) -> Iterator[str]:
        if wanted.currency not in {"", info.CURRENCY}:
            return
        if wanted.sec_type == "STK":
            symbol = wanted.symbol or wanted.local
            if symbol in self._market.instruments and sec_type_of(self._market.instruments[symbol]) == "STK":
                yield symbol
        elif wanted.sec_type == "CASH":
            pair = wanted.local.replace(".", "/") or f"{wanted.symbol}/{wanted.currency or info.CURRENCY}"
            if pair in info.CURRENCIES:
                yield pair
        elif wanted.sec_type == "OPT":
            yield from self._options(wanted)

    def _options(self, wanted: Contract) -> Iterator[str]:
        if wanted.local:
            contract = OptionContract.parse(wanted.local)
            if contract is not None and self._is_listed(contract):
                yield contract.symbol
            return
        right = _RIGHTS.get(wanted.right.upper(), "")
        root = wanted.symbol or wanted.trading_class
        if len(wanted.last_trade) == 8 and wanted.strike and right:
            exact = _option(root, wanted.last_trade, wanted.strike, right)
            if exact is not None and self._is_listed(exact):
                yield exact.symbol
            return
        for symbol in self.chain(root):
            contract = OptionContract.parse(symbol)
            if contract is not None and _fits(contract, wanted, right):
                yield symbol

    def _is_listed(self, contract: OptionContract) -> bool:
        """Any strike on half a dollar with a price: chains move with the market, contracts once sold stay."""
        if contract.root not in self._market.instruments or contract.strike <= 0 or contract.strike % _HALF:
            return False
        self._market.instrument(contract.symbol)
        return self._market.quote(contract.symbol) is not None

    def _is_live(self, symbol: str) -> bool:
        contract = OptionContract.parse(symbol)
        return contract is None or contract.expiry >= _today(self._market.at)

    def chain(self, root: str) -> list[str]:
        """Options listed on a share today; none for a share without options."""
        days, prices = self.chain_params(root)
        return [
            OptionContract(root=root, expiry=day, right=right, strike=strike).symbol
            for day in days
            for strike in prices
            for right in ("C", "P")
        ]

    def chain_params(self, root: str) -> tuple[list[date], list[Decimal]]:
        """Expiries and strikes of a share's options."""
        quote = self._market.quote(root) if root in info.OPTION_ROOTS else None
        if quote is None or quote.mid is None:
            return [], []
        return expiries(_today(self._market.at)), strikes(quote.mid)

    def samples(self, pattern: str) -> list[str]:
        """Shares and currencies whose symbol or name begins with or holds a text, best first."""
        wanted = pattern.strip().upper()
        found = [
            (not symbol.startswith(wanted), symbol)
            for symbol, instrument in self._market.instruments.items()
            if OptionContract.parse(symbol) is None and (symbol.startswith(wanted) or wanted in instrument.name.upper())
        ]
        return [symbol for _, symbol in sorted(found)[:_MOST_SAMPLES]] if wanted else []

    # --- From symbols to words --------------------------------------------------------------------------------------------

    def contract(self, symbol: str, *, exchange: str = "") -> Contract:
        """The contract as answers name it."""
        instrument = self._market.instrument(symbol)
        option, kind = OptionContract.parse(symbol), sec_type_of(instrument)
        con_id = con_id_of(symbol)
        self._symbols[con_id] = symbol
        if option is not None:
            return Contract(
                con_id=con_id, symbol=option.root, sec_type=kind, last_trade=f"{option.expiry:%Y%m%d}", strike=option.strike,
                right=option.right, multiplier=text_of(instrument.multiplier), exchange=exchange or "SMART", currency="USD",
                local=option.symbol, trading_class=option.root,
            )  # fmt: skip
        if kind == "CASH":
            base, _, quote = symbol.partition("/")
            return Contract(
                con_id=con_id, symbol=base, sec_type=kind, exchange=exchange or "IDEALPRO", currency=quote,
                local=f"{base}.{quote}", trading_class=f"{base}.{quote}",
            )  # fmt: skip
        return Contract(
            con_id=con_id, symbol=symbol, sec_type=kind, exchange=exchange or "SMART", primary=_primary(symbol),
            currency=instrument.currency, local=symbol, trading_class="NMS" if _primary(symbol) == "NASDAQ" else symbol,
        )  # fmt: skip

    def details(self, symbol: str) -> Details:
        """The long description."""
        instrument = self._market.instrument(symbol)
        contract, option = self.contract(symbol), OptionContract.parse(symbol)
        kind = contract.sec_type
        rule = str(info.RULE_OF[kind])
        exchanges = info.EXCHANGES[kind]
        hours = _hours(self._market.at, kind)
        return Details(
            contract=contract,
            market_name=contract.trading_class,
            min_tick=min(rule.tick for rule in instrument.ticks),
            order_types=info.ORDER_TYPES,
            exchanges=exchanges,
            under_con_id=0 if option is None else con_id_of(option.root),
            long_name=instrument.name.upper(),
            month="" if option is None else f"{option.expiry:%Y%m}",
            industry=("", "", ""),
            zone=info.ZONE_NAME,
            hours=hours,
            liquid_hours=hours,
            agg_group=1,
            under_symbol="" if option is None else option.root,
            under_type="" if option is None else "STK",
            rules=",".join([rule] * len(exchanges.split(","))),
            real_expiry=contract.last_trade,
            stock_type=("ETF" if symbol in info.ETFS else "COMMON") if kind == "STK" else "",
            sizes=(instrument.fraction or Decimal(1), instrument.fraction or Decimal(1), Decimal(1)),
        )


def _primary(symbol: str) -> str:
    return "ARCA" if symbol in info.ETFS else "NYSE" if symbol in info.NYSE else "NASDAQ"


def _today(at: datetime) -> date:
    return at.astimezone(info.ZONE).date()


def _option(root: str, last_trade: str, strike: Decimal, right: str) -> OptionContract | None:
    try:
        expiry = datetime.strptime(last_trade, "%Y%m%d").replace(tzinfo=info.ZONE).date()
    except ValueError:
        return None
    return OptionContract(root=root, expiry=expiry, right=right, strike=strike)


def _fits(contract: OptionContract, wanted: Contract, right: str) -> bool:
    return (
        f"{contract.expiry:%Y%m%d}".startswith(wanted.last_trade)
        and (not wanted.strike or contract.strike == wanted.strike)
        and (not right or contract.right == right)
    )


def _hours(at: datetime, kind: str) -> str:
    """Today's session as `20260302:0930-20260302:1600`; currencies trade round the clock."""
    day = f"{_today(at):%Y%m%d}"
    first, last = ("0000", "2359") if kind == "CASH" else ("0930", "1600")
    return f"{day}:{first}-{day}:{last}"

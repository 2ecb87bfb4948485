"""Risk limits of one profile, as configuration people write.  Unknown keys and impossible values are refused (I13)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import (
    AssetClass,
    Environment,
    NotExact,
    OrderType,
    Side,
    TimeInForce,
    Word,
    decimal_of,
)
from floorbroker.risk.hours import window_of


def exact(raw: object) -> object:
    """An exact number from text or a whole number, for pydantic; what is neither passes, and is refused by the type."""
    if isinstance(raw, str | int | float | Decimal):
        try:
            return decimal_of(cast("str", raw))  # which refuses a float in its own words
        except NotExact as error:
            raise ValueError(str(error)) from error
    return raw


def _window(text: str) -> str:
    window_of(text)
    return text


Amount = Annotated[Decimal, BeforeValidator(exact), Field(gt=0)]
Percent = Annotated[Decimal, BeforeValidator(exact), Field(gt=0, le=100)]
Count = Annotated[int, Field(gt=0)]
Window = Annotated[str, AfterValidator(_window)]
L = TypeVar("L", bound="SharedLimits")
UNITS = {
    "max_leverage": "times equity",
    "max_open_orders": "orders",
    "max_open_orders_symbol": "orders",
    "max_messages_s": "messages a second",
    "max_messages_min": "messages a minute",
    "max_messages_symbol_min": "messages a minute",
    "max_orders_day": "orders a day",
    "max_notional_day": "money a day",
    "max_fills_untouched": "fills a day",
    "option_level": "level",
    "reference_age_by_asset": "seconds",
    "blackouts": "UTC",
}
UNITS_BY_ENDING = {
    "_bps": "basis points",
    "_bps_by_asset": "basis points",
    "_pct": "%",
    "_qty": "units",
    "_s": "seconds",
    "_notional": "money",
    "_exposure": "money",
    "_loss_day": "money",
}


def unit_of(name: str) -> str:
    """What a limit counts in, for people; money is in the account's currency.  Empty for words and lists."""
    by_ending = (unit for ending, unit in UNITS_BY_ENDING.items() if name.endswith(ending))
    return UNITS.get(name) or next(by_ending, "")


class SharedLimits(BaseModel):
    """Limits that hold for everything in a scope together: a profile, or all of a desk, an account, strategy, token or symbol.

    Amounts are in account currency, quantities in units; None switches a limit off.  Beside a profile's own limits nothing
    is limited until it is written down.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    max_order_qty: Amount | None = None
    max_order_notional: Amount | None = None
    max_position_qty: Amount | None = None
    max_position_notional: Amount | None = None
    max_gross_exposure: Amount | None = None
    max_net_exposure: Amount | None = None
    max_leverage: Amount | None = None
    max_open_orders: Count | None = None
    max_open_orders_symbol: Count | None = None
    max_messages_s: Count | None = None
    max_messages_min: Count | None = None
    max_orders_day: Count | None = None
    max_notional_day: Amount | None = None


class RiskLimits(SharedLimits):
    """All limits of one account.  `*_bps` are hundredths of a percent, `*_pct` percent of equity, `*_s` seconds.

    None switches a limit off; in live nothing of `REQUIRED_IN_LIVE` may be None or left to a default.
    """

    allow_symbols: frozenset[str] | None = None
    deny_symbols: frozenset[str] = frozenset()
    allow_assets: frozenset[AssetClass] = frozenset(AssetClass)
    allow_sides: frozenset[Side] = frozenset(Side)
    allow_types: frozenset[OrderType] = frozenset(OrderType)
    allow_tifs: frozenset[TimeInForce] = frozenset(TimeInForce)
    allow_short: bool = True
    allow_fractional: bool = True
    option_level: int = Field(default=3, ge=0, le=4)
    instrument_age_max_s: int = Field(default=86_400, gt=0)
    trade_hours: Literal["any", "extended", "core"] = "any"
    blackouts: tuple[Window, ...] = ()
    max_order_qty: Amount | None = Decimal(1_000_000)
    max_order_notional: Amount | None = Decimal(250_000)
    confirm_above_notional: Amount | None = Decimal(100_000)
    collar_bps: Amount | None = Decimal(1_000)
    collar_bps_by_asset: Mapping[AssetClass, Amount] = Field(default_factory=dict[AssetClass, Decimal])
    collar_window_bps: Amount | None = Decimal(1_000)
    collar_window_s: int = Field(default=60, gt=0, le=3_600)
    reference_age_max_s: Amount = Decimal(5)
    reference_age_by_asset: Mapping[AssetClass, Amount] = Field(default_factory=dict[AssetClass, Decimal])
    max_position_qty: Amount | None = Decimal(1_000_000)
    max_position_notional: Amount | None = Decimal(500_000)
    max_gross_exposure: Amount | None = Decimal(1_000_000)
    max_net_exposure: Amount | None = Decimal(1_000_000)
    max_leverage: Amount | None = Decimal(4)
    max_concentration_pct: Amount | None = None
    buying_power_buffer_pct: Annotated[Decimal, BeforeValidator(exact), Field(ge=0, lt=100)] = Decimal(0)
    max_open_orders: Count | None = 200
    max_open_orders_symbol: Count | None = 100
    max_messages_s: Count | None = 50
    max_messages_min: Count | None = 600
    max_messages_symbol_min: Count | None = None
    max_orders_day: Count | None = 10_000
    max_notional_day: Amount | None = Decimal(5_000_000)
    max_loss_day_pct: Percent | None = Decimal(10)
    max_loss_day: Amount | None = None
    kill_loss_day_pct: Percent | None = None
    max_drawdown_pct: Percent | None = Decimal(20)
    kill_drawdown_pct: Percent | None = None
    max_fills_untouched: Count | None = 1_000
    self_match: Literal["refuse", "cancel_resting", "off"] = "refuse"
    duplicate_window_s: Annotated[Decimal, BeforeValidator(exact), Field(ge=0)] = Decimal(2)
    intent_age_max_s: Amount = Decimal(5)

    @property
    def watches_losses(self) -> bool:
        """Whether any limit looks at how far the account is below its day's beginning, or its best."""
        losses = (self.max_loss_day, self.max_loss_day_pct, self.kill_loss_day_pct)
        return any(limit is not None for limit in (*losses, self.max_drawdown_pct, self.kill_drawdown_pct))

    def collar_of(self, kind: AssetClass) -> Decimal | None:
        """How far beyond the market a price may be, in basis points; None switches it off for every class."""
        if not self.collar_bps_by_asset or self.collar_bps is None:
            return self.collar_bps
        return self.collar_bps_by_asset.get(kind, self.collar_bps)

    def reference_age_of(self, kind: AssetClass) -> Decimal:
        """How old a price may be that an order is measured against, in seconds."""
        return self.reference_age_by_asset.get(kind, self.reference_age_max_s)


REQUIRED_IN_LIVE = (
    "max_order_qty",
    "max_order_notional",
    "collar_bps",
    "max_position_notional",
    "max_gross_exposure",
    "max_open_orders",
    "max_messages_s",
)


def limits_of(config: Mapping[str, object], environment: Environment) -> RiskLimits:
    """Limits from configuration.  Raises `ConfigInvalid` naming the key; live must state every required limit itself."""
    limits = _checked(RiskLimits, config, "risk limit")
    if environment is Environment.LIVE:
        missing = [name for name in REQUIRED_IN_LIVE if config.get(name) is None]
        if missing:
            raise ConfigInvalid(f"live trading needs these limits set: {', '.join(missing)}")
    return limits


def shared_limits_of(config: Mapping[str, object], scope: str) -> SharedLimits:
    """The limits of a scope from configuration.  Raises `ConfigInvalid` naming scope and key."""
    return _checked(SharedLimits, config, f"risk limit of {scope}:")


def _checked(kind: type[L], config: Mapping[str, object], what: str) -> L:
    try:
        return kind.model_validate(_typed(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigInvalid(f"{what} {where}: {first['msg'].removeprefix('Value error, ')}") from None


_ENUMS: dict[str, type[Word]] = {
    "allow_assets": AssetClass,
    "allow_sides": Side,
    "allow_types": OrderType,
    "allow_tifs": TimeInForce,
    "collar_bps_by_asset": AssetClass,
    "reference_age_by_asset": AssetClass,
}
SETS = frozenset({"allow_symbols", "deny_symbols", "allow_assets", "allow_sides", "allow_types", "allow_tifs"})


def _typed(config: Mapping[str, object]) -> dict[str, object]:
    """Lists, words and tables as a TOML file has them, into the sets, enums and mappings the model wants."""
    return {name: typed_value(name, value) for name, value in config.items()}


def typed_value(name: str, value: object) -> object:
    """One limit as text and lists say it, in the types the model wants.  Raises `ConfigInvalid` for a word that is none."""
    if name in SETS and isinstance(value, list | tuple):
        words = cast("list[object]", value)
        return frozenset(_member(name, str(word)) for word in words)
    if name == "blackouts" and isinstance(value, list):
        return tuple(cast("list[object]", value))
    if name in _ENUMS and isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return {_member(name, word): amount for word, amount in table.items()}
    return value


def _member(name: str, word: str) -> object:
    kind = _ENUMS.get(name)
    if kind is None:
        return word
    try:
        return kind(word)
    except ValueError:
        raise ConfigInvalid(f"risk limit {name}: {word!r} is not one of {', '.join(m.value for m in kind)}") from None

"""Risk limits of one profile, as configuration people write.  Unknown keys and impossible values are refused (I13)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import Environment, NotExact, OrderType, Side, TimeInForce, decimal_of


def _exact(raw: object) -> object:
    if isinstance(raw, str | int | Decimal):
        try:
            return decimal_of(raw)
        except NotExact as error:
            raise ValueError(str(error)) from error
    return raw


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0)]
Share = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0)]


class RiskLimits(BaseModel):
    """All limits of one account.  Amounts are in account currency, quantities in units, `*_bps` in hundredths of a percent.

    None switches a limit off; in live nothing of `REQUIRED_IN_LIVE` may be None or left to a default.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    allow_symbols: frozenset[str] | None = None
    deny_symbols: frozenset[str] = frozenset()
    allow_sides: frozenset[Side] = frozenset(Side)
    allow_types: frozenset[OrderType] = frozenset(OrderType)
    allow_tifs: frozenset[TimeInForce] = frozenset(TimeInForce)
    allow_short: bool = True
    allow_fractional: bool = True
    option_level: int = Field(default=3, ge=0, le=4)
    instrument_age_max_s: int = Field(default=86_400, gt=0)
    max_order_qty: Amount | None = Decimal(1_000_000)
    max_order_notional: Amount | None = Decimal(250_000)
    collar_bps: Amount | None = Decimal(1_000)
    reference_age_max_s: Amount = Decimal(5)
    max_position_qty: Amount | None = Decimal(1_000_000)
    max_position_notional: Amount | None = Decimal(500_000)
    max_gross_exposure: Amount | None = Decimal(1_000_000)
    max_net_exposure: Amount | None = Decimal(1_000_000)
    max_leverage: Amount | None = Decimal(4)
    max_concentration_pct: Amount | None = None
    buying_power_buffer_pct: Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, lt=100)] = Decimal(0)
    max_open_orders: int | None = Field(default=200, gt=0)
    max_open_orders_symbol: int | None = Field(default=100, gt=0)
    max_messages_s: int | None = Field(default=50, gt=0)
    max_messages_min: int | None = Field(default=600, gt=0)
    duplicate_window_s: Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)] = Decimal(2)
    intent_age_max_s: Amount = Decimal(5)


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
    try:
        limits = RiskLimits.model_validate(_typed(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigInvalid(f"risk limit {where}: {first['msg']}") from None
    if environment is Environment.LIVE:
        missing = [name for name in REQUIRED_IN_LIVE if config.get(name) is None]
        if missing:
            raise ConfigInvalid(f"live trading needs these limits set: {', '.join(missing)}")
    return limits


_ENUMS: dict[str, type[Side | OrderType | TimeInForce]] = {
    "allow_sides": Side,
    "allow_types": OrderType,
    "allow_tifs": TimeInForce,
}


def _typed(config: Mapping[str, object]) -> dict[str, object]:
    """Lists and words as a TOML file has them, into the sets and enums the model wants."""
    typed: dict[str, object] = {}
    for name, value in config.items():
        if isinstance(value, list | tuple):
            words = [str(word) for word in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            typed[name] = frozenset(_member(name, word) for word in words)
        else:
            typed[name] = value
    return typed


def _member(name: str, word: str) -> object:
    kind = _ENUMS.get(name)
    if kind is None:
        return word
    try:
        return kind(word)
    except ValueError:
        raise ConfigInvalid(f"risk limit {name}: {word!r} is not one of {', '.join(m.value for m in kind)}") from None

"""`OrderSchema`: the only way from outside text to a `NewOrder`, and `ChangeSchema` to `OrderChanges`.

The shape is the order of the REST surface.  Models are strict: unknown members, floats and words in capitals
are refused, and each refusal names its member by JSON pointer and says what would be right.  `parse_order` and
`parse_changes` raise `InvalidRequest`; building a model by hand raises pydantic's own error with the same rules.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import OrderClass, Price, Quantity, Side, TimeInForce
from floorbroker.oms.schema_rules import LEGS_MAX, broken
from floorbroker.oms.schema_types import (
    BrokerWord,
    ClassWord,
    IntentWord,
    Label,
    Moment,
    Positive,
    ProfileWord,
    Reason,
    SideWord,
    Signed,
    Symbol,
    TifWord,
    TypeWord,
    canonical,
)

FIELDS_MAX = 20  # a request with more mistakes than this is told of the first ones
CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "enum": "not_one_of",
    "value_error": "not_valid",
    "model_type": "wrong_type",
    "model_attributes_type": "wrong_type",
    "dict_type": "wrong_type",
    "list_type": "wrong_type",
    "tuple_type": "wrong_type",
    "string_type": "wrong_type",
    "bool_type": "wrong_type",
    "int_type": "wrong_type",
    "string_too_long": "too_long",
    "string_too_short": "too_short",
    "too_long": "too_long",
    "string_pattern_mismatch": "not_valid",
    "string_unicode": "not_valid",
}
T = TypeVar("T", bound=BaseModel)
# Of text, lists and mappings with plain names this is the canonical JSON of RFC 8785, and many times as fast to write.
_SORTED = msgspec.json.Encoder(order="sorted")


def _option(symbol: str) -> str:
    if OptionContract.parse(symbol) is None:
        raise ValueError('a leg is an option, like "AAPL260320P00150000"')
    return symbol


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class TakeProfitSchema(_Strict):
    """The winning exit of a bracket, OCO or OTO."""

    limit_price: Positive = Field(description="Limit price of the exit, in quote currency.")


class StopLossSchema(_Strict):
    """The losing exit: a stop, or a stop-limit when `limit_price` is given."""

    stop_price: Positive = Field(description="Price that triggers the exit, in quote currency.")
    limit_price: Positive | None = None


class LegSchema(_Strict):
    """One leg of a multi-leg order."""

    symbol: Annotated[Symbol, AfterValidator(_option)]
    side: SideWord
    ratio_qty: Positive = Field(description="Contracts of this leg in one unit of the strategy.")
    position_intent: IntentWord | None = None


class OrderSchema(_Strict):
    """One wish to trade.  Prices are in quote currency, quantities in units; numbers are text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "10", "limit_price": "189.50"},
                {"symbol": "BTC/USD", "side": "sell", "type": "market", "quantity": "0.25", "time_in_force": "gtc"},
                {
                    "symbol": "BTC/USDT:USDT", "side": "buy", "type": "limit", "quantity": "0.5", "limit_price": "60000",
                    "time_in_force": "gtc", "post_only": True,
                },
                {
                    "symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10", "order_class": "bracket",
                    "take_profit": {"limit_price": "210"}, "stop_loss": {"stop_price": "180"},
                },
            ]
        }
    )  # fmt: skip

    symbol: Symbol | None = None
    side: SideWord | None = None
    type: TypeWord
    quantity: Positive | None = None
    notional: Positive | None = None
    limit_price: Signed | None = None
    stop_price: Positive | None = None
    trail_price: Positive | None = None
    trail_percent: Positive | None = None
    time_in_force: TifWord = TimeInForce.DAY
    expire_at: Moment | None = None
    order_class: ClassWord = OrderClass.SIMPLE
    take_profit: TakeProfitSchema | None = None
    stop_loss: StopLossSchema | None = None
    legs: Annotated[list[LegSchema], Field(max_length=LEGS_MAX)] = []
    position_intent: IntentWord | None = None
    extended_hours: bool = False
    reduce_only: bool = False
    post_only: bool = Field(default=False, description="Never take liquidity: be refused instead.")
    display_quantity: Positive | None = Field(default=None, description="How much of the quantity shows, in units.")
    profile: ProfileWord | None = None
    route: ProfileWord | None = Field(
        default=None,
        description="A route by its name, instead of the first that fits; with `profile`, one of its profiles.",
    )
    broker: BrokerWord | None = Field(default=None, description="Only profiles of this broker, by its code.")
    strategy: Label = ""
    reason: Reason = ""
    client_tag: Label = ""
    allow_duplicate: bool = False
    confirm: Label = Field(default="", description="The symbol once more, typed by a person, for a large order.")

    @model_validator(mode="after")
    def _members_agree(self) -> OrderSchema:
        found = broken(self)
        if found:
            raise PydanticCustomError("members_disagree", "{told}", {"told": _told(found), "fields": found})
        return self

    def to_order(self) -> NewOrder:
        """The wish in the language of trading.

        An OCO's own limit is its take-profit.  The symbol of a multi-leg order is the root of its first leg, and its
        side is buy unless it says otherwise (a credit is a limit below zero).
        """
        return NewOrder(
            symbol=self.symbol or self._root(),
            side=self.side or Side.BUY,
            order_type=self.type,
            order_qty=_quantity(self.quantity),
            notional=self.notional,
            price=_price(self._limit()),
            stop_px=_price(self.stop_price),
            trail_amount=_price(self.trail_price),
            trail_percent=self.trail_percent,
            tif=self.time_in_force,
            expire_at=self.expire_at,
            order_class=self.order_class,
            take_profit=None if self.take_profit is None else Price(self.take_profit.limit_price),
            stop_loss=None if self.stop_loss is None else _stop_loss(self.stop_loss),
            legs=tuple(_leg(leg) for leg in self.legs),
            position_intent=self.position_intent,
            extended_hours=self.extended_hours,
            reduce_only=self.reduce_only,
            post_only=self.post_only,
            display_qty=_quantity(self.display_quantity),
            strategy=self.strategy,
            reason=self.reason,
            client_tag=self.client_tag,
            allow_duplicate=self.allow_duplicate,
        )

    def digest(self) -> str:
        """SHA-256 of the wish: the same for `10` and `10.0`, defaults given or left out, in any order of members."""
        members = self.model_dump(exclude_defaults=True)
        return hashlib.sha256(_SORTED.encode(canonical(members))).hexdigest()

    def _limit(self) -> Decimal | None:
        if self.order_class is OrderClass.OCO and self.take_profit is not None:
            return self.take_profit.limit_price
        return self.limit_price

    def _root(self) -> str:
        contract = OptionContract.parse(self.legs[0].symbol)
        assert contract is not None
        return contract.root


class ChangeSchema(_Strict):
    """What to change about a working order; members left out stay as they are.  `quantity` is the new total."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit_price": "190.00"}, {"quantity": "5"}]})

    quantity: Positive | None = None
    limit_price: Signed | None = None
    stop_price: Positive | None = None
    trail_price: Positive | None = None
    trail_percent: Positive | None = None
    time_in_force: TifWord | None = None

    @model_validator(mode="after")
    def _something_changes(self) -> ChangeSchema:
        found: list[FieldError] = []
        if not self.model_dump(exclude_none=True):
            found.append(FieldError(pointer="", code="missing", detail="name at least one member to change"))
        if self.trail_price is not None and self.trail_percent is not None:
            detail = "give trail_price or trail_percent, not both"
            found.append(FieldError(pointer="/trail_price", code="not_allowed_here", detail=detail))
        if self.trail_percent is not None and self.trail_percent >= 100:
            detail = "write a percentage below 100"
            found.append(FieldError(pointer="/trail_percent", code="out_of_range", detail=detail))
        if self.time_in_force is TimeInForce.GTD:
            detail = 'a change carries no time of expiry: use "gtc" or "day", or cancel and place anew'
            found.append(FieldError(pointer="/time_in_force", code="not_allowed_here", detail=detail))
        if found:
            raise PydanticCustomError("members_disagree", "{told}", {"told": _told(found), "fields": tuple(found)})
        return self

    def to_changes(self) -> OrderChanges:
        """The changes in the language of trading."""
        return OrderChanges(
            order_qty=_quantity(self.quantity),
            price=_price(self.limit_price),
            stop_px=_price(self.stop_price),
            trail=self.trail_price or self.trail_percent,
            tif=self.time_in_force,
        )


def parse_order(data: object) -> OrderSchema:
    """The order that parsed JSON describes.  Raises `InvalidRequest` with one `FieldError` per wrong member."""
    return _parse(OrderSchema, data, "the order is not valid")


def parse_changes(data: object) -> ChangeSchema:
    """The changes that parsed JSON describes.  Raises `InvalidRequest` with one `FieldError` per wrong member."""
    return _parse(ChangeSchema, data, "the changes are not valid")


def _parse(model: type[T], data: object, title: str) -> T:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(model.model_fields))
        raise InvalidRequest(f"{title}: {_told(fields)}", fields=fields) from error


def field_errors(error: ValidationError, *, known: Sequence[str] = ()) -> tuple[FieldError, ...]:
    """Pydantic's findings as ours, without the input; `known` are the names an unknown one is compared with."""
    found: list[FieldError] = []
    for detail in error.errors(include_url=False, include_input=False):
        context: Mapping[str, Any] = detail.get("ctx", {})
        found += context.get("fields") or [_field_error(detail, known)]
    return tuple(dict.fromkeys(found))[:FIELDS_MAX]


def pointer_of(path: Sequence[int | str]) -> str:
    """A JSON pointer (RFC 6901), with control characters shown and long names cut."""
    parts = [str(part)[:64].encode("unicode_escape").decode("ascii") for part in path]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _field_error(detail: ErrorDetails, known: Sequence[str]) -> FieldError:
    kind, told = detail["type"], detail["msg"].removeprefix("Value error, ")
    if kind == "model_type":
        told = "write a JSON object"
    elif kind == "missing":
        told = "is required"
    elif kind in ("too_short", "string_too_short") and detail.get("ctx", {}).get("min_length") == 1:
        told = "must not be empty"
    elif kind == "extra_forbidden":
        near = difflib.get_close_matches(str(detail["loc"][-1])[:64], known, n=1)
        told = f"no such member; did you mean {near[0]!r}?" if near else "no such member; leave it out"
    return FieldError(pointer=pointer_of(detail["loc"]), code=CODES.get(kind, "not_valid"), detail=told)


def _told(fields: Sequence[FieldError]) -> str:
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return f"{first.pointer or 'the body'}: {first.detail}{more}"


def _price(value: Decimal | None) -> Price | None:
    return None if value is None else Price(value)


def _quantity(value: Decimal | None) -> Quantity | None:
    return None if value is None else Quantity(value)


def _stop_loss(stop: StopLossSchema) -> StopLoss:
    return StopLoss(stop_px=Price(stop.stop_price), price=_price(stop.limit_price))


def _leg(leg: LegSchema) -> OrderLeg:
    return OrderLeg(
        symbol=leg.symbol, side=leg.side, ratio_qty=Quantity(leg.ratio_qty), position_intent=leg.position_intent
    )


__all__ = [
    "ChangeSchema", "LegSchema", "OrderSchema", "StopLossSchema", "TakeProfitSchema",
    "field_errors", "parse_changes", "parse_order", "pointer_of",
]  # fmt: skip

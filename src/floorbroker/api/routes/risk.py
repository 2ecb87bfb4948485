"""Risk: exposure of accounts and of the desk, the limits in force and their changes, and strategies that were switched off."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DeskDep, NoQuery, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import ACTING, VENUE, WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.params import RiskQuery
from floorbroker.api.views.risk import LimitsView, RiskView, StrategyView, limits_view, risk_view, strategy_view
from floorbroker.domain.errors import InvalidRequest
from floorbroker.gateway.limiting import Wanted
from floorbroker.oms.schema import field_errors
from floorbroker.oms.schema_types import Reason

router = APIRouter(prefix="/{env}/risk", tags=["Risk"])
VERSION = {"ETag": "The version of the limits."}
IfMatch = Annotated[str | None, Header(max_length=40, description="Acts only when the limits are this version.")]
StrategyName = Annotated[str, Path(min_length=1, max_length=64, description="The strategy's name.")]


class LimitSchema(BaseModel):
    """Change one limit of one scope.  A raise wants a reason, and `confirm`: the limit's name once more, typed by a person.

    `value` is text, a number, a list, or null to switch the limit off.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {"scope": "strategy:momentum-1", "name": "max_order_notional", "value": "5000", "reason": "new"}
            ]
        },
    )

    scope: Annotated[str, Field(min_length=1, max_length=128)]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    value: Any = None
    reason: Reason = ""
    confirm: Annotated[str, Field(max_length=64)] = ""


class StrategySchema(BaseModel):
    """Switch a strategy on or off.  Switching it on is the human touch that begins its count anew."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"on": True, "reason": "looked at its fills"}]},
    )

    on: bool
    reason: Annotated[Reason, Field(min_length=1)]


def _parsed(kind: Any, data: object) -> Any:
    """Raises `InvalidRequest` naming each wrong member."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        fields = field_errors(error, known=tuple(kind.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from error


@router.get("", operation_id="get_risk", responses=returns(RiskView, "Exposure.") | problems(*VENUE))
async def get_risk(desk: DeskDep, query: Annotated[RiskQuery, Query()]) -> Response:
    """Exposure, leverage, concentration and loss of one profile, or of all together; with `history`, value at risk."""
    return reply(risk_view(await desk.guard.report(query.name, with_history=query.history)))


@router.get(
    "/limits",
    operation_id="list_limits",
    dependencies=[NoQuery],
    responses=returns(LimitsView, "Every limit in force.", headers=VERSION) | problems(),
)
async def list_limits(desk: DeskDep) -> Response:
    """The limits of every scope, how much of each is used, and where it comes from."""
    return _limits_reply(desk)


def _limits_reply(desk: DeskDep) -> Response:
    return reply(limits_view(desk.guard), headers={"ETag": f'"{desk.guard.limits.version}"'})


@router.patch(
    "/limits",
    operation_id="set_limit",
    dependencies=[NoQuery],
    responses=returns(LimitsView, "Every limit after it.", headers=VERSION) | problems(*WITH_BODY, *ACTING, 412, 503),
    openapi_extra=reads(LimitSchema),
)
async def set_limit(request: Request, desk: DeskDep, caller: CallerDep, if_match: IfMatch = None) -> Response:
    """Change one limit.  Lowering holds at once; a raise holds when it is durable, and never for what was decided before."""
    wish: LimitSchema = _parsed(LimitSchema, await read_json(request))
    if if_match is not None and if_match.strip() not in ("*", f'"{desk.guard.limits.version}"'):
        raise HTTPException(412, f"the limits are version {desk.guard.limits.version} by now: read them again")
    wanted = Wanted(scope=wish.scope, name=wish.name, value=wish.value, reason=wish.reason, confirm=wish.confirm)
    await desk.guard.set_limit(wanted, caller=caller)
    return _limits_reply(desk)


@router.get(
    "/strategies",
    operation_id="list_strategy_states",
    dependencies=[NoQuery],
    responses=returns_list(StrategyView, "Strategies.") | problems(),
)
async def list_strategy_states(request: Request, desk: DeskDep) -> Response:
    """Strategies that filled today or were ever switched, and which are off."""
    return list_reply(request, [strategy_view(state) for state in desk.guard.risk.strategies.states()], None)


@router.put(
    "/strategies/{name}",
    operation_id="switch_strategy",
    dependencies=[NoQuery],
    responses=returns(StrategyView, "The strategy after it.") | problems(*WITH_BODY, *ACTING, 503),
    openapi_extra=reads(StrategySchema),
)
async def switch_strategy(request: Request, desk: DeskDep, caller: CallerDep, name: StrategyName) -> Response:
    """Switch a strategy on or off, durably."""
    wish: StrategySchema = _parsed(StrategySchema, await read_json(request))
    state = await desk.guard.switch(name, on=wish.on, caller=caller, reason=wish.reason)
    return reply(strategy_view(state))

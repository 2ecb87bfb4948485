"""Webhooks of an environment: signals that come in, events that go out; and the people who are alerted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import ConfigDict, Field, SecretStr, StringConstraints
from starlette.exceptions import HTTPException

from floorbroker.api.door import CallerDep, DoorDep, IdentityDep, NoQuery, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.params import LogQuery
from floorbroker.api.views.hooks import (
    AttemptView,
    DeliveryView,
    NotificationView,
    SignalView,
    WebhookView,
    delivery_view,
    hook_view,
    notification_view,
    signal_view,
    target_view,
)
from floorbroker.api.views.previews import ValidationView, validation_view
from floorbroker.api.wishes import Wish, secret_of, wish_of
from floorbroker.app.hooks import Hooks, NewHook, NewTarget
from floorbroker.domain.errors import FieldError, Forbidden, InvalidRequest, NotFound
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.hooks.records import REPLAY_MAX_S, Auth, Hook, Kind, Target
from floorbroker.hooks.retries import Attempt
from floorbroker.hooks.template import DEFAULT
from floorbroker.oms.schema_types import Positive, ProfileWord

router = APIRouter(prefix="/{env}/webhooks", tags=["Webhooks"])
notifications = APIRouter(prefix="/notifications", tags=["Notifications"])
Env = Annotated[Environment, Path(description="The environment.")]
Id = Annotated[str, Path(max_length=64, description="The id, or the name.")]
IfMatch = Annotated[str | None, Header(max_length=40, description="The version that is meant; required to change it.")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Words = dict[Annotated[str, Field(max_length=256)], Annotated[str, Field(max_length=256)]]
EventNames = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)]
UrlText = Annotated[SecretStr, Field(min_length=1, max_length=2048)]
Environments = Annotated[list[Literal["sim", "paper", "live"]], Field(max_length=3)]
QUIET = "Quiet hours, like 22:00-07:00 Europe/Berlin; what is urgent passes them."


class WebhookAddSchema(Wish):
    """Direction `in` wants a `profile`, direction `out` a `url`; the members of the other direction are refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "tradingview", "direction": "in", "profile": "paper", "max_quantity": "10"},
                {"name": "ledger", "direction": "out", "url": "https://ledger.example/desk", "events": ["fill"]},
            ]
        }
    )

    name: Name
    direction: Literal["in", "out"]
    profile: ProfileWord | None = None
    strategy: Annotated[str, Field(max_length=64)] = ""
    auth: Literal["secret", "hmac"] | None = Field(
        default=None, description="How senders show that they may; `secret`."
    )
    template: Words | None = Field(default=None, description="Members of an order, from $members of a signal.")
    words: Words | None = Field(default=None, description="A sender's words and ours.")
    symbols: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=100)] | None = None
    max_quantity: Positive | None = None
    max_notional: Positive | None = None
    per_minute: Annotated[int, Field(ge=1, le=600)] | None = None
    replay_s: Annotated[int, Field(ge=60, le=REPLAY_MAX_S)] | None = None
    url: UrlText | None = None
    events: EventNames | None = None


class SwitchSchema(Wish):
    """Switch it on or off."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    enabled: bool


class WebhookTestSchema(Wish):
    """Direction `in`: a sample `body`, as the sender would send it.  Nothing is sent or kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"body": "symbol=AAPL side=buy quantity=1"}]})

    body: Annotated[str, Field(max_length=32_768)] = ""


class NotificationAddSchema(Wish):
    """`url` is an Apprise URL, a secret.  Without `environments` it is every one that runs here."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "phone", "url": "ntfy://ntfy.sh/my-desk"}]})

    name: Name
    url: UrlText
    environments: Environments = Field(default_factory=list[Literal["sim", "paper", "live"]])
    events: EventNames = Field(default_factory=list[str])
    quiet: Annotated[str, Field(max_length=80, description=QUIET)] = ""
    group_s: Annotated[int, Field(ge=0, le=3600)] = 0


SCHEMAS = (WebhookAddSchema, SwitchSchema, WebhookTestSchema, NotificationAddSchema)
_IN = (
    "profile",
    "strategy",
    "auth",
    "template",
    "words",
    "symbols",
    "max_quantity",
    "max_notional",
    "per_minute",
    "replay_s",
)
_OUT = ("url", "events")


async def hooks_of(door: DoorDep) -> Hooks:
    """Raises `NotFound` where the door was opened without them."""
    if door.hooks is None:
        raise NotFound("this door knows no webhooks")
    return door.hooks


HooksDep = Annotated[Hooks, Depends(hooks_of)]


async def either_of(hooks: HooksDep, env: Env, id: Id) -> Hook | Target:
    """The webhook in the path, of whichever direction.  Raises `NotFound`."""
    try:
        return await hooks.hook(env, id)
    except NotFound:
        return await hooks.target(Kind.WEBHOOK, id, env)


EitherDep = Annotated[Hook | Target, Depends(either_of)]


def _view(found: Hook | Target, secret: str | None = None) -> WebhookView:
    return hook_view(found, secret) if isinstance(found, Hook) else target_view(found, secret)


def _tagged(found: Hook | Target, view: WebhookView | NotificationView, status: int = 200) -> Response:
    return reply(view, status=status, headers={"ETag": f'"{found.version}"'})


def _version(if_match: str | None, found: Hook | Target) -> int:
    """The version that a change is meant for.  Raises `HTTPException` (412) without one, and for another than there is."""
    bare = (if_match or "").strip().removeprefix("W/").strip('"')
    if bare != str(found.version):
        detail = (
            f'it is version {found.version} now: read it, and send If-Match: "{found.version}" if you still mean it'
        )
        raise HTTPException(412, detail)
    return found.version


# -- webhooks -------------------------------------------------------------------------------------------------------------


@router.get(
    "",
    operation_id="list_webhooks",
    dependencies=[NoQuery],
    responses=returns_list(WebhookView, "Both directions, by name.") | problems(),
)
async def list_webhooks(request: Request, hooks: HooksDep, env: Env) -> Response:
    """Every webhook of the environment; no secret is among it."""
    found = [*await hooks.hooks(env), *await hooks.targets(Kind.WEBHOOK, env)]
    return list_reply(request, [_view(one) for one in found], None)


@router.post(
    "",
    operation_id="add_webhook",
    dependencies=[NoQuery],
    status_code=201,
    responses=returns(WebhookView, "The webhook, with its secret, this once.", status=201)
    | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(WebhookAddSchema),
)
async def add_webhook(request: Request, hooks: HooksDep, env: Env, caller: CallerDep) -> Response:
    """Make an address for signals, or a URL that is told of events."""
    wish = await wish_of(request, WebhookAddSchema)
    _of_one_direction(wish)
    if wish.direction == "in":
        hook, secret = await hooks.add_hook(env, _new_hook(wish), caller=caller)
        return _tagged(hook, hook_view(hook, secret), 201)
    events = tuple(wish.events or ())
    new = NewTarget(name=wish.name, kind=Kind.WEBHOOK, url=secret_of(wish.url), environments=(env,), events=events)
    target, signing = await hooks.add_target(new, caller=caller)
    return _tagged(target, target_view(target, signing), 201)


def _of_one_direction(wish: WebhookAddSchema) -> None:
    needed, strange = ("profile", _OUT) if wish.direction == "in" else ("url", _IN)
    given = wish.model_fields_set
    if needed not in given or getattr(wish, needed) is None:
        raise _wrong(f"/{needed}", "missing", f"direction {wish.direction} wants a {needed}")
    if odd := [name for name in strange if name in given]:
        raise _wrong(f"/{odd[0]}", "unknown_field", f"{odd[0]} means nothing for direction {wish.direction}")


def _new_hook(wish: WebhookAddSchema) -> NewHook:
    return NewHook(
        name=wish.name,
        profile=ProfileName(wish.profile or ""),
        strategy=wish.strategy,
        auth=Auth(wish.auth or "secret"),
        template=DEFAULT if wish.template is None else wish.template,
        words=wish.words or {},
        symbols=tuple(wish.symbols or ()),
        max_quantity=wish.max_quantity,
        max_notional=wish.max_notional,
        per_minute=wish.per_minute or 30,
        replay_s=wish.replay_s or 60,
    )


@router.get(
    "/{id}",
    operation_id="get_webhook",
    dependencies=[NoQuery],
    responses=returns(WebhookView, "The webhook.", headers={"ETag": "Its version."}) | problems(),
)
async def get_webhook(found: EitherDep) -> Response:
    """One webhook; no secret is among it."""
    return _tagged(found, _view(found))


@router.patch(
    "/{id}",
    operation_id="switch_webhook",
    dependencies=[NoQuery],
    responses=returns(WebhookView, "The webhook after it.", headers={"ETag": "Its version."})
    | problems(*WITH_BODY, 409, 412, 503),
    openapi_extra=reads(SwitchSchema),
)
async def switch_webhook(
    request: Request, hooks: HooksDep, found: EitherDep, caller: CallerDep, if_match: IfMatch = None
) -> Response:
    """Switch it on or off."""
    wish, version = await wish_of(request, SwitchSchema), _version(if_match, found)
    if isinstance(found, Hook):
        changed: Hook | Target = await hooks.switch_hook(found, enabled=wish.enabled, version=version, caller=caller)
    else:
        changed = await hooks.switch_target(found, enabled=wish.enabled, version=version, caller=caller)
    return _tagged(changed, _view(changed))


@router.delete(
    "/{id}",
    operation_id="remove_webhook",
    dependencies=[NoQuery],
    status_code=204,
    responses=problems(409, 503),
)
async def remove_webhook(hooks: HooksDep, found: EitherDep, caller: CallerDep) -> Response:
    """Take it out, with its log.  Orders that it led to stay what they are."""
    if isinstance(found, Hook):
        await hooks.remove_hook(found, caller=caller)
    else:
        await hooks.remove_target(found, caller=caller)
    return Response(status_code=204)


class WebhookTestView(AttemptView, frozen=True):
    """Direction `in`: the `order` that the sample asks for and what would stand against it.  Direction `out`: the answer."""

    order: dict[str, Any] | None = None
    validation: ValidationView | None = None


@router.post(
    "/{id}/test",
    operation_id="test_webhook",
    dependencies=[NoQuery],
    responses=returns(WebhookTestView, "What came of it.") | problems(*WITH_BODY, 409, 502, 503, 504),
    openapi_extra=reads(WebhookTestSchema),
)
async def test_webhook(request: Request, hooks: HooksDep, found: EitherDep) -> Response:
    """Direction `in`: what a sample signal would become; nothing is sent.  Direction `out`: post an event `test` now."""
    wish = await wish_of(request, WebhookTestSchema)
    if isinstance(found, Target):
        return reply(_attempted(await hooks.try_target(found)))
    tried = await hooks.try_hook(found, wish.body.encode())
    order = tried.wish.model_dump(mode="json", exclude_defaults=True)
    checked = validation_view(tried.preview, tried.wish.digest())
    return reply(WebhookTestView(ok=tried.preview.ok, status=None, trouble="", order=order, validation=checked))


def _attempted(attempt: Attempt) -> WebhookTestView:
    return WebhookTestView(ok=attempt.is_taken, status=attempt.status, trouble=attempt.trouble)


@router.get(
    "/{id}/signals",
    operation_id="list_signals",
    responses=returns_list(SignalView, "The newest first.") | problems(),
)
async def list_signals(
    request: Request, hooks: HooksDep, env: Env, id: Id, query: Annotated[LogQuery, Query()]
) -> Response:
    """Signals with the right secret, and what became of them."""
    found = await hooks.signals(await hooks.hook(env, id), query.limit)
    return list_reply(request, [signal_view(signal) for signal in found], None)


@router.get(
    "/{id}/deliveries",
    operation_id="list_deliveries",
    responses=returns_list(DeliveryView, "The newest first.") | problems(),
)
async def list_deliveries(
    request: Request, hooks: HooksDep, env: Env, id: Id, query: Annotated[LogQuery, Query()]
) -> Response:
    """The delivery log; `state` `dead` marks what was given up."""
    found = await hooks.deliveries(await hooks.target(Kind.WEBHOOK, id, env), query.limit)
    return list_reply(request, [delivery_view(delivery) for delivery in found], None)


@router.post(
    "/{id}/deliveries/{delivery}/retry",
    operation_id="retry_delivery",
    dependencies=[NoQuery],
    status_code=202,
    responses=returns(DeliveryView, "It is due again.", status=202) | problems(409, 503),
)
async def retry_delivery(
    hooks: HooksDep, env: Env, id: Id, delivery: Annotated[str, Path(max_length=64, description="The delivery's id.")]
) -> Response:
    """Send a dead letter once more, under the same event id."""
    target = await hooks.target(Kind.WEBHOOK, id, env)
    return reply(delivery_view(await hooks.deliver_again(target, delivery)), status=202)


# -- people ---------------------------------------------------------------------------------------------------------------


@notifications.get(
    "",
    operation_id="list_notifications",
    dependencies=[NoQuery],
    responses=returns_list(NotificationView, "By name.") | problems(),
)
async def list_notifications(request: Request, hooks: HooksDep, identity: IdentityDep) -> Response:
    """Who is told of what, of the environments that whoever asks may see."""
    seen = [target for target in await hooks.targets(Kind.ALERT) if any(map(identity.sees, target.environments))]
    return list_reply(request, [notification_view(target) for target in seen], None)


@notifications.post(
    "",
    operation_id="add_notification",
    dependencies=[NoQuery],
    status_code=201,
    responses=returns(NotificationView, "Who is told.", status=201) | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(NotificationAddSchema),
)
async def add_notification(request: Request, hooks: HooksDep, caller: CallerDep, identity: IdentityDep) -> Response:
    """Tell people: by chat, mail, desktop or whatever else Apprise reaches."""
    wish = await wish_of(request, NotificationAddSchema)
    environments = tuple(Environment(word) for word in wish.environments) or tuple(filter(identity.sees, hooks.desks))
    unseen = [one.value for one in environments if not identity.sees(one)]
    if unseen or not environments:
        raise Forbidden(f"{identity.principal} may do nothing in {', '.join(unseen) or 'any environment here'}")
    new = NewTarget(
        name=wish.name,
        kind=Kind.ALERT,
        url=secret_of(wish.url),
        environments=environments,
        events=tuple(wish.events),
        quiet=wish.quiet,
        group_s=wish.group_s,
    )
    target, _ = await hooks.add_target(new, caller=caller)
    return _tagged(target, notification_view(target), 201)


async def alert_of(hooks: HooksDep, id: Id, identity: IdentityDep) -> Target:
    """Raises `NotFound`, also for one that tells of an environment which is not for whoever asks."""
    target = await hooks.target(Kind.ALERT, id)
    if not all(map(identity.sees, target.environments)):
        raise NotFound("no such notification")
    return target


AlertDep = Annotated[Target, Depends(alert_of)]


@notifications.patch(
    "/{id}",
    operation_id="switch_notification",
    dependencies=[NoQuery],
    responses=returns(NotificationView, "Who is told.", headers={"ETag": "Its version."})
    | problems(*WITH_BODY, 409, 412, 503),
    openapi_extra=reads(SwitchSchema),
)
async def switch_notification(
    request: Request, hooks: HooksDep, target: AlertDep, caller: CallerDep, if_match: IfMatch = None
) -> Response:
    """Switch it on or off."""
    wish, version = await wish_of(request, SwitchSchema), _version(if_match, target)
    changed = await hooks.switch_target(target, enabled=wish.enabled, version=version, caller=caller)
    return _tagged(changed, notification_view(changed))


@notifications.delete(
    "/{id}",
    operation_id="remove_notification",
    dependencies=[NoQuery],
    status_code=204,
    responses=problems(409, 503),
)
async def remove_notification(hooks: HooksDep, target: AlertDep, caller: CallerDep) -> Response:
    """Tell them no more."""
    await hooks.remove_target(target, caller=caller)
    return Response(status_code=204)


@notifications.post(
    "/{id}/test",
    operation_id="test_notification",
    dependencies=[NoQuery],
    responses=returns(AttemptView, "What came of it.") | problems(409, 503),
)
async def test_notification(hooks: HooksDep, target: AlertDep) -> Response:
    """Send a message now."""
    attempt = await hooks.try_target(target)
    return reply(AttemptView(ok=attempt.is_taken, status=None, trouble=attempt.trouble))


@notifications.get(
    "/{id}/deliveries",
    operation_id="list_alerts",
    responses=returns_list(DeliveryView, "The newest first.") | problems(),
)
async def list_alerts(
    request: Request, hooks: HooksDep, target: AlertDep, query: Annotated[LogQuery, Query()]
) -> Response:
    """What they were told, and what was given up."""
    found = await hooks.deliveries(target, query.limit)
    return list_reply(request, [delivery_view(delivery) for delivery in found], None)


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code=code, detail=detail),))

"""Profiles as they are stored: what is written of them and sealed for them, and changing it.

Secrets come in the body of a request alone and go out nowhere.  A desk that runs takes a profile up at once, and lets it go.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DoorDep, NoQuery, reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns
from floorbroker.api.params import RemoveQuery
from floorbroker.api.views.operations import SelfCheckView, self_check_view
from floorbroker.api.views.shape import View
from floorbroker.app.config import PROFILE_NAME
from floorbroker.app.profile_forms import Changes, NewProfile
from floorbroker.app.profiles import Listed, Profiles
from floorbroker.domain.errors import InvalidRequest, NotFound
from floorbroker.domain.forms import ANSWER_MAX
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.oms.schema import field_errors

router = APIRouter(prefix="/{env}/profiles", tags=["Profiles"])
Env = Annotated[Environment, Path(description="The environment.")]
Name = Annotated[str, Path(max_length=64, description="The profile's name.")]
NameWord = Annotated[str, StringConstraints(pattern=PROFILE_NAME)]
Options = dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=256)]]
SealedName = Literal[
    "BROKER_USERNAME", "BROKER_PASSWORD", "BROKER_ACCOUNT_NUMBER", "BROKER_API_KEY", "BROKER_SECRET_KEY"
]
Fields = dict[SealedName, Annotated[SecretStr, Field(min_length=1, max_length=ANSWER_MAX)]]
Host = Annotated[str, Field(max_length=253)]
Url = Annotated[str, Field(max_length=2048)]


class FieldView(View, frozen=True):
    """Who gives a field: environment, .env_bot, keyring, vault or floorbroker.toml; null when nobody does."""

    name: str
    source: str | None


class StoredView(View, frozen=True):
    """A profile as it is stored, never a value of a secret.  `version` counts how often its record in the vault was replaced.

    `applies` says what a running desk makes of it.
    """

    name: str
    broker: str
    environment: str
    enabled: bool
    host: str
    url: str
    options: dict[str, str]
    fields: tuple[FieldView, ...]
    version: int
    notes: tuple[str, ...]
    applies: str


class _Wish(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class ProfileAddSchema(_Wish):
    """Make a profile.  `fields` are sealed; which ones a broker needs, the catalogue at `/api/v1/brokers` says."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "practice", "broker": "PAPER"}]})

    name: NameWord
    broker: Annotated[str, Field(min_length=1, max_length=32)]
    host: Host = ""
    url: Url = ""
    options: Options = Field(default_factory=dict[str, str])
    enabled: bool = True
    credentials: Literal["vault", "keyring"] = "vault"
    fields: Fields = Field(default_factory=dict[SealedName, SecretStr])


class ProfileEditSchema(_Wish):
    """Change what is said of a profile.  What is left out stays; an empty text takes a member out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    host: Host | None = None
    url: Url | None = None
    options: Options = Field(default_factory=dict[str, str])
    enabled: bool | None = None
    credentials: Literal["vault", "keyring"] | None = None


class ProfileRotateSchema(_Wish):
    """Put new secrets in the place of old ones.  With `test` the venue is asked first, and what it refuses is not stored."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"fields": {"BROKER_SECRET_KEY": "the new one"}}]})

    fields: Fields = Field(min_length=1)
    test: bool = True


SCHEMAS = (ProfileAddSchema, ProfileEditSchema, ProfileRotateSchema)
Wish = TypeVar("Wish", bound=_Wish)


async def profiles_of(door: DoorDep) -> Profiles:
    """What changes profiles; raises `NotFound` where the door was opened without it."""
    if door.profiles is None:
        raise NotFound("this door changes no profiles")
    return door.profiles


ProfilesDep = Annotated[Profiles, Depends(profiles_of)]
_DONE = returns(StoredView, "The profile after it.") | problems(*WITH_BODY, 409, 503)


def stored_of(profiles: ProfilesDep, env: Env, name: Name) -> Listed:
    """The stored profile in the path; raises `NotFound`."""
    found = profiles.one(name)
    if found.environment is not env:
        raise NotFound(f"profile {name[:64]!a} is of environment {found.environment.value}")
    return found


StoredDep = Annotated[Listed, Depends(stored_of)]


async def _wish(request: Request, model: type[Wish]) -> Wish:
    """The body as a wish.  Raises `InvalidRequest` naming each wrong member and no value."""
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        fields = field_errors(error, known=tuple(model.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from None


def _secrets(fields: Fields) -> dict[str, Secret]:
    return {name: Secret(word.get_secret_value()) for name, word in fields.items()}


@router.post(
    "",
    operation_id="add_profile",
    dependencies=[NoQuery],
    responses=returns(StoredView, "The profile.", status=201) | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(ProfileAddSchema),
)
async def add_profile(request: Request, profiles: ProfilesDep, env: Env, caller: CallerDep) -> Response:
    """Make a profile: its secrets are sealed in the vault, everything else is written into the configuration."""
    wish = await _wish(request, ProfileAddSchema)
    new = NewProfile(
        name=wish.name,
        broker=wish.broker,
        environment=env,
        host=wish.host,
        url=wish.url,
        options=wish.options,
        enabled=wish.enabled,
        credentials=wish.credentials,
        fields=_secrets(wish.fields),
    )
    return reply(stored_view(await profiles.add(new, caller=caller)), status=201)


@router.get(
    "/{name}/settings",
    operation_id="get_profile_settings",
    dependencies=[NoQuery],
    responses=returns(StoredView, "The profile as it is stored.") | problems(),
)
async def get_profile_settings(stored: StoredDep) -> Response:
    """What is written of a profile, and who gives each of its credentials; never a value."""
    return reply(stored_view(stored))


@router.patch(
    "/{name}",
    operation_id="edit_profile",
    dependencies=[NoQuery],
    responses=_DONE,
    openapi_extra=reads(ProfileEditSchema),
)
async def edit_profile(request: Request, profiles: ProfilesDep, stored: StoredDep, caller: CallerDep) -> Response:
    """Change what is said of a profile.  Broker and environment stay: another account is another profile.

    Where a desk has it, its session begins anew with another address or other options.  While orders are open it goes on as it
    was, and a note says so: the same request after that changes it.
    """
    wish = await _wish(request, ProfileEditSchema)
    changes = Changes(
        host=wish.host, url=wish.url, enabled=wish.enabled, credentials=wish.credentials, options=wish.options
    )
    return reply(stored_view(await profiles.edit(stored.name, changes, caller=caller)))


@router.delete("/{name}", operation_id="remove_profile", status_code=204, responses=problems(409, 503))
async def remove_profile(
    profiles: ProfilesDep, stored: StoredDep, caller: CallerDep, query: Annotated[RemoveQuery, Query()]
) -> Response:
    """Take a profile out, its secrets too.  Refused while it has open orders, unless `force` is set; its journal stays."""
    await profiles.remove(stored.name, caller=caller, force=query.force)
    return Response(status_code=204)


@router.post(
    "/{name}/rotate",
    operation_id="rotate_profile",
    dependencies=[NoQuery],
    responses=_DONE,
    openapi_extra=reads(ProfileRotateSchema),
)
async def rotate_profile(request: Request, profiles: ProfilesDep, stored: StoredDep, caller: CallerDep) -> Response:
    """Put new secrets in the place of old ones, under a new data key."""
    wish = await _wish(request, ProfileRotateSchema)
    return reply(stored_view(await profiles.rotate(stored.name, _secrets(wish.fields), caller=caller, test=wish.test)))


@router.post(
    "/{name}/test",
    operation_id="test_profile",
    dependencies=[NoQuery],
    responses=returns(SelfCheckView, "What was tried.") | problems(409, 503),
)
async def test_profile(profiles: ProfilesDep, stored: StoredDep, caller: CallerDep) -> Response:
    """The adapter's self-check with the stored credentials, whether a desk has the profile or not."""
    tried = await profiles.test(stored.name, caller=caller)
    return reply(self_check_view(tried.check))


def stored_view(listed: Listed) -> StoredView:
    """A stored profile as JSON."""
    return StoredView(
        name=listed.name,
        broker=listed.broker,
        environment=listed.environment.value,
        enabled=listed.enabled,
        host=listed.host,
        url=listed.url,
        options=dict(listed.options),
        fields=tuple(
            FieldView(name=name, source=origin.value if origin is not None else None)
            for name, origin in listed.fields.items()
        ),
        version=listed.version,
        notes=listed.notes,
        applies=listed.applies,
    )

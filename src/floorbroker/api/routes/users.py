"""Users: an admin sees and changes all of them, everybody else finds themselves alone."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import ConfigDict, Field, SecretStr

from floorbroker.api.door import CallerDep, IdentityDep, NoQuery, PeopleDep, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.views.people import RecoveryView, SecondFactorView, UserView, user_view
from floorbroker.api.wishes import Wish, secret_of, wish_of
from floorbroker.app.people import NewUser, People
from floorbroker.domain.errors import Forbidden, NotFound
from floorbroker.domain.values import Environment
from floorbroker.people.identity import NAME, Identity, Kind, Role
from floorbroker.people.records import User
from floorbroker.people.second_factor import uri_of

router = APIRouter(prefix="/users", tags=["Auth"], dependencies=[NoQuery])
Name = Annotated[str, Path(max_length=64, description="The user's name.")]
NameWord = Annotated[str, Field(pattern=f"^{NAME.pattern}$", max_length=32)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
RoleWord = Literal["viewer", "trader", "risk", "admin"]
EnvironmentWord = Literal["sim", "paper", "live"]
Environments = Annotated[list[EnvironmentWord], Field(min_length=1, max_length=3)]
_DONE = returns(UserView, "The user after it.") | problems(*WITH_BODY, 409, 503)


class UserAddSchema(Wish):
    """Take somebody in.  The first user is admin in every environment, whatever is said here."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "grace", "password": "vinegar lamp orbit moss", "role": "trader"}]}
    )

    name: NameWord
    password: Password
    role: RoleWord = "viewer"
    environments: Environments = Field(default_factory=lambda: ["sim", "paper"])


class UserEditSchema(Wish):
    """Change what is given.  Sessions of that user end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "risk"}]})

    role: RoleWord | None = None
    environments: Environments | None = None
    disabled: bool | None = None


class PasswordSchema(Wish):
    """Another password: 15 signs or more, or 8 while a second factor is on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "vinegar lamp orbit moss"}]})

    password: Password


class CodeSchema(Wish):
    """The code that an authenticator shows."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "123456"}]})

    code: Annotated[SecretStr, Field(min_length=1, max_length=32)]


SCHEMAS = (UserAddSchema, UserEditSchema, PasswordSchema, CodeSchema)


@router.get("", operation_id="list_users", responses=returns_list(UserView, "Users by name.") | problems())
async def list_users(request: Request, people: PeopleDep) -> Response:
    """Everybody who belongs to the desk."""
    return list_reply(request, [user_view(user, people) for user in people.members.all()], None)


@router.post(
    "",
    operation_id="add_user",
    responses=returns(UserView, "The user.", status=201) | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(UserAddSchema),
)
async def add_user(request: Request, people: PeopleDep, caller: CallerDep) -> Response:
    """Take somebody in.  The first user ends set-up: the printed token opens nothing any more."""
    wish = await wish_of(request, UserAddSchema)
    new = NewUser(
        name=wish.name,
        password=secret_of(wish.password),
        role=Role(wish.role),
        environments=_environments(wish.environments),
    )
    return reply(user_view(await people.members.add(new, caller=caller), people), status=201)


@router.get("/{name}", operation_id="get_user", responses=returns(UserView, "The user.") | problems())
async def get_user(people: PeopleDep, identity: IdentityDep, name: Name) -> Response:
    """One user: oneself, or anybody for an admin."""
    return reply(user_view(visible(people, identity, name), people))


@router.patch("/{name}", operation_id="edit_user", responses=_DONE, openapi_extra=reads(UserEditSchema))
async def edit_user(request: Request, people: PeopleDep, caller: CallerDep, name: Name) -> Response:
    """Change role, environments, or whether they may come in at all.  The only admin stays one."""
    wish = await wish_of(request, UserEditSchema)
    user = await people.members.edit(
        name,
        caller=caller,
        role=None if wish.role is None else Role(wish.role),
        environments=None if wish.environments is None else _environments(wish.environments),
        disabled=wish.disabled,
    )
    return reply(user_view(user, people))


@router.delete("/{name}", operation_id="remove_user", status_code=204, responses=problems(409, 503))
async def remove_user(people: PeopleDep, caller: CallerDep, name: Name) -> Response:
    """Take somebody out, with all sessions and tokens."""
    await people.members.remove(name, caller=caller)
    return Response(status_code=204)


@router.put("/{name}/password", operation_id="set_password", responses=_DONE, openapi_extra=reads(PasswordSchema))
async def set_password(
    request: Request, people: PeopleDep, identity: IdentityDep, caller: CallerDep, name: Name
) -> Response:
    """Set another password.  All other sessions of that user end."""
    user = visible(people, identity, name)
    wish = await wish_of(request, PasswordSchema)
    keep = identity.session_id if user.id == identity.user_id else ""
    after = await people.members.set_password(user.name, secret_of(wish.password), caller=caller, keep_session=keep)
    return reply(user_view(after, people))


@router.post(
    "/{name}/2fa",
    operation_id="begin_second_factor",
    responses=returns(SecondFactorView, "What an authenticator needs, shown this once.", status=201)
    | problems(409, 503),
)
async def begin_second_factor(people: PeopleDep, identity: IdentityDep, caller: CallerDep, name: Name) -> Response:
    """Begin a second factor: it is asked for once a first code was confirmed."""
    user = own(people, identity, name)
    secret = await people.members.begin_second_factor(user.name, caller=caller)
    return reply(SecondFactorView(secret=secret.reveal(), uri=uri_of(secret.reveal(), user.name)), status=201)


@router.post(
    "/{name}/2fa/confirm",
    operation_id="confirm_second_factor",
    responses=returns(RecoveryView, "It is on; the recovery codes, shown this once.") | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(CodeSchema),
)
async def confirm_second_factor(
    request: Request, people: PeopleDep, identity: IdentityDep, caller: CallerDep, name: Name
) -> Response:
    """Show a first code: from then on signing in asks for one."""
    user = own(people, identity, name)
    wish = await wish_of(request, CodeSchema)
    codes = await people.members.confirm_second_factor(user.name, secret_of(wish.code), caller=caller)
    return reply(RecoveryView(recovery_codes=tuple(code.reveal() for code in codes)))


@router.delete("/{name}/2fa", operation_id="drop_second_factor", status_code=204, responses=problems(409, 503))
async def drop_second_factor(people: PeopleDep, identity: IdentityDep, caller: CallerDep, name: Name) -> Response:
    """Switch it off.  Refused while the password is short."""
    user = visible(people, identity, name)
    await people.members.drop_second_factor(user.name, caller=caller)
    return Response(status_code=204)


def visible(people: People, identity: Identity, name: str) -> User:
    """Oneself, or anybody for an admin.  Raises `NotFound` for everybody else, whether they exist or not."""
    user = people.members.memory.user_named(name)
    if user is None or not (identity.is_admin or user.id == identity.user_id):
        raise NotFound("no such user")
    return user


def own(people: People, identity: Identity, name: str) -> User:
    """Oneself; the operator for anybody.  An admin could otherwise know the second factor of others."""
    user = visible(people, identity, name)
    if identity.kind is not Kind.OPERATOR and user.id != identity.user_id:
        raise Forbidden("a second factor is set up by whose it is, or on the machine of the desk")
    return user


def _environments(words: list[EnvironmentWord]) -> frozenset[Environment]:
    return frozenset(Environment(word) for word in words)

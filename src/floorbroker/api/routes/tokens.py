"""Tokens of programs: one's own, and everybody's for an admin."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import ConfigDict, Field

from floorbroker.api.door import CallerDep, IdentityDep, NoQuery, PeopleDep, reply
from floorbroker.api.listing import list_reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns, returns_list
from floorbroker.api.routes.users import EnvironmentWord, NameWord
from floorbroker.api.views.people import NewTokenView, TokenView, token_view
from floorbroker.api.wishes import Wish, wish_of
from floorbroker.app.people import NewToken
from floorbroker.domain.values import Environment
from floorbroker.oms.schema_types import Moment
from floorbroker.people.identity import Scope

router = APIRouter(prefix="/tokens", tags=["Auth"], dependencies=[NoQuery])
Name = Annotated[str, Path(max_length=64, description="The token's name or id.")]
ScopeWord = Literal["read", "trade", "risk", "admin"]


class TokenCreateSchema(Wish):
    """Make a token.  It can do no more than you can; `addresses` are networks it works from, all when there are none.

    `per_minute` is how often it may ask.  What its orders may cost, limits of the scope `token:NAME` say.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "bot-1", "environment": "paper", "scopes": ["read", "trade"]}]}
    )

    name: NameWord
    environment: EnvironmentWord
    scopes: Annotated[list[ScopeWord], Field(min_length=1, max_length=4)]
    expires_at: Moment | None = None
    addresses: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=16)] = Field(
        default_factory=list[str]
    )
    per_minute: Annotated[int, Field(ge=1, le=100_000)] | None = None


SCHEMAS = (TokenCreateSchema,)


@router.get("", operation_id="list_tokens", responses=returns_list(TokenView, "Tokens, newest first.") | problems())
async def list_tokens(request: Request, people: PeopleDep, identity: IdentityDep) -> Response:
    """Your tokens; everybody's for an admin.  Revoked ones stay in the list."""
    return list_reply(request, [token_view(token, people) for token in people.passes.all(by=identity)], None)


@router.post(
    "",
    operation_id="create_token",
    responses=returns(NewTokenView, "The token, shown this once.", status=201) | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(TokenCreateSchema),
)
async def create_token(request: Request, people: PeopleDep, identity: IdentityDep, caller: CallerDep) -> Response:
    """Make a token for a program.  Its text is in the answer and nowhere else."""
    wish = await wish_of(request, TokenCreateSchema)
    new = NewToken(
        name=wish.name,
        environment=Environment(wish.environment),
        scopes=frozenset(Scope(word) for word in wish.scopes),
        expires_at=wish.expires_at,
        addresses=tuple(wish.addresses),
        per_minute=wish.per_minute,
    )
    token, secret = await people.passes.create(new, owner=identity, caller=caller)
    return reply(NewTokenView(secret=secret.reveal(), token=token_view(token, people)), status=201)


@router.get("/{name}", operation_id="get_token", responses=returns(TokenView, "The token.") | problems())
async def get_token(people: PeopleDep, identity: IdentityDep, name: Name) -> Response:
    """One token, never its text."""
    return reply(token_view(people.passes.one(name, by=identity), people))


@router.delete(
    "/{name}",
    operation_id="revoke_token",
    responses=returns(TokenView, "The token, revoked.") | problems(503),
)
async def revoke_token(people: PeopleDep, identity: IdentityDep, caller: CallerDep, name: Name) -> Response:
    """End a token at once.  A token may end itself."""
    return reply(token_view(await people.passes.revoke(name, by=identity, caller=caller), people))

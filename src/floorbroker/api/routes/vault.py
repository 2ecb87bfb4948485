"""The vault: where it stands, and the acts that make it, unlock it, lock it, and give it another passphrase.

A passphrase comes in the body of a request alone and goes out nowhere: no answer, error or log line repeats it.
"""

from __future__ import annotations

import math
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from floorbroker.api.body import read_json
from floorbroker.api.door import CallerDep, DoorDep, IdentityDep, NoQuery, reply
from floorbroker.api.openapi import WITH_BODY, problems, reads, returns
from floorbroker.api.views.shape import View
from floorbroker.app.unlocking import Unlocking, VaultStatus
from floorbroker.domain.errors import InvalidRequest, NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.oms.schema import field_errors
from floorbroker.people.identity import EVERYWHERE
from floorbroker.vault import DEFAULT_LOG2N, MAX_LOG2N, Seen

router = APIRouter(prefix="/vault", tags=["Vault"], dependencies=[NoQuery])
ABSENT = "absent"
Word = Annotated[SecretStr, Field(min_length=1, max_length=4096)]
_EXAMPLE = "several words that nobody would guess"


class VaultRecordView(View, frozen=True):
    """Whose credentials a record holds, and which fields; never a value."""

    profile: str
    broker: str
    environment: str
    version: int
    fields: tuple[str, ...]


class VaultView(View, frozen=True):
    """The vault: `standing` is absent, locked, grace (locked, and cancels still pass) or unlocked, and `reason` says why.

    `changes_in_s` counts down to the next change by itself.  What follows is what the file says of itself, which only unlocking
    proves; `trouble` says why it could not be read.
    """

    standing: str
    reason: str
    changes_in_s: int | None
    trouble: str
    warnings: tuple[str, ...]
    vault_id: str | None
    generation: int | None
    log2n: int | None
    records: tuple[VaultRecordView, ...]


class _Wish(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class VaultInitSchema(_Wish):
    """Make the vault.  `log2n` is the cost of its key derivation: 18 is the default, 19 and 20 are slower for thieves and you."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"passphrase": _EXAMPLE}]})

    passphrase: Word
    log2n: int = Field(default=DEFAULT_LOG2N, ge=DEFAULT_LOG2N, le=MAX_LOG2N)


class VaultUnlockSchema(_Wish):
    """Unlock it.  `accept_older` takes a file that is older than one seen before, and makes it the newest."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"passphrase": _EXAMPLE}]})

    passphrase: Word
    accept_older: bool = False


class VaultLockSchema(_Wish):
    """Lock it.  `at_once` leaves no time in which cancels pass."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"at_once": False}]})

    at_once: bool = False


class VaultRotateSchema(_Wish):
    """Give it another passphrase."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"passphrase": _EXAMPLE, "new_passphrase": "several others"}]}
    )

    passphrase: Word
    new_passphrase: Word


SCHEMAS = (VaultInitSchema, VaultUnlockSchema, VaultLockSchema, VaultRotateSchema)
Wish = TypeVar("Wish", bound=_Wish)


async def vault_of(door: DoorDep) -> Unlocking:
    """The vault of this process; raises `NotFound` where the door was opened without one."""
    if door.vault is None:
        raise NotFound("this door has no vault")
    return door.vault


VaultDep = Annotated[Unlocking, Depends(vault_of)]
_DONE = returns(VaultView, "The vault after it.") | problems(*WITH_BODY, 409, 503)


async def _wish(request: Request, model: type[Wish]) -> Wish:
    """The body as a wish.  Raises `InvalidRequest` naming each wrong member and no value."""
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        fields = field_errors(error, known=tuple(model.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from None


def _secret(word: SecretStr) -> Secret:
    return Secret(word.get_secret_value())


@router.get("", operation_id="get_vault", responses=returns(VaultView, "The vault.") | problems())
async def get_vault(vault: VaultDep, identity: IdentityDep) -> Response:
    """Where the vault stands; of its records, those of your environments."""
    return reply(vault_view(vault.status(), identity.environments))


@router.post(
    "",
    operation_id="create_vault",
    responses=returns(VaultView, "The vault, unlocked.", status=201) | problems(*WITH_BODY, 409, 503),
    openapi_extra=reads(VaultInitSchema),
)
async def create_vault(request: Request, vault: VaultDep, caller: CallerDep) -> Response:
    """Make the vault of this home.  It is unlocked afterwards."""
    wish = await _wish(request, VaultInitSchema)
    made = await vault.init(_secret(wish.passphrase), caller=caller, log2n=wish.log2n)
    return reply(vault_view(made), status=201)


@router.post("/unlock", operation_id="unlock_vault", responses=_DONE, openapi_extra=reads(VaultUnlockSchema))
async def unlock_vault(request: Request, vault: VaultDep, caller: CallerDep) -> Response:
    """Unlock it: its profiles connect and take orders.  Takes a second; after a wrong passphrase the next one waits."""
    wish = await _wish(request, VaultUnlockSchema)
    found = await vault.unlock(_secret(wish.passphrase), caller=caller, accept_older=wish.accept_older)
    return reply(vault_view(found))


@router.post("/lock", operation_id="lock_vault", responses=_DONE, openapi_extra=reads(VaultLockSchema))
async def lock_vault(request: Request, vault: VaultDep, caller: CallerDep) -> Response:
    """Lock it: nothing new is signed, and cancels pass for the grace that is configured."""
    wish = await _wish(request, VaultLockSchema)
    return reply(vault_view(await vault.lock(caller=caller, at_once=wish.at_once)))


@router.post("/rotate", operation_id="rotate_vault", responses=_DONE, openapi_extra=reads(VaultRotateSchema))
async def rotate_vault(request: Request, vault: VaultDep, caller: CallerDep) -> Response:
    """Give it another passphrase.  The present one is needed, unlocked or not; it is unlocked afterwards."""
    wish = await _wish(request, VaultRotateSchema)
    found = await vault.rotate(_secret(wish.passphrase), _secret(wish.new_passphrase), caller=caller)
    return reply(vault_view(found))


def vault_view(status: VaultStatus, environments: frozenset[Environment] = EVERYWHERE) -> VaultView:
    """The vault as JSON, with the records of these environments."""
    seen = status.seen
    return VaultView(
        standing=ABSENT if seen is None and not status.trouble else status.standing.value,
        reason=status.reason,
        changes_in_s=None if status.changes_in_s is None else math.ceil(status.changes_in_s),
        trouble=status.trouble,
        warnings=status.warnings,
        vault_id=None if seen is None else seen.vault_id,
        generation=None if seen is None else seen.generation,
        log2n=None if seen is None else seen.log2n,
        records=() if seen is None else _records(seen, environments),
    )


def _records(seen: Seen, environments: frozenset[Environment]) -> tuple[VaultRecordView, ...]:
    return tuple(
        VaultRecordView(
            profile=info.profile,
            broker=info.broker,
            environment=info.environment.value,
            version=info.version,
            fields=info.fields,
        )
        for info in seen.records
        if info.environment in environments
    )

"""Bodies that people fill in, read into strict models; a mistake names its member and repeats no value."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from floorbroker.api.body import read_json
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.secret import Secret
from floorbroker.oms.schema import field_errors


class Wish(BaseModel):
    """What somebody asks for."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


Asked = TypeVar("Asked", bound=Wish)


async def wish_of(request: Request, model: type[Asked]) -> Asked:
    """The body as a wish.  Raises `InvalidRequest` naming each wrong member and no value."""
    try:
        return model.model_validate(await read_json(request))
    except ValidationError as error:
        fields = field_errors(error, known=tuple(model.model_fields))
        raise InvalidRequest(f"{fields[0].pointer or 'the body'}: {fields[0].detail}", fields=fields) from None


def secret_of(word: SecretStr | None) -> Secret:
    """What was typed; nothing is an empty one, which fits nothing."""
    return Secret("" if word is None else word.get_secret_value())

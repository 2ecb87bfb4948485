"""The typed parameters of a strategy: its annotated class attributes that have a default.

class Crossover(Strategy):
    fast: Annotated[int, Field(ge=2)] = 50      a parameter: checked, shown, swept over
    slow: int = 200
    quick: Average                              no default: an attribute of its own, no parameter
    _above = False                              private: neither
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, get_origin, get_type_hints

from floorbroker.domain.errors import FieldError, InvalidRequest


@lru_cache(maxsize=256)
def parameters_of(cls: type) -> Mapping[str, tuple[Any, Any]]:
    """Name to type and default, base classes first."""
    found: dict[str, tuple[Any, Any]] = {}
    for base in reversed(cls.__mro__):
        own = {
            name: annotation
            for name, annotation in inspect.get_annotations(base).items()
            if not name.startswith("_") and name in base.__dict__
        }
        holder = type("Own", (), {"__annotations__": own, "__module__": base.__module__})
        for name, hint in get_type_hints(holder, include_extras=True).items():
            if get_origin(hint) is not ClassVar and hint is not ClassVar:
                found[name] = (hint, base.__dict__[name])
    for name, (hint, _) in [*found.items()]:
        found[name] = (hint, getattr(cls, name))  # a subclass may give another default without saying the type again
    return found


@lru_cache(maxsize=256)
def _model(cls: type) -> Any:
    from pydantic import ConfigDict, create_model  # noqa: PLC0415 - naming a strategy loads no library

    members: dict[str, Any] = dict(parameters_of(cls))
    config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, validate_default=True)
    return create_model(cls.__name__, __config__=config, **members)


def checked(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all parameters; text is read as the parameter's type.

    Raises `InvalidRequest` that names each wrong one and says what would be right.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - as above

    known = parameters_of(cls)
    if unknown := [name for name in given if name not in known]:
        raise _refused(cls, [_unknown(name, known) for name in unknown])
    try:
        model = _model(cls)(**given)
    except ValidationError as error:
        raise _refused(cls, [_wrong(one, known) for one in error.errors(include_url=False)]) from None
    return {name: getattr(model, name) for name in known}


def _unknown(name: str, known: Mapping[str, Any]) -> FieldError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"
    return FieldError(pointer=f"/{name}", code="unknown_field", detail=f"no such parameter{hint}")


def _wrong(error: Any, known: Mapping[str, tuple[Any, Any]]) -> FieldError:
    name = str(error["loc"][0])
    detail = f"{error['msg']}; the default is {known[name][1]!r}"
    return FieldError(pointer="/" + "/".join(map(str, error["loc"])), code="not_valid", detail=detail)


def _refused(cls: type, fields: list[FieldError]) -> InvalidRequest:
    told = "; ".join(f"{field.pointer.lstrip('/')}: {field.detail}" for field in fields)
    return InvalidRequest(f"{cls.__name__}: {told}", fields=tuple(fields))

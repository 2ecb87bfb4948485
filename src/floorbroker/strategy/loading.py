"""Finds the class that a person names: a ready-made one, `file.py:Class`, or `package.module:Class`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from floorbroker.domain.errors import FieldError, InvalidRequest, NotFound
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.shelf import SHELF


def strategy_class(name: str) -> type[Strategy]:
    """The class of a strategy.  A file is run to find it, as Python runs any program.

    Raises `NotFound` that says what there is, and `InvalidRequest` for a name that is no strategy.
    """
    if name in SHELF:
        return SHELF[name]
    where, colon, wanted = name.rpartition(":")
    if not colon:
        where, wanted = name, ""
    if not where.endswith(".py") and not colon:
        raise NotFound(f"no strategy {name!r}; there are: {', '.join(SHELF)}, and file.py:Class of your own")
    module = _from_file(Path(where)) if where.endswith(".py") else _from_package(where)
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    }
    if wanted in found:
        return found[wanted]
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    raise NotFound(f"{where} has no strategy {wanted!r}; there are: {', '.join(found) or 'none'}")


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NotFound(f"{path}: no such file")
    name = f"floorbroker_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _refused(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotFound(f"{name}: {error}") from error


def _refused(detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer="/strategy", code="not_valid", detail=detail),))


def settings_from(words: Mapping[str, str]) -> dict[str, object]:
    """Parameters as a command line has them: text, which the types of the parameters read; commas make lists."""
    return {name: tuple(text.split(",")) if "," in text else text for name, text in words.items()}

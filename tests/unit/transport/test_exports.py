"""What the package shows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from floorbroker import transport


def test_every_name_that_is_promised_is_there() -> None:
    assert sorted(set(transport.__all__)) == sorted(transport.__all__)
    for name in transport.__all__:
        assert getattr(transport, name) is not None


def test_a_name_that_is_not_promised_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = transport.NoSuchThing


def test_the_large_libraries_load_only_with_the_shells_that_need_them() -> None:
    code = "import sys, floorbroker.transport as t; assert not {'aiohttp', 'picows'} & set(sys.modules); t.AioHttp"
    subprocess.run([sys.executable, "-c", code], check=True)

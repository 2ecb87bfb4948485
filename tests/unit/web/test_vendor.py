"""The libraries of the page are what their list says, and a page with all of them stays light."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from floorbroker.web.vendor import HERE, LIBRARIES, Library, listed, taken, verify

WEIGHT_MAX = 300_000  # of everything there is, compressed: no page needs all of it


def test_every_library_is_what_the_list_says_and_comes_with_its_licence() -> None:
    assert verify() == []
    assert all(any("LICENSE" in name for name in library.files.values()) for library in LIBRARIES)


def test_a_file_that_changed_or_that_nobody_listed_is_named(tmp_path: Path) -> None:
    files = {"a.js": b"one", "b.js": b"two"}
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    (tmp_path / "SHA256SUMS").write_text(listed(files | {"c.js": b"three"}), encoding="utf-8")
    assert verify(tmp_path) == ["c.js: missing"]
    (tmp_path / "a.js").write_bytes(b"other")
    (tmp_path / "d.js").write_bytes(b"four")
    assert verify(tmp_path) == ["d.js: not on the list", "c.js: missing", "a.js: changed"]


def test_files_come_out_of_an_archive_under_their_own_names() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("package/dist/x.js")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
    library = Library(name="@some/x", version="1.2.3", licence="MIT", files={"dist/x.js": "x/index.js"})
    assert library.url == "https://registry.npmjs.org/@some/x/-/x-1.2.3.tgz"
    assert taken(library, packed.getvalue()) == {"x/index.js": b"abc"}
    with pytest.raises(KeyError):
        taken(Library(name="x", version="1", licence="MIT", files={"no.js": "no.js"}), packed.getvalue())


def test_all_scripts_and_styles_together_weigh_little() -> None:
    files = [path for path in HERE.parent.rglob("*") if path.suffix in {".js", ".css", ".svg"}]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < WEIGHT_MAX

"""Baselines in the store: found, read, checked before use, dropped."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.core import wire
from pytest_atdm.core.errors import BaselineDamaged, InvalidRequest, NotFound
from seeder.baselines.manifest import Manifest, StoredColumn, StoredTable
from seeder.baselines.object_names import begin_attempt, file_of, manifest_of
from seeder.baselines.parquet import TableWriter
from seeder.baselines.shelf import Shelf, digest_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from seeder.store.local import LocalStore

COLUMNS = (StoredColumn(name="a", type="text"),)
TAKE_ANEW = "drop the baseline and take it anew"


def put(store: LocalStore, tmp_path: Path, name: str = "good", **changes: Any) -> Manifest:
    """A baseline of one table with two rows, its manifest with the changes."""
    path = tmp_path / "1.parquet"
    with TableWriter(path, COLUMNS) as writer:
        writer.add(b"1,x\n2,\n")
    file = file_of(name, begin_attempt(), 0)
    store.create(file, path)
    table = StoredTable(
        table="public.t", file=file, columns=COLUMNS, rows=2, size=path.stat().st_size, sha256=digest_file(path)
    )
    manifest = Manifest(
        format=1, name=name, taken_at="2026-01-01T00:00:00+00:00", actor="a", server=18, schema="sha256:0", whole=True,
        tables=(table,), sequences=(), content="0",
    )  # fmt: skip
    manifest = dataclasses.replace(manifest, **changes)
    store.create_bytes(manifest_of(name), wire.dump(manifest))
    return manifest


def path_of(store: LocalStore, place: str) -> Path:
    """The file behind the object."""
    return Path(store.place) / place


def test_baselines_are_listed_by_name(store: LocalStore, tmp_path: Path) -> None:
    """What has a manifest is a baseline, files without one are none; one that is damaged is listed as such."""
    first, second = put(store, tmp_path, "b"), put(store, tmp_path, "a")
    store.create_bytes(manifest_of("damaged"), b"{")
    store.create_bytes(file_of("nothing", begin_attempt(), 0), b"")

    assert ("a", "b", "damaged") == Shelf(store).list_names()
    *whole, damaged = Shelf(store).list_baselines()
    assert [second, first] == whole
    assert isinstance(damaged, BaselineDamaged)


def test_an_unknown_one_is_told_with_those_that_there_are(store: LocalStore, tmp_path: Path) -> None:
    """Whoever asks for a baseline that is not there is told which ones are."""
    with pytest.raises(NotFound) as none:
        Shelf(store).read("better")
    put(store, tmp_path)
    with pytest.raises(NotFound) as other:
        Shelf(store).drop("better")

    assert ("there are: none", "there are: good") == (none.value.hint, other.value.hint)


@pytest.mark.parametrize(
    "forge",
    [
        lambda _: b"",
        lambda _: b"\xff",
        lambda _: b"[" * 100_000,
        lambda _: b"[]",
        lambda found: json.dumps(found)[:-1].encode(),
        lambda found: json.dumps({**found, "more": 1}).encode(),
        lambda found: json.dumps({**found, "whole": "yes"}).encode(),
        lambda found: json.dumps({**found, "name": "another"}).encode(),
        lambda found: json.dumps({**found, "tables": [*found["tables"], *found["tables"]]}).encode(),
        lambda found: json.dumps({**found, "tables": [{**found["tables"][0], "file": "../x"}]}).encode(),
        lambda found: json.dumps(
            {**found, "tables": [{**found["tables"][0], "file": file_of("another", begin_attempt(), 0)}]}
        ).encode(),
        lambda found: json.dumps(
            {
                **found,
                "tables": [
                    *found["tables"],
                    {**found["tables"][0], "table": "public.u", "file": file_of("good", begin_attempt(), 0)},
                ],
            }
        ).encode(),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    store: LocalStore, tmp_path: Path, forge: Callable[[dict[str, Any]], bytes]
) -> None:
    """What is no manifest, not this baseline's, or names the files of others is never followed; it can be dropped."""
    put(store, tmp_path)
    place = path_of(store, manifest_of("good"))
    place.write_bytes(forge(json.loads(place.read_bytes())))

    with pytest.raises(BaselineDamaged) as caught:
        Shelf(store).read("good")

    assert TAKE_ANEW == caught.value.hint
    Shelf(store).drop("good")
    assert () == Shelf(store).list_names()


def test_one_of_another_version_is_told_from_a_damaged_one(store: LocalStore, tmp_path: Path) -> None:
    """The format of a later version is not taken for damage."""
    put(store, tmp_path, format=2)

    with pytest.raises(InvalidRequest, match="has format 2, and this version reads format 1") as caught:
        Shelf(store).read("good")

    assert caught.value.hint.startswith("use the version of pytest-atdm that took it")
    Shelf(store).drop("good")
    assert () == Shelf(store).list_names()


def test_a_file_that_is_what_was_written_is_opened(store: LocalStore, tmp_path: Path) -> None:
    """The file of a table is given out when its size, digest, rows and columns are right."""
    table = put(store, tmp_path).tables[0]

    with Shelf(store).open_file(table) as path:
        assert digest_file(path) == table.sha256


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:]),
        lambda path: path.write_bytes(b""),
    ],
)
def test_a_damaged_file_is_refused(store: LocalStore, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """A file that is missing, cut off or changed by a byte is not used."""
    table = put(store, tmp_path).tables[0]
    damage(path_of(store, table.file))

    with pytest.raises(BaselineDamaged) as caught, Shelf(store).open_file(table):
        pass

    assert caught.value.hint.endswith(TAKE_ANEW)


@pytest.mark.parametrize(
    "changes", [{"rows": 3}, {"columns": ()}, {"columns": (StoredColumn(name="a", type="citext"),)}]
)
def test_a_file_of_another_shape_is_refused(store: LocalStore, tmp_path: Path, changes: dict[str, Any]) -> None:
    """A manifest that says of a file what is not so is not believed."""
    table = dataclasses.replace(put(store, tmp_path).tables[0], **changes)

    with pytest.raises(BaselineDamaged, match="other rows or columns") as caught, Shelf(store).open_file(table):
        pass

    assert TAKE_ANEW == caught.value.hint


def test_what_is_no_parquet_is_refused(store: LocalStore, tmp_path: Path) -> None:
    """A file with the right digest may still be none."""
    table = put(store, tmp_path).tables[0]
    path = path_of(store, table.file)
    path.write_bytes(b"PAR1")

    with (
        pytest.raises(BaselineDamaged) as caught,
        Shelf(store).open_file(dataclasses.replace(table, size=4, sha256=digest_file(path))),
    ):
        pass

    assert TAKE_ANEW == caught.value.hint


def test_a_drop_removes_its_own_files_and_those_of_the_dead(store: LocalStore, tmp_path: Path) -> None:
    """The files of an attempt that may still be at work stay; those of one that began long ago go."""
    put(store, tmp_path)
    put(store, tmp_path, "other")
    fresh, old = file_of("good", begin_attempt(), 0), file_of("good", f"01{24 * '0'}", 0)
    for place in (fresh, old):
        store.create_bytes(place, b"")

    Shelf(store).drop("good")

    assert ("other",) == Shelf(store).list_names()
    assert (fresh,) == store.names("baselines/good/")

"""Whoever changes the exported files of an audit log is found out, without the database."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytest_atdm._audit_files import verify_files
from pytest_atdm.core.audit_check import LogVerdict, parse_checkpoint
from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.ulid import make_ulid
from seeder.db.export import ExportQueue
from seeder.export import Exporter
from seeder.metrics import Counters
from seeder.store.local import LocalStore
from tests.database.world import RUN, World, planned

MakeWorld = Callable[..., World]
Rows = list[dict[str, Any]]

ONE, TWO, THREE = (make_ulid(moment, bytes(10)) for moment in (1, 2, 3))


@pytest.fixture
def copies(make_world: MakeWorld, tmp_path: Path) -> Path:
    """The exported files of four runs, in the order of their ends: RUN, ONE, TWO, THREE."""
    world = make_world("CREATE TABLE item (id serial PRIMARY KEY)")
    for run_id in (ONE, TWO, THREE):
        world.start_run(run_id)
        world.reset(world.seed(planned("item", "item", {}, id="item.id"), run_id=run_id))
    for run_id in (RUN, ONE, TWO, THREE):
        world.wait(world.database.reset_run(run_id))
    queue = ExportQueue(world.database._pool, holder="seeder")
    exporter = Exporter(queue, LocalStore(tmp_path), Counters(), asyncio.Event())
    assert 4 == world.wait(exporter.export_all())
    return tmp_path


def verify(copies: Path, expected: str = "") -> LogVerdict:
    """The verdict on the files."""
    return verify_files(str(copies), parse_checkpoint(expected) if expected else None)


def find(copies: Path, run_id: str) -> Path:
    """The file of a run."""
    (path,) = copies.rglob(f"run={run_id}/*.parquet")
    return path


def rewrite(path: Path, change: Callable[[Rows], Rows], told: dict[str, str] | None = None) -> None:
    """Write a file anew with its events changed, and with what *told* says in its metadata."""
    with pq.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.read().to_pylist()
    metadata = {**schema.metadata, **{f"atdm_{key}".encode(): text.encode() for key, text in (told or {}).items()}}
    pq.write_table(pa.Table.from_pylist(change(rows), schema.with_metadata(metadata)), path)


def read_told(path: Path) -> dict[str, str]:
    """What a file's metadata say."""
    with pq.ParquetFile(path) as file:
        return {key.decode().removeprefix("atdm_"): text.decode() for key, text in file.schema_arrow.metadata.items()}


def read_rows(path: Path) -> Rows:
    """The events of a file."""
    with pq.ParquetFile(path) as file:
        rows: Rows = file.read().to_pylist()
        return rows


def keep(rows: Rows) -> Rows:
    """No change."""
    return rows


def edit(rows: Rows) -> Rows:
    """The text of an event says something else."""
    return [{**row, "body": row["body"].replace("tests", "nobody")} for row in rows]


def edit_column(rows: Rows) -> Rows:
    """A column beside the text says something else."""
    return [rows[0], {**rows[1], "kind": "seed_committed"}, *rows[2:]]


def rehash(rows: Rows) -> Rows:
    """All hashes fit the texts."""
    previous = rows[0]["previous"]
    for row in rows:
        row["previous"] = previous
        previous = row["hash"] = hashlib.sha256(previous + row["body"].encode()).digest()
    return rows


def edit_and_rehash(rows: Rows) -> Rows:
    """An event says something else in text and columns, and all hashes fit."""
    detail = rows[0]["detail"].replace("tests", "nobody")
    return rehash([{**rows[0], "detail": detail, "body": rows[0]["body"].replace("tests", "nobody")}, *rows[1:]])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (edit, "event 1 was changed: its hash is of another text"),
        (edit_column, "event 2 was changed: its columns say otherwise than its text"),
        (lambda rows: [rows[0], *rows[2:]], "event 2 is missing: event 3 stands in its place"),
        (lambda rows: rows[1:], "event 1 is missing"),
        (lambda rows: rows[:-1], "are missing"),
        (lambda rows: [], "events from 1 on are missing"),
        (lambda rows: [rows[0], rows[0], *rows[1:]], "event 1 stands there more than once"),
        (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], "event 2 is missing: event 3 stands in its place"),
        (lambda rows: [*rows, {**rows[0], "seq": len(rows) + 1}], "does not follow what stands before it"),
        (edit_and_rehash, "were written anew: seal 2 is of others"),
    ],
    ids=["edit", "column", "delete", "first", "truncate", "empty", "duplicate", "reorder", "insert", "rehash"],
)
def test_a_changed_event_is_named(copies: Path, change: Callable[[Rows], Rows], what: str) -> None:
    """Whatever is done to the events of a file, the run and the first event that is wrong are named."""
    rewrite(find(copies, ONE), change)

    verdict = verify(copies)

    assert [ONE] == [flaw.run_id for flaw in verdict.flaws]
    assert what in verdict.flaws[0].what


def test_a_seal_that_is_made_to_fit_breaks_the_next(copies: Path) -> None:
    """Whoever hashes a run anew and its seal too does not fit the seal that follows."""
    path = find(copies, ONE)
    rewrite(path, edit_and_rehash)
    told = read_told(path)
    head = read_rows(path)[-1]["hash"]
    body = json.dumps({**json.loads(told["seal_body"]), "head": head.hex()})
    digest = hashlib.sha256(bytes.fromhex(told["seal_previous"]) + body.encode()).hexdigest()
    rewrite(path, keep, {"seal_body": body, "seal_hash": digest})

    verdict = verify(copies)

    assert "seal 3 was changed, removed, inserted or moved" == verdict.flaws[-1].what
    assert any("seal 2 is not that of the checkpoint" in flaw.what or flaw.seal == 3 for flaw in verdict.flaws)


def test_a_removed_file_is_named_by_its_seal(copies: Path) -> None:
    """A gap in the chain of seals is a file that is not there."""
    find(copies, TWO).unlink()

    assert "seal 3 was changed, removed, inserted or moved" in [flaw.what for flaw in verify(copies).flaws]


def test_the_newest_file_is_missed_by_the_checkpoint_beside_it(copies: Path) -> None:
    """Without the newest file the others fit one another; the checkpoint that stands in the store does not."""
    find(copies, THREE).unlink()

    assert ["seal 4, of the checkpoint, is missing: the log has 3 seals"] == [
        flaw.what for flaw in verify(copies).flaws
    ]


def test_without_that_only_an_outside_checkpoint_finds_it(copies: Path) -> None:
    """Whoever removes the newest file and the store's checkpoints leaves no trace here; the one printed shows it."""
    printed = verify(copies).checkpoint
    find(copies, THREE).unlink()
    for path in copies.rglob("checkpoints/*"):
        path.unlink()

    assert verify(copies).intact
    assert ["seal 4, of the checkpoint, is missing: the log has 3 seals"] == [
        flaw.what for flaw in verify(copies, printed).flaws
    ]


def test_all_written_anew_is_found_by_a_checkpoint_alone(copies: Path) -> None:
    """A whole log that somebody made up, seals and all, fits itself, and not the checkpoint that was printed."""
    printed = verify(copies).checkpoint
    for path in copies.rglob("checkpoints/*"):
        path.unlink()
    previous = bytes(32)
    for path in sorted(copies.rglob("*.parquet"), key=lambda path: int(read_told(path)["seal_ordinal"])):
        rewrite(path, edit_and_rehash)
        head = read_rows(path)[-1]["hash"]
        body = json.dumps({**json.loads(read_told(path)["seal_body"]), "head": head.hex()})
        digest = hashlib.sha256(previous + body.encode()).digest()
        told = {"seal_body": body, "seal_previous": previous.hex(), "seal_hash": digest.hex()}
        rewrite(path, keep, told)
        previous = digest

    assert verify(copies).intact
    (flaw,) = verify(copies, printed).flaws
    assert "seal 4 is not that of the checkpoint: the log was written anew before it" == flaw.what


def test_a_forged_checkpoint_fits_nothing(copies: Path) -> None:
    """A checkpoint that was never given is not taken for one."""
    (flaw,) = verify(copies, f"4:{'00' * 32}").flaws

    assert "seal 4 is not that of the checkpoint: the log was written anew before it" == flaw.what


def test_a_copied_file_is_named(copies: Path) -> None:
    """A file under another name than its own was put there."""
    path = find(copies, ONE)
    shutil.copy(path, path.with_name("00000500-00000600.parquet"))

    (flaw,) = verify(copies).flaws

    assert "00000500-00000600.parquet: the file was moved or copied: it is audit/" in flaw.what


@pytest.mark.parametrize("content", [b"", b"no Parquet at all", None], ids=["empty", "other", "cut"])
def test_a_file_that_cannot_be_read_is_named(copies: Path, content: bytes | None) -> None:
    """A damaged file is a flaw like another, and the rest is judged."""
    path = find(copies, ONE)
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)

    flaws = verify(copies).flaws

    assert f"{path.relative_to(copies)}: the file cannot be read" in flaws[0].what
    assert flaws[1].seal == 2


def test_damage_in_the_middle_of_a_file_is_named(copies: Path) -> None:
    """Whatever byte of the events is flipped, it is not passed over."""
    path = find(copies, ONE)
    whole = path.read_bytes()
    rows = read_rows(path)
    found = 0
    for place in range(4, len(whole) - 8, 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        if verify(copies).intact:
            assert rows == read_rows(path)  # the byte says nothing of the events: a statistic, or padding
        else:
            found += 1

    assert found


def test_other_columns_are_refused(copies: Path) -> None:
    """A file with its columns changed is none of those that were written."""
    path = find(copies, ONE)
    with pq.ParquetFile(path) as file:
        table = file.read().drop_columns("detail")
    pq.write_table(table, path)

    assert "the file has other columns than those that were written" in verify(copies).flaws[0].what


def test_a_folder_of_the_log_will_do(copies: Path) -> None:
    """Whoever copies only the folder of one log can judge it."""
    (log,) = (copies / "audit").iterdir()

    assert verify(log).intact
    assert verify(log).checkpoint == verify(copies).checkpoint
    assert verify(copies / "audit").intact


def test_baselines_beside_the_log_are_no_part_of_it(copies: Path) -> None:
    """A seeder keeps both in one store, and whoever names a folder above it has the log judged all the same."""
    store = copies / "embedded" / "store"
    (store / "baselines" / "friday").mkdir(parents=True)
    (copies / "audit").rename(store / "audit")
    pq.write_table(pa.table({"n": [1]}), store / "baselines" / "friday" / "0.parquet")

    assert verify(store).intact
    assert verify(copies).intact


def test_several_logs_and_one_checkpoint_are_refused(copies: Path) -> None:
    """A checkpoint is of one log, and which one it is of must be said."""
    (log,) = (copies / "audit").iterdir()
    other = log.with_name("log=other")
    shutil.copytree(log, other)
    for path in other.rglob("*.parquet"):
        rewrite(path, keep, {"log": "other"})

    assert (8, "") == (verify(copies).seals, verify(copies).checkpoint)
    assert verify(copies).intact
    with pytest.raises(SettingError, match="2 logs") as caught:
        verify(copies, f"4:{'00' * 32}")
    assert "log=other" in caught.value.hint


def test_a_folder_without_a_log_is_an_error(tmp_path: Path) -> None:
    """Nothing to judge is not the same as nothing wrong."""
    with pytest.raises(SettingError, match="there is no file of an audit log here") as caught:
        verify(tmp_path)
    assert "name the folder that has audit/" in caught.value.hint
    with pytest.raises(SettingError, match="there is no such folder"):
        verify(tmp_path / "nowhere")

"""Plays every cell of what is kept; run by ``make chaos``."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.keeping.cells import CELLS, Cell
from tests.chaos.keeping.stage import Stage
from tests.chaos.keeping.verify import check_baselines, check_export, free_held_seals
from tests.chaos.matrix import running_server, showing_logs
from tests.chaos.server import Server
from tests.store.server import S3Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A Postgres that nothing happens to."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[S3Server]:
    """A store that each cell leaves running, with its bucket."""
    with tempfile.TemporaryDirectory(prefix="atdm-chaos-s3-") as folder, S3Server(Path(folder)) as server:
        yield server


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_nothing_is_lost(
    cell: Cell,
    server: Server,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    """After the fault the export holds each event once, baselines are whole or absent, the target is old or new."""
    bucket = request.getfixturevalue("bucket_server") if cell.is_bucket else None
    with showing_logs(tmp_path), contextlib.closing(Stage(tmp_path, server, bucket)) as stage:
        outcome = _play(cell, stage) if cell.starts else _play_start(cell, stage)
        record_property("outcome", outcome)
        free_held_seals(stage)
        stage.end_a_run()  # what comes after is exported like what came before
        check_export(stage, loses_files=cell.loses_files)
        check_baselines(stage)


def _play(cell: Cell, stage: Stage) -> str:
    stage.start_seeder(0, cell.environment)
    cell.prepare(stage)
    stage.arm()
    cell.strike(stage)
    try:
        outcome = stage.attempt(cell.act)
    finally:
        cell.heal(stage)
    assert outcome in cell.expected, f"{outcome}, and not one of {cell.expected}"
    cell.again(stage)
    return outcome


def _play_start(cell: Cell, stage: Stage) -> str:
    """Return what a seeder says that does not start."""
    cell.strike(stage)
    code = stage.try_seeder()
    cell.heal(stage)
    assert 2 == code, stage.log
    assert "writes over what stands" in stage.log
    stage.start_seeder()
    return "setting_error"

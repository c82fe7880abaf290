"""Plays every cell of the matrix; run by ``make chaos``."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.cells import CELLS, Cell, arrive, go_on
from tests.chaos.server import Server, wait_until
from tests.chaos.stage import DEADLINE_S, Bystander, Stage
from tests.chaos.verify import check_database, check_session, wait_until_settled


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Yield a Postgres of one's own."""
    # Not below tmp_path: its folders are closed to others, and Postgres does not run as root.
    with tempfile.TemporaryDirectory(prefix="atdm-chaos-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with contextlib.closing(Server(Path(folder))) as server:
            yield server


@contextlib.contextmanager
def showing_logs(place: Path) -> Iterator[None]:
    """Show what session and seeder have said where the block fails."""
    try:
        yield
    except BaseException:
        for log in ("session.log", "seeder.log"):
            if (place / log).exists():
                print(f"--- {log}", (place / log).read_text(encoding="utf-8", errors="replace")[-20000:], sep="\n")
        raise


@contextlib.contextmanager
def showing_stacks(stage: Stage) -> Iterator[None]:
    """Have a session that goes on where the block fails say in its log where it stands."""
    try:
        yield
    except BaseException:
        stage.show_stacks()
        raise


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    """A Postgres that nothing happens to."""
    with running_server() as server:
        yield server


@pytest.fixture
def server(cell: Cell, request: pytest.FixtureRequest) -> Iterator[Server]:
    """The Postgres of the cell: one of its own, where something happens to it."""
    if not cell.fault.owns_postgres:
        yield request.getfixturevalue("shared_server")
        return
    with running_server() as own:
        yield own


@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_nothing_leaks(
    cell: Cell, server: Server, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """After the fault the database is what it was before, the log is whole, and the user has seen one clear error."""
    with showing_logs(tmp_path), contextlib.closing(Stage(tmp_path, server)) as stage, showing_stacks(stage):
        stage.start_seeder()
        with contextlib.closing(Bystander(stage)) as bystander:
            record_property("outcome", _play(cell, stage))
            wait_until_settled(stage, bystander)
            check_database(stage, bystander)


def _play(cell: Cell, stage: Stage) -> str:
    if cell.fault.prepare is not None:
        cell.fault.prepare(stage)
    arrive(stage, cell.moment, cell.fault)
    cell.fault.strike(stage)
    go_on(stage)
    if cell.fault.heal is not None:
        cell.fault.heal(stage)
    wait_until(lambda: stage.has_ended, "the session ends", DEADLINE_S)
    return check_session(stage, cell.fault.expected)

"""The project's migrations beside the processes that start, share, kill and end one another meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.errors import MigrationFailed, SettingError
from pytest_atdm.core.migrations import MigrationSource
from seeder.migrations import read_migrations, run_command
from tests.process.actors import holder, is_running, query, state_folder, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_atdm._sidecar import Sidecar
    from tests.process.conftest import Ensure

COLUMNS = "select string_agg(column_name, ' ') from information_schema.columns where table_schema = 'public'"
TEMPLATES = "select string_agg(datistemplate::text, ' ') from pg_database where datname like 'atdm\\_%'"
#: Says that it has run, makes a table as a tool of the project would, and then waits until it may go on.
MAKE = """
    import asyncio, os, pathlib, time
    import asyncpg

    async def make():
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        await connection.execute(pathlib.Path("tables/1.sql").read_text())
        await connection.close()

    with open("ran", "a") as file:
        print(os.getpid(), os.getppid(), file=file)
    asyncio.run(make())
    while not os.path.exists("go"):
        time.sleep(0.01)
"""
BY_COMMAND = MigrationSource(command="exec python make.py", files=("tables",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root folder of a project with one table, made by a command that need not wait."""
    (tmp_path / "make.py").write_text(textwrap.dedent(MAKE))
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/1.sql").write_text("CREATE TABLE made (a integer PRIMARY KEY)")
    (tmp_path / "go").touch()
    return tmp_path


def by_folder(root: Path) -> MigrationSource:
    """Return the same tables made by the files alone."""
    return MigrationSource(folder=str(root / "tables"))


def read_runs(root: Path) -> list[list[int]]:
    """Return process id and parent's process id of each run of the command."""
    file = root / "ran"
    return [[int(word) for word in line.split()] for line in file.read_text().splitlines()] if file.exists() else []


def ask(sidecar: Sidecar, *statements: str) -> object:
    """Return what the live database answers to the last of *statements*."""
    return query(sidecar.address.database_url, *statements)


def test_a_change_begins_without_runs(ensure: Ensure, root: Path) -> None:
    """Unchanged migrations keep what ATDM knows; changed ones make a database in which nothing has happened yet."""
    columns, values = "run_id, session_id, actor, seed, as_of, positions", "'r', 's', 'a', 0, now(), '{}'"
    first = ensure(migrations=BY_COMMAND)
    ask(first, f"insert into atdm.run ({columns}) values ({values})")  # noqa: S608 - constants above
    first.close()
    second = ensure(migrations=BY_COMMAND)
    kept = ask(second, "select count(*) from atdm.run")
    second.close()
    (root / "tables/1.sql").write_text("CREATE TABLE made (a integer PRIMARY KEY, b integer)")

    third = ensure(migrations=BY_COMMAND)

    assert (1, 0) == (kept, ask(third, "select count(*) from atdm.run"))
    assert "a b" == ask(third, COLUMNS)
    assert 2 == len(read_runs(root))


def test_from_the_domains_migrations_to_the_projects(ensure: Ensure, root: Path) -> None:
    """A database that was made without the project's migrations is made anew with them, and only they count."""
    ensure().close()

    assert "a" == ask(ensure(migrations=by_folder(root)), COLUMNS)


def test_the_command_is_told_the_database_and_runs_in_the_root_folder(ensure: Ensure, root: Path) -> None:
    """DATABASE_URL and libpq's variables name one database; programs of the tests' environment come first."""
    command = "python make.py && env > told && pwd > where"

    ensure(migrations=MigrationSource(command=command, files=("tables",)))

    told = dict(line.partition("=")[::2] for line in (root / "told").read_text().splitlines())
    parts = "postgresql://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}"
    assert parts.format(**told) == told["DATABASE_URL"]
    assert f"{root}\n" == (root / "where").read_text()


def test_a_failing_command_is_quoted(ensure: Ensure, root: Path, folder: Path) -> None:
    """Its exit code, the last lines that it printed, and what to do; corrected, it runs from the start."""
    (root / "make.py").write_text("print('one line', flush=True)\nraise SystemExit('no such revision')")

    with pytest.raises(MigrationFailed) as caught:
        ensure(migrations=BY_COMMAND)

    log = state_folder(folder) / "migrate.log"
    assert caught.value.message == (
        f'the command "exec python make.py" in {root} ended with exit code 1; {log} ends with:'
        "\n  | one line\n  | no such revision"
    )
    assert "the next start runs it again" in caught.value.hint
    (root / "make.py").write_text(textwrap.dedent(MAKE))
    assert "a" == ask(ensure(migrations=BY_COMMAND), COLUMNS)


def test_a_command_that_hangs_is_ended(root: Path) -> None:
    """After the limit it is killed, with all that it has started."""
    command = "sleep 60 & echo $! > below; sleep 60"
    migrations = read_migrations(MigrationSource(command=command, files=("tables",)), root, root / "migrate.log")

    with pytest.raises(MigrationFailed, match=r"did not end within 0\.5 s; .*migrate\.log ends with") as caught:
        asyncio.run(run_command(migrations, "postgresql://someone:secret@127.0.0.1:1/none", limit_s=0.5))

    assert "correct the command" in caught.value.hint
    below = int((root / "below").read_text())
    wait_until(lambda: not is_running(below))


def kill_seeder(command: int, seeder: int) -> None:
    """End the seeder of a half-done command without a chance to clean up."""
    os.kill(seeder, signal.SIGKILL)


def kill_command(command: int, seeder: int) -> None:
    """End the half-done command without a chance to clean up."""
    os.kill(command, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_seeder, kill_command])
def test_after_a_kill_half_way_the_next_start_begins_anew(
    ensure: Ensure, root: Path, folder: Path, kill: Callable[[int, int], None]
) -> None:
    """SIGKILL of the seeder, or of the command, leaves a half-made database that nobody ever uses."""
    (root / "go").unlink()
    with holder(folder, migrations=BY_COMMAND) as starter:
        wait_until(lambda: len(read_runs(root)) == 1)

        kill(*read_runs(root)[0])

        starter.process.wait()
    (root / "go").touch()

    sidecar = ensure(migrations=BY_COMMAND)

    assert ("a", 2) == (ask(sidecar, COLUMNS), len(read_runs(root)))
    assert "true" == ask(sidecar, TEMPLATES)


def test_a_killed_starter_leaves_no_command_running(root: Path, folder: Path) -> None:
    """Who stops waiting, by Ctrl-C or worse, does not leave a migration behind that goes on for minutes."""
    (root / "go").unlink()
    with holder(folder, migrations=BY_COMMAND) as starter:
        wait_until(lambda: len(read_runs(root)) == 1)
        pids = read_runs(root)[0]

        starter.kill()

        wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_processes_at_once_run_the_command_once(root: Path, folder: Path) -> None:
    """However many workers start together, one of them has the tables made, and all use them."""
    with holder(folder, migrations=BY_COMMAND) as one, holder(folder, migrations=BY_COMMAND) as two:
        said = [each.read() for each in (one, two)]

        assert said[0] == said[1]
        assert 1 == len(read_runs(root))


def test_a_running_seeder_is_joined_by_who_means_its_tables(ensure: Ensure, root: Path) -> None:
    """The same migrations join, and so does who names none; others, or changed ones, are told what holds it."""
    ensure(migrations=BY_COMMAND)

    ensure(migrations=BY_COMMAND)
    ensure()
    with pytest.raises(SettingError, match="has a database of other migrations"):
        ensure(migrations=by_folder(root))
    (root / "tables/1.sql").write_text("CREATE TABLE made (b integer PRIMARY KEY)")
    with pytest.raises(SettingError, match="or they have changed since it started") as caught:
        ensure(migrations=BY_COMMAND)
    assert "end what holds it" in caught.value.hint

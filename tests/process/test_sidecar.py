"""The seeder is found or started, shared, held on to, and gone with its last holder; its data stays."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.process.actors import (
    A_KNOWN_USER,
    CATALOG,
    PATIENCE_S,
    answers,
    become_user,
    holder,
    is_running,
    postgres_pid,
    query,
    seeder_pid,
    state_folder,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.process.conftest import Ensure


def test_a_started_seeder_answers_and_owns_a_database(ensure: Ensure) -> None:
    """Where nothing was, a seeder answers at its address, beside an empty database that any client can reach by TCP."""
    sidecar = ensure()

    assert answers(sidecar.address.url)
    assert "embedded" == sidecar.address.origin
    assert "atdm on UTC" == query(
        sidecar.address.database_url, "select current_database() || ' on ' || current_setting('timezone')"
    )


def test_acknowledged_commits_are_written(ensure: Ensure) -> None:
    """Only what helps after a crash of the machine is off: a commit still waits for its record to be written."""
    sidecar = ensure()

    assert "on off off" == query(
        sidecar.address.database_url,
        "select concat_ws(' ', current_setting('synchronous_commit'), current_setting('fsync'),"
        " current_setting('full_page_writes'))",
    )


def test_close_returns_when_all_is_gone(ensure: Ensure, folder: Path) -> None:
    """After the last close neither seeder nor Postgres runs, and no address is left to be found."""
    sidecar = ensure()
    pids = seeder_pid(folder), postgres_pid(folder)

    sidecar.close()
    sidecar.close()  # a second time changes nothing

    assert [False, False] == [is_running(pid) for pid in pids]
    assert not (state_folder(folder) / "seeder.json").exists()


def test_data_stays_from_one_start_to_the_next(ensure: Ensure) -> None:
    """The database of a folder is the same one at the next start, under the same password."""
    first = ensure()
    query(first.address.database_url, "create table kept as select 42 as number")
    first.close()

    second = ensure()

    assert 42 == query(second.address.database_url, "select number from kept")


def test_concurrent_starters_share_one_seeder(folder: Path) -> None:
    """However many processes start at once, one seeder starts and all of them use it."""
    with holder(folder) as one, holder(folder) as two, holder(folder) as three:
        said = [each.read() for each in (one, two, three)]

        assert 1 == len({each["url"] for each in said})
        assert answers(said[0]["url"])
        pid = seeder_pid(folder)
        for each in (one, two, three):
            each.let_go()
    wait_until(lambda: not is_running(pid))


def test_a_joiner_keeps_the_seeder_alive(ensure: Ensure, folder: Path) -> None:
    """When the starter lets go, the seeder stays for whoever joined, and ends with the last of them."""
    starter, joiner = ensure(), ensure()
    pid = seeder_pid(folder)

    starter.close()

    assert answers(joiner.address.url)
    assert starter.address == joiner.address
    joiner.close()
    wait_until(lambda: not is_running(pid))


def test_who_comes_while_the_seeder_ends_starts_another(ensure: Ensure, folder: Path) -> None:
    """A seeder that is ending takes no joiner; whoever comes then waits for its end and starts the next."""
    starter, joiner = ensure(), ensure()
    starter.close()
    first_pid = seeder_pid(folder)

    joiner.close()  # does not wait: the seeder is about to end
    second = ensure()

    assert first_pid != seeder_pid(folder)
    assert answers(second.address.url)


def test_a_killed_starter_leaves_nothing_running(folder: Path) -> None:
    """SIGKILL of the only holder ends the seeder and its Postgres."""
    with holder(folder) as starter:
        starter.read()
        pids = seeder_pid(folder), postgres_pid(folder)

        starter.kill()

        wait_until(lambda: not any(is_running(pid) for pid in pids))


def test_a_killed_seeder_takes_its_postgres_along(ensure: Ensure, folder: Path) -> None:
    """SIGKILL of the seeder ends Postgres; what was committed is there after the next start."""
    first = ensure()
    query(first.address.database_url, "create table kept as select 42 as number")
    pid = postgres_pid(folder)

    os.kill(seeder_pid(folder), signal.SIGKILL)

    wait_until(lambda: not is_running(pid))
    first.close()
    second = ensure()
    assert 42 == query(second.address.database_url, "select number from kept")


def test_a_killed_postgres_takes_its_seeder_along(ensure: Ensure, folder: Path) -> None:
    """SIGKILL of Postgres ends its seeder, whoever holds it; the next start has all that was acknowledged."""
    first = ensure()
    query(first.address.database_url, "create table kept as select 42 as number")
    pid = seeder_pid(folder)

    os.kill(postgres_pid(folder), signal.SIGKILL)

    wait_until(lambda: not is_running(pid))
    assert (
        "the embedded Postgres has ended, and so does its seeder" in (state_folder(folder) / "seeder.log").read_text()
    )
    second = ensure()
    assert 42 == query(second.address.database_url, "select number from kept")


def test_a_seeder_that_lost_its_postgres_says_so(folder: Path) -> None:
    """A seeder that humans start ends with the error and what Postgres said last, and with the code of its kind."""
    words = [
        sys.executable,
        "-m",
        "seeder",
        "serve",
        f"--catalog={CATALOG}",
        f"--embedded={folder / 'own'}",
        "--port=0",
    ]
    with subprocess.Popen(words, env=os.environ | {"ATDM_TOKEN": "t"}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()  # it is ready
        os.kill(postgres_pid(folder), signal.SIGKILL)
        said = process.communicate(timeout=PATIENCE_S)[1]

    assert 3 == process.returncode
    assert "the embedded Postgres ended by itself with -9; " in said
    assert "hint: run the tests again: the next start recovers it" in said


def test_a_half_made_database_is_made_anew(ensure: Ensure, folder: Path) -> None:
    """A data directory that no start has finished is replaced, whatever it holds."""
    ensure().close()
    cluster = state_folder(folder) / "postgres"
    (cluster / "complete").unlink()
    (cluster / "data" / "PG_VERSION").unlink()

    sidecar = ensure()

    assert "atdm" == query(sidecar.address.database_url, "select current_database()")


def test_another_catalog_has_a_seeder_and_a_database_of_its_own(ensure: Ensure, tmp_path: Path) -> None:
    """A running seeder is joined only by those who mean the same catalog and the same database."""
    other_catalog = shutil.copytree(CATALOG, tmp_path / "other" / "catalog")
    one, other = ensure(), ensure(catalog=other_catalog)

    assert one.address.url != other.address.url
    assert one.address.database_url != other.address.database_url


def test_a_joiner_must_show_the_token(ensure: Ensure, folder: Path) -> None:
    """Nobody without the token can keep a seeder alive."""
    ensure()
    lifeline = int((state_folder(folder) / "seeder.json").read_text().rpartition('"lifeline": ')[2].rstrip("}"))

    with socket.create_connection(("127.0.0.1", lifeline), timeout=PATIENCE_S) as stranger:
        stranger.sendall(b"let me in\n")
        answer = stranger.recv(16)

    assert b"" == answer


def test_secrets_are_readable_by_their_owner_alone(ensure: Ensure, folder: Path) -> None:
    """Token and database password stand in files of mode 0600, below a data directory of mode 0700."""
    sidecar = ensure()
    state = state_folder(folder)

    modes = [path.stat().st_mode & 0o777 for path in (state / "seeder.json", state / "postgres" / "password")]

    assert [0o600, 0o600] == modes
    assert 0o700 == (state / "postgres").stat().st_mode & 0o777
    assert sidecar.address.token not in repr(sidecar)


def test_the_database_refuses_a_wrong_password(ensure: Ensure) -> None:
    """Another user of the machine reaches the port, but not the data."""
    sidecar = ensure()
    wrong_url = str(sidecar.address.database_url).replace("@127.0.0.1:", "-not@127.0.0.1:")

    with pytest.raises(asyncpg.InvalidPasswordError):
        query(wrong_url, "select 1")


def test_git_sees_nothing_of_the_state(ensure: Ensure, folder: Path) -> None:
    """The state folder keeps itself out of version control."""
    ensure().close()

    assert "*\n" == (folder / ".gitignore").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; all other tests ran as a normal one")
def test_a_normal_user_needs_no_privilege(folder: Path) -> None:
    """A normal user starts seeder and Postgres in a folder of their own."""
    folder.mkdir()
    with holder(folder, prefix=become_user(A_KNOWN_USER, folder)) as starter:
        said = starter.read()

        assert answers(said["url"])
        assert A_KNOWN_USER == (state_folder(folder) / "postgres" / "data").stat().st_uid
        starter.let_go()

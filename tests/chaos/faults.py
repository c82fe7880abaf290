"""What happens to the parts of a stage: each act is a fault, or its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import asyncpg

from tests.chaos.server import Sql, wait_until
from tests.chaos.stage import DEADLINE_S, LEASE_S

if TYPE_CHECKING:
    from tests.chaos.proxy import Proxy
    from tests.chaos.stage import Stage

Act: TypeAlias = "Callable[[Stage], None]"


# -- processes


def kill_session(stage: Stage, number: signal.Signals = signal.SIGKILL) -> None:
    """Send the signal to the session's process, and see it end."""
    assert stage.session is not None
    stage.session.send_signal(number)
    stage.session.wait(DEADLINE_S)


def end_session(number: signal.Signals) -> Act:
    """End the session by the signal."""
    return lambda stage: kill_session(stage, number)


def interrupt_session(stage: Stage) -> None:
    """Press Ctrl-C."""
    assert stage.session is not None
    stage.session.send_signal(signal.SIGINT)


def stop_session(stage: Stage) -> None:
    """Stop the process that runs the tests; it goes on some day."""
    stage.stopped = _pid_at_work(stage)
    os.kill(stage.stopped, signal.SIGSTOP)


def continue_session_once_reaped(stage: Stage) -> None:
    """Wake the stopped process when its run has been reaped."""
    reaped = "SELECT count(*) FROM atdm.run WHERE state = 'reaped'"
    wait_until(lambda: stage.sql.value(reaped) > 0, "the stopped run is reaped", DEADLINE_S)
    os.kill(stage.stopped, signal.SIGCONT)


def kill_worker(stage: Stage) -> None:
    """Kill the process that runs the tests."""
    os.kill(_pid_at_work(stage), signal.SIGKILL)


def _pid_at_work(stage: Stage) -> int:
    """Return the process that runs the tests: pytest, or the worker that came last to a moment."""
    return stage.pid_at("body" if (stage.place / "body.pid").exists() else "before")


def end_seeder(number: signal.Signals) -> Act:
    """End the seeder by the signal."""
    return lambda stage: stage.end_seeder(number)


def stop_seeder(stage: Stage) -> None:
    """Stop the seeder; it goes on some day."""
    assert stage.seeder is not None
    stage.seeder.send_signal(signal.SIGSTOP)


def continue_seeder(stage: Stage) -> None:
    """Wake the seeder when the session has given up on it."""
    assert stage.seeder is not None
    _wait_for_end(stage)
    stage.seeder.send_signal(signal.SIGCONT)


def start_seeder_again(stage: Stage) -> None:
    """Start the seeder again, as whoever watches over it would."""
    stage.start_seeder()


def _wait_for_end(stage: Stage) -> None:
    wait_until(lambda: stage.has_ended, "the session ends while the fault lasts", DEADLINE_S)


def restart_postgres(number: signal.Signals) -> Act:
    """End Postgres by the signal, and start it again."""
    return lambda stage: stage.restart_postgres(number)


def stop_postgres(stage: Stage) -> None:
    """Stop every process of Postgres; they go on some day."""
    stage.release()
    stage.server.send(signal.SIGSTOP)


def continue_postgres(stage: Stage) -> None:
    """Wake Postgres when the session has given up on it."""
    _wait_for_end(stage)
    stage.server.send(signal.SIGCONT)


_TERMINATE: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'atdm%'"
)


def terminate_backends(stage: Stage) -> None:
    """End the seeder's connections, as an administrator would."""
    with contextlib.closing(Sql(stage.url)) as sql:
        sql.execute(_TERMINATE)


def make_read_only(stage: Stage) -> None:
    """Have the database take no changes."""
    with contextlib.closing(Sql(stage.url)) as sql:
        sql.execute(f"ALTER DATABASE {stage.database} SET default_transaction_read_only = on")
    terminate_backends(stage)


def make_writable(stage: Stage) -> None:
    """Have the database take changes again when the session is over."""
    _wait_for_end(stage)
    with contextlib.closing(Sql(stage.server.url)) as sql:
        sql.execute(f"ALTER DATABASE {stage.database} RESET default_transaction_read_only")
    terminate_backends(stage)


_TAKEN: Final[list[Sql]] = []


def take_all_connections(stage: Stage) -> None:
    """Take every connection there is, those of the seeder as well, while it cannot open new ones."""
    assert stage.seeder is not None
    stage.seeder.send_signal(signal.SIGSTOP)
    stage.sql.execute(_TERMINATE)
    left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'atdm%'"
    wait_until(lambda: stage.sql.value(left) == 0, "the seeder's connections end")
    _take_free_connections(stage)
    stage.seeder.send_signal(signal.SIGCONT)


def _take_free_connections(stage: Stage) -> None:
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        while True:
            _TAKEN.append(Sql(stage.url))


def give_connections_back(stage: Stage) -> None:
    """Close them when the session is over."""
    _wait_for_end(stage)
    while _TAKEN:
        _TAKEN.pop().close()


_FULL: Final = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON loans FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def fill_disk(stage: Stage) -> None:
    """Have the table that is seeded last refuse rows in the words of a full disk."""
    stage.sql.execute(_FULL)


def free_disk(stage: Stage) -> None:
    """Make room when the session is over."""
    _wait_for_end(stage)
    stage.sql.execute("DROP FUNCTION refuse() CASCADE")


def lock_table(stage: Stage) -> None:
    """Hold a table of the scenario for longer than anybody waits."""
    stage.sql.execute("BEGIN; LOCK TABLE loans IN ACCESS EXCLUSIVE MODE")


def unlock_table_after_end(stage: Stage) -> None:
    """Let go of it when the session is over."""
    _wait_for_end(stage)
    stage.sql.execute("ROLLBACK")


# -- the network


def on(proxy: Callable[[Stage], Proxy], act: Callable[[Proxy], None]) -> Act:
    """Do that to a part of the network."""
    return lambda stage: act(proxy(stage))


def to_seeder(stage: Stage) -> Proxy:
    """Return what stands between pytest and the seeder."""
    return stage.to_seeder


def to_postgres(stage: Stage) -> Proxy:
    """Return what stands between the seeder and Postgres."""
    return stage.to_postgres


def reset(proxy: Proxy) -> None:
    """Break every connection."""
    proxy.reset()


def swallow(proxy: Proxy) -> None:
    """Let nothing through any more."""
    proxy.swallow()


def cut_request(proxy: Proxy) -> None:
    """Break the next request in its middle."""
    proxy.cut("request", 40)


def cut_answer(proxy: Proxy) -> None:
    """Break the next answer in its middle."""
    proxy.cut("answer", 20)


def delay(proxy: Proxy) -> None:
    """Hold up every message for 100 ms."""
    proxy.delay_s = 0.1


def heal_after_end(proxy: Callable[[Stage], Proxy]) -> Act:
    """Let everything through again when the session is over."""

    def heal(stage: Stage) -> None:
        _wait_for_end(stage)
        proxy(stage).heal()

    return heal


# -- the application


HOLDER: Final = """
import asyncio, os, sys
import asyncpg

async def hold():
    connection = await asyncpg.connect(os.environ["CHAOS_APPLICATION_URL"], timeout=5)
    await connection.execute("BEGIN; SELECT FROM loans WHERE state = 'overdue' FOR UPDATE")
    print("held", flush=True)
    await asyncio.sleep(600)

asyncio.run(hold())
"""

WRITER: Final = """
import asyncio, os
import asyncpg

async def write():
    connection = await asyncpg.connect(os.environ["CHAOS_APPLICATION_URL"], timeout=5)
    print("held", flush=True)
    while True:
        try:
            await connection.execute(
                "INSERT INTO reminders (loan_id, text) SELECT loan_id, 'more' FROM loans WHERE state = 'overdue'")
        except asyncpg.PostgresError:
            pass

asyncio.run(write())
"""


def start_application(program: str) -> Act:
    """Start an application that holds rows of the test in a transaction, or writes below them without end."""

    def start(stage: Stage) -> None:
        url = stage.server.url_of(stage.database, stage.application_to_postgres.port)
        environment = os.environ | {"CHAOS_APPLICATION_URL": url}
        command = [sys.executable, "-c", program]
        stage.application = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert stage.application.stdout is not None
        assert b"held\n" == stage.application.stdout.readline()

    return start


def strike_application(number: signal.Signals | None) -> Act:
    """Let the teardown come to the rows that the application holds, then send it the signal; None cuts its network."""

    def strike(stage: Stage) -> None:
        assert stage.application is not None
        stage.let_go("body")
        stage.wait_for_blocked()
        if number is None:
            stage.application_to_postgres.reset()
        else:
            stage.application.send_signal(number)

    return strike


def both(*acts: Act) -> Act:
    """Do one after the other."""

    def act(stage: Stage) -> None:
        for one in acts:
            one(stage)

    return act


def end_application(stage: Stage) -> None:
    """Kill it when the session is over."""
    assert stage.application is not None
    _wait_for_end(stage)
    stage.application.kill()
    stage.application.communicate()


# -- clocks


_CLOCK: Final = """
import os, time
_shift, _time, _time_ns = float(os.environ["CHAOS_CLOCK_SHIFT_S"]), time.time, time.time_ns
time.time = lambda: _time() + _shift
time.time_ns = lambda: _time_ns() + int(_shift * 1e9)
"""


def shift_clock(whose: Literal["session", "seeder"], shift_s: float) -> Act:
    """Have the clock of that process be wrong by so many seconds."""

    def shift(stage: Stage) -> None:
        folder = stage.place / "clock"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_CLOCK, encoding="utf-8")
        changed = {"PYTHONPATH": str(folder), "CHAOS_CLOCK_SHIFT_S": str(shift_s)}
        if whose == "session":
            stage.environment |= changed
        else:
            stage.seeder_environment |= changed
            stage.end_seeder(signal.SIGTERM)
            stage.start_seeder()

    return shift


def outlast_two_leases(_: Stage) -> None:
    """Let the test last for two leases."""
    time.sleep(2 * LEASE_S)


# -- the machine


def kill_everything(stage: Stage) -> None:
    """Kill all at once, and start Postgres again."""
    assert stage.session is not None
    assert stage.seeder is not None
    stage.session.kill()
    stage.seeder.kill()
    stage.restart_postgres(signal.SIGKILL)
    stage.session.wait()
    stage.seeder.wait()

"""The matrix: what is struck by which fault in which moment, and what the user may see of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from signal import SIGINT, SIGKILL, SIGSTOP, SIGTERM
from typing import TYPE_CHECKING, Final, Literal

from tests.chaos import faults

if TYPE_CHECKING:
    from tests.chaos.faults import Act
    from tests.chaos.stage import Stage

Moment = Literal["before the seed", "in the seed", "at its COMMIT", "in the test", "in the teardown", "in the reaper"]

BEFORE: Final[Moment] = "before the seed"
SEED: Final[Moment] = "in the seed"
COMMIT: Final[Moment] = "at its COMMIT"
TEST: Final[Moment] = "in the test"
TEARDOWN: Final[Moment] = "in the teardown"
REAPER: Final[Moment] = "in the reaper"
ALL: Final = (BEFORE, SEED, COMMIT, TEST, TEARDOWN)

GREEN: Final = ("green",)
DEAD: Final = ("dead",)
INTERRUPTED: Final = ("interrupted",)
CRASHED: Final = ("worker crashed",)
LOST: Final = ("lease_lost",)
UNREACHABLE: Final = ("seeder_unreachable",)
UNAVAILABLE: Final = ("database_unavailable",)
BUSY: Final = ("database_busy",)
_XDIST: Final = ("-n", "2")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to a component: *strike* while everything stands still in the moment; *heal* ends it.

    Between the two the moment goes on. *prepare* comes before the session starts. *expected*: what the user may see.
    """

    component: str
    name: str
    moments: tuple[Moment, ...]
    expected: tuple[str, ...]
    strike: Act
    heal: Act | None = None
    prepare: Act | None = field(default=None, kw_only=True)
    arguments: tuple[str, ...] = field(default=(), kw_only=True)
    tests: int = field(default=3, kw_only=True)
    owns_postgres: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault in one moment."""

    fault: Fault
    moment: Moment

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.fault.component}: {self.fault.name} {self.moment}"


def arrive(stage: Stage, moment: Moment, fault: Fault) -> None:
    """Start the session and return when it, or the seeder on its behalf, has come to *moment* and waits there."""
    if moment == COMMIT:
        stage.sql.execute("ALTER TABLE books ALTER CONSTRAINT books_genre_fkey DEFERRABLE INITIALLY DEFERRED")
    early = moment in (BEFORE, SEED, COMMIT)
    stage.start_session(*fault.arguments, moments="before" if early else "body", tests=fault.tests)
    stage.wait_for("before" if early else "body")
    if moment in (SEED, COMMIT):
        # The row that the new ones refer to: their foreign key waits for it, at once or at the end.
        stage.hold("SELECT FROM genres WHERE code = 'crime' FOR UPDATE")
        stage.let_go("before")
        stage.wait_for_blocked()
    elif moment == TEARDOWN:
        stage.hold("SELECT FROM loans WHERE state = 'overdue' FOR UPDATE")
        stage.let_go("body")
        stage.wait_for_blocked()
    elif moment == REAPER:
        stage.hold("SELECT FROM loans WHERE state = 'overdue' FOR UPDATE")
        faults.kill_session(stage)
        stage.wait_for_blocked()


def go_on(stage: Stage) -> None:
    """End what holds the moment."""
    stage.release()
    for moment in ("before", "body"):
        stage.let_go(moment)


_AGAIN: Final = faults.start_seeder_again
_HOLDING: Final = faults.start_application(faults.HOLDER)
_PYTEST_NET: Final = "network pytest - seeder"
_POSTGRES_NET: Final = "network seeder - Postgres"
_IN_WORK: Final = (SEED, COMMIT, TEST, TEARDOWN)

FAULTS: Final = (
    Fault("pytest", "SIGKILL", ALL, DEAD, faults.end_session(SIGKILL)),
    Fault("pytest", "SIGTERM", ALL, DEAD, faults.end_session(SIGTERM)),
    Fault("pytest", "SIGINT", (TEST,), INTERRUPTED, faults.interrupt_session),
    Fault("pytest", "SIGSTOP past the lease", _IN_WORK, LOST, faults.stop_session, faults.continue_session_once_reaped),
    Fault("xdist worker", "SIGKILL", _IN_WORK, CRASHED, faults.kill_worker, arguments=_XDIST),
    Fault(
        "xdist worker", "SIGSTOP past the lease", (TEST,), LOST,
        faults.stop_session, faults.continue_session_once_reaped, arguments=_XDIST,
    ),
    Fault("xdist controller", "SIGKILL", (SEED, TEST, TEARDOWN), DEAD, faults.end_session(SIGKILL), arguments=_XDIST),
    Fault("seeder", "SIGKILL", ALL, (*UNREACHABLE, *GREEN), faults.end_seeder(SIGKILL), _AGAIN),
    Fault("seeder", "SIGKILL", (REAPER,), DEAD, faults.end_seeder(SIGKILL), _AGAIN),
    Fault("seeder", "SIGTERM", (BEFORE, TEST), (*UNREACHABLE, *GREEN), faults.end_seeder(SIGTERM), _AGAIN),
    Fault("seeder", "SIGSTOP past the lease", _IN_WORK, UNREACHABLE, faults.stop_seeder, faults.continue_seeder),
    Fault("Postgres", "SIGKILL", ALL, GREEN, faults.restart_postgres(SIGKILL), owns_postgres=True),
    Fault("Postgres", "SIGKILL", (REAPER,), DEAD, faults.restart_postgres(SIGKILL), owns_postgres=True),
    Fault("Postgres", "fast shutdown", (COMMIT, TEST), GREEN, faults.restart_postgres(SIGINT), owns_postgres=True),
    Fault(
        "Postgres", "SIGSTOP", (SEED, TEST), UNAVAILABLE, faults.stop_postgres, faults.continue_postgres,
        owns_postgres=True,
    ),
    Fault("Postgres", "connections ended", ALL, GREEN, faults.terminate_backends),
    Fault("Postgres", "read-only", (BEFORE, TEST), UNAVAILABLE, faults.make_read_only, faults.make_writable),
    Fault(
        "Postgres", "too many connections", (BEFORE, TEST), UNAVAILABLE,
        faults.take_all_connections, faults.give_connections_back, owns_postgres=True,
    ),
    Fault("Postgres", "disk full", (BEFORE,), UNAVAILABLE, faults.fill_disk, faults.free_disk),
    Fault("Postgres", "table locked", (BEFORE, TEST), BUSY, faults.lock_table, faults.unlock_table_after_end, tests=1),
    Fault(_PYTEST_NET, "reset", ALL, GREEN, faults.on(faults.to_seeder, faults.reset)),
    Fault(
        _PYTEST_NET, "black hole", (SEED, TEST), UNREACHABLE,
        faults.on(faults.to_seeder, faults.swallow), faults.heal_after_end(faults.to_seeder),
    ),
    Fault(_PYTEST_NET, "request cut", (BEFORE, TEST), GREEN, faults.on(faults.to_seeder, faults.cut_request)),
    Fault(_PYTEST_NET, "answer cut", ALL, GREEN, faults.on(faults.to_seeder, faults.cut_answer)),
    Fault(_PYTEST_NET, "latency of 100 ms", (BEFORE,), GREEN, faults.on(faults.to_seeder, faults.delay)),
    Fault(_POSTGRES_NET, "reset", ALL, GREEN, faults.on(faults.to_postgres, faults.reset)),
    Fault(_POSTGRES_NET, "reset", (REAPER,), DEAD, faults.on(faults.to_postgres, faults.reset)),
    Fault(
        _POSTGRES_NET, "black hole", (SEED, TEST), UNAVAILABLE,
        faults.on(faults.to_postgres, faults.swallow), faults.heal_after_end(faults.to_postgres),
    ),
    Fault(_POSTGRES_NET, "request cut", (BEFORE, TEST), GREEN, faults.on(faults.to_postgres, faults.cut_request)),
    Fault(_POSTGRES_NET, "answer cut", ALL, GREEN, faults.on(faults.to_postgres, faults.cut_answer)),
    Fault(_POSTGRES_NET, "latency of 100 ms", (BEFORE,), GREEN, faults.on(faults.to_postgres, faults.delay)),
    Fault(
        "application", "SIGKILL with a transaction open", (TEST,), GREEN,
        faults.both(_HOLDING, faults.strike_application(SIGKILL)), faults.end_application, tests=1,
    ),
    Fault(
        "application", "SIGSTOP with a transaction open", (TEST,), BUSY,
        faults.both(_HOLDING, faults.strike_application(SIGSTOP)), faults.end_application, tests=1,
    ),
    Fault(
        "application", "network reset with a transaction open", (TEST,), GREEN,
        faults.both(_HOLDING, faults.strike_application(None)), faults.end_application, tests=1,
    ),
    Fault(
        "application", "writes without end", (TEST,), GREEN,
        faults.start_application(faults.WRITER), faults.end_application,
    ),
    Fault(
        "clock of pytest", "a day ahead", (TEST,), GREEN, faults.outlast_two_leases,
        prepare=faults.shift_clock("session", 86_400),
    ),
    Fault(
        "clock of the seeder", "a day behind", (TEST,), GREEN, faults.outlast_two_leases,
        prepare=faults.shift_clock("seeder", -86_400),
    ),
    Fault("machine", "all killed at once", ALL, DEAD, faults.kill_everything, _AGAIN, owns_postgres=True),
)  # fmt: skip

CELLS: Final = tuple(Cell(fault, moment) for fault in FAULTS for moment in fault.moments)

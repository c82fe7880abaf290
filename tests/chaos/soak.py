"""``make soak`` and ``make kills``: faults at random moments, with a seed to play them again."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.chaos import faults
from tests.chaos.matrix import running_server, showing_logs
from tests.chaos.server import wait_until
from tests.chaos.stage import DEADLINE_S, Bystander, Stage
from tests.chaos.verify import check_database, wait_until_settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.faults import Act

#: A session with so many tests lasts about as long as it takes to start, under pytest-xdist somewhat longer.
_TESTS: Final = 16
_LATEST_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Round:
    """One session and what happens to it: *after_s* seconds from its start that fault, and *for_s* later its end."""

    fault: str
    after_s: float
    for_s: float
    workers: int


def kill_one_process(stage: Stage, choose: random.Random) -> None:
    """Kill a process of the session: pytest itself, or one of its workers."""
    assert stage.session is not None
    with contextlib.suppress(ProcessLookupError):
        os.kill(choose.choice(_session_pids(stage.session.pid)), signal.SIGKILL)


def _session_pids(group: int) -> list[int]:
    found = [group]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[2]) == group:
                    found.append(int(entry.name))
    return sorted(set(found))


def _stop_all(stage: Stage) -> None:
    assert stage.session is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(stage.session.pid, signal.SIGSTOP)


def _continue_all(stage: Stage) -> None:
    assert stage.session is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(stage.session.pid, signal.SIGCONT)


def _continue_seeder(stage: Stage) -> None:
    assert stage.seeder is not None
    stage.seeder.send_signal(signal.SIGCONT)


def _nothing(_: Stage) -> None:
    """What was struck has no end of its own."""


_FAULTS: Final[dict[str, tuple[Act, Act]]] = {
    "session stopped": (_stop_all, _continue_all),
    "seeder killed": (faults.end_seeder(signal.SIGKILL), faults.start_seeder_again),
    "seeder told to end": (faults.end_seeder(signal.SIGTERM), faults.start_seeder_again),
    "seeder stopped": (faults.stop_seeder, _continue_seeder),
    "Postgres killed": (faults.restart_postgres(signal.SIGKILL), _nothing),
    "Postgres stopped": (faults.stop_postgres, lambda stage: stage.server.send(signal.SIGCONT)),
    "connections ended": (faults.terminate_backends, _nothing),
    "network to the seeder reset": (faults.on(faults.to_seeder, faults.reset), _nothing),
    "network to the seeder silent": (
        faults.on(faults.to_seeder, faults.swallow),
        lambda stage: stage.to_seeder.heal(),
    ),
    "answer of the seeder cut": (faults.on(faults.to_seeder, faults.cut_answer), _nothing),
    "network to Postgres reset": (faults.on(faults.to_postgres, faults.reset), _nothing),
    "network to Postgres silent": (
        faults.on(faults.to_postgres, faults.swallow),
        lambda stage: stage.to_postgres.heal(),
    ),
    "answer of Postgres cut": (faults.on(faults.to_postgres, faults.cut_answer), _nothing),
    "everything killed": (faults.kill_everything, faults.start_seeder_again),
}
_ONE_KILLED: Final = "one process killed"


def choose_round(choose: random.Random) -> Round:
    """Return the next round of a sequence that follows from the seed of *choose* alone."""
    fault = choose.choice([*_FAULTS, _ONE_KILLED])
    after_s, for_s = choose.uniform(0.3, _LATEST_S), choose.uniform(0.1, 6.0)
    return Round(fault, round(after_s, 3), round(for_s, 3), choose.choice([0, 2]))


def play_round(one: Round, stage: Stage, choose: random.Random) -> None:
    """Play it to its end, and see that the database is as promised."""
    stage.start_seeder()
    with contextlib.closing(Bystander(stage)) as bystander:
        stage.start_session(*(["-n", str(one.workers)] if one.workers else []), tests=_TESTS)
        time.sleep(one.after_s)
        if one.fault == _ONE_KILLED:
            kill_one_process(stage, choose)
        else:
            strike, heal = _FAULTS[one.fault]
            strike(stage)
            time.sleep(one.for_s)
            heal(stage)
        wait_until(lambda: stage.has_ended, "the session ends", 2 * DEADLINE_S)
        wait_until_settled(stage, bystander)
        check_database(stage, bystander)


def soak(minutes: float, seed: int) -> int:
    """Play rounds for so long and return how many; the first that fails ends it with its log."""
    choose, rounds, end = random.Random(seed), 0, time.monotonic() + minutes * 60
    while time.monotonic() < end:
        one = choose_round(choose)
        rounds += 1
        print(f"{rounds}: {one}", flush=True)
        with _stage() as stage:
            play_round(one, stage, choose)
    return rounds


def kill_many(count: int, seed: int) -> int:
    """Kill so many sessions of two workers on one database at random moments; return how many rows are left."""
    choose = random.Random(seed)
    with _stage() as stage:
        stage.start_seeder()
        with contextlib.closing(Bystander(stage)) as bystander:
            lasts_s = _time_session(stage)
            for number in range(count):
                stage.start_session("-n", "2", tests=_TESTS)
                time.sleep(choose.uniform(lasts_s / 4, lasts_s))
                assert stage.session is not None
                stage.session.kill()
                stage.session.wait()
                if number % 20 == 19:
                    print(f"{number + 1} killed", flush=True)
            seeded = stage.sql.value("SELECT count(*) FROM atdm.request")
            wait_until_settled(stage, bystander)
            check_database(stage, bystander)
            left = stage.sql.value("SELECT count(*) FROM loans") - len(stage.standing["loans"])
            print(f"{count} sessions killed, {seeded - 1} requests seeded, {left} rows left after the lease")
            return int(left)


def _time_session(stage: Stage) -> float:
    started = time.monotonic()
    stage.start_session("-n", "2", tests=_TESTS)
    wait_until(lambda: stage.has_ended, "a session that nothing happens to ends", DEADLINE_S)
    return time.monotonic() - started


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    """Yield a stage of one's own; where the block fails, show what session and seeder have said."""
    with contextlib.ExitStack() as closing:
        server = closing.enter_context(running_server())
        folder = tempfile.TemporaryDirectory(prefix="atdm-soak-", ignore_cleanup_errors=True)
        place = Path(closing.enter_context(folder))
        stage = closing.enter_context(contextlib.closing(Stage(place, server)))
        with showing_logs(place):
            yield stage


def main(arguments: list[str]) -> int:
    """Run what *arguments* ask for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=0.0, help="play random faults for so long")
    parser.add_argument("--kills", type=int, default=0, help="kill so many sessions of two workers")
    parser.add_argument("--seed", type=int, default=None, help="play the same again")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    if given.minutes:
        print(f"{soak(given.minutes, seed)} rounds, nothing leaked")
    return kill_many(given.kills, seed) if given.kills else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

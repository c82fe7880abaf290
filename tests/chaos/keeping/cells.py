"""The cells: what is struck in which step of what, and what whoever asked is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.chaos.keeping import faults

if TYPE_CHECKING:
    from tests.chaos.keeping.faults import Act

DONE: Final = ("done",)
AWAY: Final = ("store_unavailable",)
GONE: Final = ("seeder_unreachable",)


@dataclass(frozen=True, slots=True)
class Cell:
    """*prepare*, then *strike*, then *act*, then *heal*, then *again*; *expected* is what *act* may end in.

    *environment*: what comes true for the seeder after the preparation, as the step where it kills itself. *again*:
    what could not be done is done then. *is_bucket*: the store is a bucket, else a folder. *starts*: whether the seeder
    does. *loses_files*: files that had been written are gone.
    """

    component: str
    fault: str
    moment: str
    act: Act
    expected: tuple[str, ...]
    strike: Act = faults.nothing
    heal: Act = faults.nothing
    prepare: Act = faults.nothing
    again: Act = faults.nothing
    environment: dict[str, str] = field(default_factory=dict)
    is_bucket: bool = False
    starts: bool = True
    loses_files: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.component}: {self.fault} {self.moment}"


def _killed(step: str, act: Act, prepare: Act = faults.nothing, *, heard: tuple[str, ...] = GONE) -> list[Cell]:
    """Return the cells of a seeder that is killed before and after *step* of *act*."""
    return [
        Cell(
            "seeder", "SIGKILL", f"{side} {step}", act, heard,
            heal=faults.restart, prepare=prepare, environment={"CHAOS_KILL_AT": f"{side} {step}"},
        )
        for side in ("before", "after")
    ]  # fmt: skip


#: An export goes on beside whatever its caller does: he hears nothing of it.
_BESIDE: Final = ("done", "seeder_unreachable")

KILLED: Final = (
    *_killed("the end of a run", faults.export),
    *_killed("committing its end", faults.export),
    *_killed("taking a seal", faults.export, heard=_BESIDE),
    *_killed("reading its events", faults.export, heard=_BESIDE),
    *_killed("storing the file", faults.export, heard=_BESIDE),
    *_killed("noting the file", faults.export, heard=_BESIDE),
    *_killed("storing the checkpoint", faults.export, heard=_BESIDE),
    *_killed("reading a table", faults.take),
    *_killed("storing a table", faults.take),
    *_killed("storing the manifest", faults.take),
    *_killed("comparing", faults.restore, faults.bend),
    *_killed("rewriting", faults.restore, faults.bend),
    *_killed("moving sequences", faults.restore, faults.bend),
    *_killed("telling the log", faults.restore, faults.bend),
    *_killed("committing", faults.restore, faults.bend),
    *_killed("removing the manifest", faults.drop, faults.take),
)


def _struck(fault: str, strike: Act, heal: Act, *, taking: tuple[str, ...] = AWAY) -> list[Cell]:
    """Return the cells of a bucket that is struck before an export, a snapshot and a restore."""
    return [
        Cell("object store", fault, "in an export", faults.export, DONE, strike, heal, is_bucket=True),
        Cell(
            "object store", fault, "in a snapshot", faults.take, taking, strike, heal,
            again=faults.nothing if taking == DONE else faults.take, is_bucket=True,
        ),
    ]  # fmt: skip


def _unreadable(fault: str, strike: Act, heal: Act) -> Cell:
    return Cell(
        "object store", fault, "in a restore", faults.restore, AWAY, strike, heal,
        prepare=faults.bend, again=faults.restore, is_bucket=True,
    )  # fmt: skip


BUCKET: Final = (
    *_struck("SIGKILL", faults.kill_store, faults.start_store),
    _unreadable("SIGKILL", faults.kill_store, faults.start_store),
    *_struck("SIGSTOP", faults.pause_store, faults.resume_store),
    _unreadable("SIGSTOP", faults.pause_store, faults.resume_store),
    *_struck("503", faults.refuse(503, "SlowDown"), faults.accept),
    *_struck("403", faults.refuse(403, "AccessDenied"), faults.accept),
    *_struck("409, some times", faults.refuse(409, "ConditionalRequestConflict", 2), faults.accept, taking=DONE),
    *_struck("slow", faults.slow_down, faults.accept, taking=DONE),
    *_struck("body cut", faults.cut_bodies, faults.accept),
    *_struck("answers lost, and 412", faults.lose_answers, faults.accept, taking=DONE),
    *_struck("bucket gone", faults.remove_bucket, faults.make_bucket),
    Cell(
        "object store", "no conditional writes", "at the start", faults.nothing, ("setting_error",),
        faults.forget_conditions, faults.heed_conditions, is_bucket=True, starts=False,
    ),
)  # fmt: skip

_FULL: Final = {"CHAOS_FILE_BYTES": "2000"}

FOLDER: Final = (
    Cell(
        "local disk", "full", "in an export", faults.export, DONE,
        faults.wait_a_moment, faults.restart_where_one_is_left, environment=_FULL,
    ),
    Cell(
        "local disk", "full", "in a snapshot", faults.take, AWAY,
        heal=faults.restart_where_one_is_left, again=faults.take, environment=_FULL,
    ),
    Cell("local disk", "read-only", "in an export", faults.export, DONE, faults.forbid_writing, faults.allow_writing),
    Cell(
        "local disk", "read-only", "in a snapshot", faults.take, AWAY, faults.forbid_writing, faults.allow_writing,
        again=faults.take,
    ),
    Cell(
        "local disk", "a file in its place", "in an export", faults.export, DONE,
        faults.put_file_in_place, faults.remove_file,
    ),
    Cell(
        "local disk", "a file in its place", "in a snapshot", faults.take, AWAY,
        faults.put_file_in_place, faults.remove_file, again=faults.take,
    ),
    Cell("local disk", "folder removed", "in an export", faults.export, DONE, faults.remove_folder),
    Cell("local disk", "folder removed", "in a snapshot", faults.take, DONE, faults.remove_folder),
    Cell(
        "local disk", "folder removed", "in a restore", faults.restore, ("not_found",), faults.remove_folder,
        prepare=faults.bend, loses_files=True,
    ),
    Cell("application", "writes without end", "in a snapshot", faults.snapshot_beside_a_writer, DONE),
    Cell("second seeder", "exports too", "in an export", faults.end_runs_with_both, DONE),
    Cell(
        "second seeder", "exports too, the first SIGKILL", "in an export", faults.end_runs_and_kill_one, DONE,
        heal=faults.restart_where_one_is_left,
    ),
)  # fmt: skip

CELLS: Final = (*KILLED, *BUCKET, *FOLDER)

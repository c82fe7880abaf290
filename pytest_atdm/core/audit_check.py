"""Whether an audit log is whole: every event of every run, the runs' ends, and the chain of seals over them.

The log is read once, run by run. What is wrong is named where it shows first in its run; what follows is not judged.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import GENESIS, find_break
from pytest_atdm.core.errors import InvalidRequest
from pytest_atdm.core.strict import Strict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_atdm.core.audit import StoredEvent

#: So many flaws are named; of the others their number is.
MAX_FLAWS: Final = 100

_CHECKPOINT: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """The seal *ordinal* (from 1) with its 32-byte hash; as text ``ordinal:hash in hexadecimal``."""

    ordinal: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.ordinal}:{self.hash.hex()}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that *text* says.

    Raises:
        InvalidRequest: it says none.
    """
    found = _CHECKPOINT.fullmatch(text.strip())
    if found is None:
        raise InvalidRequest(
            f'"{text}" is no checkpoint',
            hint="give it as the end of a session printed it: a number, a colon, 64 digits",
        )
    return Checkpoint(int(found[1]), bytes.fromhex(found[2]))


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """What a run's row says of its chain: how many events it has, and the hash of the last."""

    is_over: bool
    last_seq: int
    head: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as found. *agrees*: the columns beside the body say the same as it does."""

    run_id: str
    seq: int
    body: str
    previous: bytes
    hash: bytes
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw(Strict):
    """Something that is not as it was written: in an event *seq* of a run, in a run, or in a *seal*; *what* says it."""

    what: str
    run_id: str | None = None
    seq: int | None = None
    seal: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerdict(Strict):
    """What was read, the newest *checkpoint* (empty where no run has ended), and the first *flaws*; *more* follow."""

    events: int
    runs: int
    seals: int
    checkpoint: str
    flaws: tuple[Flaw, ...] = ()
    more: int = 0

    @property
    def intact(self) -> bool:
        """True where nothing was found."""
        return not self.flaws


def read_seal(body: str) -> tuple[str, int, bytes]:
    """Return the run that a seal is of, its last event then, and the hash of that.

    Raises:
        ValueError, TypeError, KeyError: it is no seal's text.
    """
    said = json.loads(body)
    return str(said["run_id"]), int(said["last_seq"]), bytes.fromhex(said["head"])


class LogCheck:
    """Judges the events of a log, fed with ``add`` in the order of run ids and sequence numbers.

    *ends* are the runs' rows by run id, *seals* the chain of seals in order; *expected* are checkpoints that were kept
    outside the log, which alone can show that the newest runs are missing, or that all was written anew.
    """

    def __init__(
        self, ends: Mapping[str, ChainEnd], seals: Sequence[StoredEvent], expected: Iterable[Checkpoint] = ()
    ) -> None:
        self._ends = ends
        self._seals = seals
        self._hashes = {seal.seq: seal.hash for seal in seals}
        self._flaws: list[Flaw] = []
        self._promised: dict[str, list[tuple[int, bytes, int]]] = {}
        self._seen: set[str] = set()
        self._events = 0
        self._run = ""
        self._seq = 0
        self._head = GENESIS
        self._is_flawed = False
        self._broken_at = find_break(seals)
        self._check_seals(expected)

    def add(self, entries: Iterable[Entry]) -> None:
        """Judge the next events."""
        for entry in entries:
            if entry.run_id != self._run:
                self._finish_run()
                self._begin_run(entry.run_id)
            self._events += 1
            if not self._is_flawed:
                self._judge(entry)

    def finish(self) -> LogVerdict:
        """Return the verdict; nothing can be added after."""
        self._finish_run()
        for run_id in sorted((self._ends.keys() | self._promised.keys()) - self._seen):
            self._begin_run(run_id)
            self._finish_run()
        newest = self._seals[-1] if self._seals else None
        return LogVerdict(
            events=self._events,
            runs=len(self._seen),
            seals=len(self._seals),
            checkpoint=str(Checkpoint(newest.seq, newest.hash)) if newest else "",
            flaws=tuple(self._flaws[:MAX_FLAWS]),
            more=max(len(self._flaws) - MAX_FLAWS, 0),
        )

    def _check_seals(self, expected: Iterable[Checkpoint]) -> None:
        broken_at = self._broken_at
        if broken_at is not None:
            self._flaws.append(Flaw(seal=broken_at, what=f"seal {broken_at} was changed, removed, inserted or moved"))
        for checkpoint in expected:
            self._check_expected(checkpoint)
        for seal in self._seals[: None if broken_at is None else broken_at - 1]:
            try:
                run_id, last_seq, head = read_seal(seal.body)
            except (ValueError, TypeError, KeyError):
                self._flaws.append(Flaw(seal=seal.seq, what=f"seal {seal.seq} was written anew: it seals no run"))
            else:
                self._promised.setdefault(run_id, []).append((last_seq, head, seal.seq))

    def _check_expected(self, expected: Checkpoint) -> None:
        found = self._hashes.get(expected.ordinal)
        if found is None:
            what = f"seal {expected.ordinal}, of the checkpoint, is missing: the log has {len(self._seals)} seals"
        elif found != expected.hash:
            what = f"seal {expected.ordinal} is not that of the checkpoint: the log was written anew before it"
        else:
            return
        self._flaws.append(Flaw(seal=expected.ordinal, what=what))

    def _begin_run(self, run_id: str) -> None:
        self._run, self._seq, self._head, self._is_flawed = run_id, 0, GENESIS, False
        self._seen.add(run_id)

    def _judge(self, entry: Entry) -> None:
        expected = self._seq + 1
        if entry.seq != expected:
            self._note(expected, _describe_place(entry.seq, expected))
        elif entry.previous != self._head:
            self._note(expected, f"event {expected} does not follow what stands before it: one of both was put there")
        elif entry.hash != sha256(entry.previous + entry.body.encode()).digest():
            self._note(expected, f"event {expected} was changed: its hash is of another text")
        elif not entry.agrees:
            self._note(expected, f"event {expected} was changed: its columns say otherwise than its text")
        self._seq, self._head = entry.seq, entry.hash
        self._keep_promises()

    def _keep_promises(self) -> None:
        for last_seq, head, seal in self._promised.get(self._run, ()):
            if last_seq == self._seq and head != self._head:
                self._note(self._seq, f"events up to {self._seq} were written anew: seal {seal} is of others")

    def _finish_run(self) -> None:
        if not self._run or self._is_flawed:
            return
        end, seals = self._ends.get(self._run), self._promised.get(self._run, [])
        last, _, seal = seals[-1] if seals else (0, b"", None)
        if end is None:
            self._note(None, f"the run has no row any more; {self._seq} events of it stand")
        elif self._seq < max(end.last_seq, last):
            self._note(
                self._seq + 1, f"events from {self._seq + 1} on are missing: {max(end.last_seq, last)} were written"
            )
        elif self._seq > end.last_seq:
            self._note(end.last_seq + 1, f"events from {end.last_seq + 1} on were put there: the run wrote no more")
        elif self._head != end.head:
            self._note(self._seq, f"events up to {self._seq} were written anew: the run's row is of others")
        elif end.is_over and last != end.last_seq and self._broken_at is None:
            self._note(None, f"the run is over and not sealed with its {end.last_seq} events; its last seal: {seal}")

    def _note(self, seq: int | None, what: str) -> None:
        if not self._is_flawed:
            self._flaws.append(Flaw(run_id=self._run, seq=seq, what=what))
        self._is_flawed = True


def _describe_place(found: int, expected: int) -> str:
    if found > expected:
        return f"event {expected} is missing: event {found} stands in its place"
    return f"event {found} stands there more than once"

"""Who this process is in its session, and what pytest-xdist's controller and workers tell each other."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pytest

from pytest_atdm._state import CHECKPOINT, LEAKED, NOTES, SETTINGS
from pytest_atdm.core.ulid import make_ulid

_KEY: Final = "atdm"


@dataclass(frozen=True, slots=True)
class Identity:
    """Ids of session and run, and who acts, by which tool. Workers have a run each, below the one session id."""

    session_id: str
    run_id: str
    actor: str


_IDENTITY: Final = pytest.StashKey[Identity]()


class WorkerNode(Protocol):
    """A worker as the controller sees it: the part of xdist's WorkerController that is used here."""

    config: pytest.Config
    workerinput: dict[str, Any]
    workeroutput: dict[str, Any]


def identity_of(config: pytest.Config) -> Identity:
    """Return who this process is; a worker has its session from the controller, any other process makes one."""
    if _IDENTITY not in config.stash:
        config.stash[_IDENTITY] = _make_identity(config)
    return config.stash[_IDENTITY]


def describe_process() -> str:
    """Return what tells people whose process this is: user, machine, process id."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} pid {os.getpid()}"


def derive_run_id(base: str, worker: str) -> str:
    """Return the run id of *worker* in the session whose run is *base*: the same time part, and always the same."""
    digest = hashlib.sha256(f"{base} {worker}".encode()).digest()
    return base[:10] + make_ulid(0, digest)[10:]


def tell_worker(node: WorkerNode) -> None:
    """Give a starting worker what all workers of a session share."""
    identity = identity_of(node.config)
    as_of = node.config.stash[SETTINGS].as_of.isoformat()
    node.workerinput[_KEY] = {"session_id": identity.session_id, "base": identity.run_id, "as_of": as_of}


def tell_controller(config: pytest.Config) -> None:
    """Give the controller what a worker has to say when it ends."""
    output: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]  # put there by xdist
    output[_KEY] = {
        "notes": config.stash[NOTES],
        "leaked": config.stash[LEAKED],
        "checkpoint": config.stash[CHECKPOINT],
    }


def hear_worker(node: WorkerNode, *, crashed: bool) -> None:
    """Take a worker's last words; end the run of one that crashed, if reports of its tests show that it had one.

    A worker that says nothing has said nothing: only a known crash leads to a deletion, unless rows are to be
    kept. What several say is said once.
    """
    words = getattr(node, "workeroutput", {}).get(_KEY, {})
    notes = node.config.stash[NOTES]
    notes.extend(note for note in words.get("notes", ()) if note not in notes)
    node.config.stash[LEAKED] |= words.get("leaked", False)
    if words.get("checkpoint"):
        from pytest_atdm._report import note_checkpoint  # lazy: startup

        note_checkpoint(node.config, words["checkpoint"])
    if crashed and node.config.stash[SETTINGS].keep_s is None:
        _end_run(node.config, derive_run_id(identity_of(node.config).run_id, node.workerinput["workerid"]))


def _end_run(config: pytest.Config, run_id: str) -> None:
    from pytest_atdm._report import note_checkpoint, note_end, read_requests  # lazy: startup

    if run_id not in {request.run_id for request in read_requests(config)}:
        return
    from pytest_atdm._session import session_of  # lazy: startup
    from pytest_atdm.core.errors import AtdmError

    try:
        report = session_of(config).connection.client.reset_run(run_id)
    except AtdmError as exc:
        config.stash[NOTES].append(f"the run {run_id} of a crashed worker could not be ended: {exc}")
    else:
        rows = sum(report.seeded.values()) + sum(report.made_by_sut.values())
        config.stash[NOTES].append(f"ended the run {run_id} of a crashed worker: {rows} rows removed")
        note_end(config, f"the run {run_id}", report)
        note_checkpoint(config, report.checkpoint)


def _make_identity(config: pytest.Config) -> Identity:
    given, settings = getattr(config, "workerinput", None), config.stash[SETTINGS]
    if given is None:
        session_id = make_ulid(time.time_ns() // 1_000_000, os.urandom(10))
        return Identity(session_id, settings.run_id or session_id, f"{settings.actor} (pytest)")
    told, worker = given[_KEY], given["workerid"]
    return Identity(told["session_id"], derive_run_id(told["base"], worker), f"{settings.actor} (pytest {worker})")

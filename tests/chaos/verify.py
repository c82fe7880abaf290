"""What holds after every cell, whatever happened in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import StoredEvent
from pytest_atdm.core.audit_check import ChainEnd, Entry, LogCheck, parse_checkpoint
from pytest_atdm.core.errors import iter_leaves
from seeder.db.queries import QUERIES
from tests.chaos.server import wait_until
from tests.chaos.stage import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.stage import Bystander, Stage

#: Lease, grace, the rounds of the reaper, its wait after a restart, and a loaded machine.
SETTLED_S: Final = LEASE_S * 3 + 20
_REQUESTS: Final = """
SELECT request_id, state, counts::text, (SELECT count(*) FROM atdm.ledger l WHERE l.request_id = q.request_id) AS kept
FROM atdm.request q
"""
_WITHOUT_CODE: Final = {"crashed while running": "worker crashed", "! KeyboardInterrupt !": "interrupted"}
_CODES: Final = frozenset(leaf.code for leaf in iter_leaves())


def wait_until_settled(stage: Stage, bystander: Bystander) -> None:
    """Return once no run but the bystander's is active."""
    query = "SELECT count(*) FROM atdm.run WHERE state = 'active' AND run_id <> $1"
    wait_until(lambda: stage.sql.value(query, bystander.run_id) == 0, "dead runs are reaped", SETTLED_S)


def check_database(stage: Stage, bystander: Bystander) -> None:
    """See that everything in the database is as promised.

    No row of a dead run; rows from before unchanged; each request all or nothing; each acknowledged event once, none
    that the tables contradict, in a log that is whole and sealed; the bystander's rows where they were.
    """
    _check_ledger(stage)
    _check_events(stage)
    assert 3 == bystander.leave(), "the bystander has lost rows"
    _check_log(stage)
    assert stage.standing == stage.read_rows(), "rows of the target are not what they were before"
    assert 0 == stage.sql.value("SELECT count(*) FROM atdm.ledger"), "the ledger holds keys of nobody"
    assert 0 == stage.sql.value("SELECT count(*) FROM atdm.lease"), "a lease is left of a run that is over"


def _check_ledger(stage: Stage) -> None:
    """Each live request has all its rows in the ledger and in the tables, each other none."""
    for request in stage.sql.rows(_REQUESTS):
        expected = sum(json.loads(request["counts"]).values()) if request["state"] == "live" else 0
        assert expected == request["kept"], f"request {request['request_id']} is {request['state']}, and half there"
    keys = stage.sql.rows("SELECT relation, key::text FROM atdm.ledger")
    for entry in keys:
        ((column, value),) = json.loads(entry["key"]).items()
        found = stage.sql.value(f"SELECT count(*) FROM {entry['relation']} WHERE {column}::text = $1", str(value))
        assert 1 == found, f"the ledger has {entry}, and the table has not"


def _check_events(stage: Stage) -> None:
    kinds: dict[str, list[str]] = {}
    for row in stage.sql.rows("SELECT request_id, kind FROM atdm.audit_event"):
        kinds.setdefault(row["request_id"] or "", []).append(row["kind"])
    requests = {row["request_id"]: row["state"] for row in stage.sql.rows("SELECT request_id, state FROM atdm.request")}
    for request_id, state in requests.items():
        counts = [kinds[request_id].count(kind) for kind in ("seed_committed", "reset_executed")]
        assert [1, 1 if state == "reset" else 0] == counts, f"request {request_id} is {state}: {kinds[request_id]}"
    assert requests.keys() | {""} >= kinds.keys(), "an event speaks of a request that is not there"
    acknowledged = stage.place / "acknowledged"
    heard = acknowledged.read_text(encoding="utf-8").split() if acknowledged.exists() else []
    assert len(set(heard)) == len(heard), "a request was acknowledged to two tests"
    assert requests.keys() >= set(heard), "an acknowledged request is not there"


def _check_log(stage: Stage) -> None:
    """All runs are over and sealed, and the log fits the checkpoint that the session printed, if it came to that."""
    ends = {row.pop("run_id"): ChainEnd(**row) for row in stage.sql.rows(QUERIES["all_run_ends"])}
    seals = [StoredEvent(**row) for row in stage.sql.rows(QUERIES["all_seals"])]
    printed = re.search(r"^atdm: audit checkpoint: (.+)$", stage.said, re.MULTILINE)
    check = LogCheck(ends, seals, [parse_checkpoint(printed[1])] if printed else [])
    check.add(Entry(**row) for row in stage.sql.rows(QUERIES["all_events"]))
    assert () == check.finish().flaws
    assert all(end.is_over for end in ends.values())


def find_errors(said: str) -> list[str]:
    """Return the codes of the errors that pytest's output tells of, each as often as it does, notes left out."""
    body = said.partition("short test summary info")[0]
    return [code for code in re.findall(r"\[([a-z_]+)\]$", body, re.MULTILINE) if code in _CODES]


def _read_outcome(said: str) -> str:
    assert "Traceback" not in said, said
    for words, outcome in _WITHOUT_CODE.items():
        if words in said:
            return outcome
    errors = find_errors(said)
    workers = max(1, len(set(re.findall(r"^\[(gw\d+)\] linux", said, re.MULTILINE))))
    assert len(errors) <= workers, said
    return errors[0] if errors else "green"


def check_session(stage: Stage, expected: Sequence[str]) -> str:
    """See that the user saw at most one error, clear and without a traceback, and return what it was.

    *expected*: the outcomes that are right here, of ``green``, ``dead`` and codes of errors.
    """
    assert stage.session is not None
    code, said = stage.session.returncode, stage.said
    assert "INTERNALERROR" not in said, said
    outcome = "dead" if code < 0 else _read_outcome(said)
    assert (code == 0) == (outcome == "green"), said
    assert outcome in expected, f"{outcome}, and not one of {expected}:\n{said}"
    return outcome

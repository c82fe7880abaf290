"""A seeder with a store exports its audit log beside its work."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_atdm._audit_files import verify_files
from pytest_atdm.core.audit_check import LogVerdict
from pytest_atdm.core.wire import load
from seeder import export
from seeder.settings import Settings, StorePlace
from tests.seeder.caller import AS_OF, CATALOG, Caller, free_listener, running_seeder
from tests.seeder.test_metrics import read_metrics

TOKEN = "the-token-of-these-tests"
PATIENCE_S = 30.0


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the seeder keeps its files."""
    return tmp_path / "store"


@pytest.fixture
def caller(
    make_database: Callable[[str], str], store: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Caller]:
    """A caller of a seeder that has a store, which looks for more every tenth of a second."""
    monkeypatch.setattr(export, "ROUND_S", 0.1)
    monkeypatch.setattr(export, "PAUSES_S", (0.1, 0.1))
    url = make_database(f"export_{request.node.name.removeprefix('test_')[:40]}")
    listener = free_listener()
    settings = Settings(
        database_url=url,
        token=TOKEN,
        catalog=CATALOG,
        base_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        embedded=True,
    )
    place = StorePlace(url=str(store))
    with (
        running_seeder(dataclasses.replace(settings, store=place), listener),
        Caller(settings.base_url, TOKEN, url) as caller,
    ):
        yield caller


def end_a_run(caller: Caller) -> None:
    """Start a run and end it."""
    run_id = caller.start_run(as_of=AS_OF)
    caller.http.delete(f"/runs/{run_id}").raise_for_status()


def wait_for(caller: Caller, metric: str, is_there: Callable[[float], bool]) -> float:
    """Return the value of a metric once it is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_there(value := read_metrics(caller)[metric]):
        assert time.monotonic() < deadline, f"{metric} is {value}"
        time.sleep(0.02)
    return value


def test_an_ended_run_is_exported_by_itself(caller: Caller, store: Path) -> None:
    """Nobody has to ask for it: soon after its end a run's events stand in the store, and nothing waits."""
    end_a_run(caller)

    wait_for(caller, "atdm_audit_pending_seals", lambda seals: seals == 0)
    wait_for(caller, "atdm_audit_exported_events_total", lambda events: events == 2)
    verdict = verify_files(str(store), None)

    assert verdict.intact, verdict.flaws
    assert (2, 1) == (verdict.events, verdict.runs)


def test_a_store_that_is_away_is_seen_and_waited_for(caller: Caller, store: Path) -> None:
    """What ends meanwhile counts as waiting, failures are counted, nothing is dropped, and all of it arrives."""
    shutil.rmtree(store)
    store.write_text("no folder")
    end_a_run(caller)
    end_a_run(caller)
    wait_for(caller, "atdm_audit_export_failures_total", lambda failures: failures > 0)

    now = read_metrics(caller)
    assert (2, 4, 0) == (
        now["atdm_audit_pending_seals"],
        now["atdm_audit_pending_events"],
        now["atdm_audit_dropped_events_total"],
    )
    refused = caller.http.get("/audit/verification")
    assert (503, "store_unavailable") == (refused.status_code, refused.json()["code"])
    assert "it is tried again" in refused.json()["hint"]

    store.unlink()
    wait_for(caller, "atdm_audit_pending_seals", lambda seals: seals == 0)
    assert (4, 2) == (verify_files(str(store), None).events, verify_files(str(store), None).runs)


def test_verification_holds_the_log_to_the_stores_checkpoints(caller: Caller, store: Path) -> None:
    """Whoever drops the newest run from the database with all that is left of it is found out by the store."""
    end_a_run(caller)
    end_a_run(caller)
    wait_for(caller, "atdm_audit_pending_seals", lambda seals: seals == 0)
    wait_for_checkpoint(store, 2)
    assert verify(caller).intact

    for statement in (
        "ALTER TABLE atdm.seal DISABLE TRIGGER append_only",
        "ALTER TABLE atdm.audit_event DISABLE TRIGGER append_only",
        "DELETE FROM atdm.audit_event WHERE run_id = (SELECT max(run_id) FROM atdm.run)",
        "DELETE FROM atdm.run WHERE run_id = (SELECT max(run_id) FROM atdm.run)",
        "DELETE FROM atdm.seal WHERE ordinal = 2",
    ):
        caller.query(statement)

    assert ["seal 2, of the checkpoint, is missing: the log has 1 seals"] == [
        flaw.what for flaw in verify(caller).flaws
    ]


def verify(caller: Caller) -> LogVerdict:
    """What the seeder says of its log."""
    return load(caller.http.get("/audit/verification").raise_for_status().content, LogVerdict, what="the answer")


def wait_for_checkpoint(store: Path, ordinal: int) -> None:
    """Return once the store has the checkpoint."""
    deadline = time.monotonic() + PATIENCE_S
    while not list(store.rglob(f"checkpoints/{ordinal:012}-*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)

"""``atdm audit``: the timeline, and the chain checked by who reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.cli.audit import describe_trail, describe_verdict, find_broken_event
from pytest_atdm.core.audit import GENESIS, chain_hash
from pytest_atdm.core.audit_check import Flaw, LogVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Atdm


def make_trail() -> dict[str, Any]:
    """Return a trail of three events as the seeder answers it."""
    details: list[tuple[str, dict[str, Any]]] = [
        ("run_started", {}),
        ("seed_committed", {"rows": {"public.orders": 2}}),
        ("reset_executed", {"rows": 2}),
    ]
    events, previous = [], GENESIS
    for seq, (kind, detail) in enumerate(details, start=1):
        event: dict[str, Any] = {"seq": seq, "at": f"2026-01-31T08:00:0{seq}Z", "kind": kind, "detail": detail}
        body = json.dumps(event)
        digest = chain_hash(previous, body)
        events.append({**event, "request_id": None, "body": body, "previous": previous.hex(), "hash": digest.hex()})
        previous = digest
    return {"run": {}, "events": events, "intact": True, "broken_at": None}


def test_the_timeline_is_a_table() -> None:
    """One line per event with its detail, and the verdict on the chain."""
    assert "\n".join(describe_trail(make_trail())) == (
        "seq  at                    event           detail\n"
        "---  --------------------  --------------  -----------------------\n"
        "1    2026-01-31T08:00:01Z  run_started\n"
        "2    2026-01-31T08:00:02Z  seed_committed  rows={public.orders: 2}\n"
        "3    2026-01-31T08:00:03Z  reset_executed  rows=2\n"
        "\n"
        "chain intact: 3 events, none changed, missing, inserted or moved"
    )


@pytest.mark.parametrize("tampered", ["changed", "missing", "moved"])
def test_a_broken_chain_is_found_whatever_the_seeder_says(tampered: str) -> None:
    """The chain is computed here: a trail that calls itself intact is not believed."""
    trail = make_trail()
    events = trail["events"]
    if tampered == "changed":
        events[1]["body"] = events[1]["body"].replace("2}", "3}")
    elif tampered == "missing":
        del events[1]
    else:
        events[0], events[1] = events[1], events[0]

    assert find_broken_event(trail) == (1 if tampered == "moved" else 2)
    assert list(describe_trail(trail))[-1].startswith("chain BROKEN at event ")


def test_the_trail_of_a_request(atdm: Atdm) -> None:
    """From request to reset every step stands in the log, in order, and the chain is intact."""
    receipt = atdm("request", "claim_denial_active_member", "--pytest", "--output", "json").payload
    atdm("reset", receipt["run_id"], "--token", receipt["cleanup_token"])

    outcome = atdm("audit", receipt["run_id"], "--output", "json")

    assert (outcome.code, outcome.err) == (0, "")
    assert (outcome.payload["intact"], outcome.payload["broken_at"]) == (True, None)
    kinds = [event["kind"] for event in outcome.payload["events"]]
    assert [kind for kind in dict.fromkeys(kinds) if kind != "reference_seeded"] == [
        "run_started",
        "request_received",
        "plan_generated",
        "validator_passed",
        "seed_committed",
        "fixtures_written",
        "reset_executed",
    ]


def test_the_whole_log_is_verified(atdm: Atdm) -> None:
    """The exit code is 0 where the log is as it was written and fits the checkpoint, and 1 where it is not."""
    receipt = atdm("request", "active_member_clean", "--output", "json").payload
    atdm("reset", receipt["run_id"], "--token", receipt["cleanup_token"])
    atdm("reap", receipt["run_id"])

    whole = atdm("audit", "verify", "--output", "json")

    assert (whole.code, whole.payload["intact"], whole.payload["flaws"]) == (0, True, [])
    assert whole.payload["seals"] >= 1
    good = atdm("audit", "verify", "--expect", whole.payload["checkpoint"])
    assert good.code == 0
    assert good.out.startswith("log intact: events ")
    assert f"checkpoint {whole.payload['checkpoint']}" in good.out
    bad = atdm("audit", "verify", "--expect", f"1:{'0' * 64}")
    assert bad.code == 1
    assert bad.out.startswith("seal 1 is not that of the checkpoint: the log was written anew before it\nlog BROKEN: ")


def test_exported_files_are_verified_without_a_seeder(atdm_alone: Atdm, tmp_path: Path) -> None:
    """Files are judged where they stand, none is no log, and nothing is started for it."""
    (tmp_path / "copies").mkdir()
    nothing = atdm_alone("audit", "verify", "--from-parquet", "copies", "--output", "json")
    (tmp_path / "copies" / "odd.parquet").write_bytes(b"forged")
    bad = atdm_alone("audit", "verify", "--from-parquet", "copies")

    assert (2, "setting_error") == (nothing.code, nothing.payload["error"]["code"])
    assert "name the folder that has audit/" == nothing.payload["error"]["hint"]
    assert 1 == bad.code
    assert "odd.parquet: the file cannot be read" in bad.out
    assert not (tmp_path / ".atdm").exists()


def test_flaws_are_lines() -> None:
    """Each flaw names its run; those that are not named are counted."""
    flaws = (Flaw(run_id="R", seq=2, what="event 2 is missing"), Flaw(seal=1, what="seal 1 was changed"))
    verdict = LogVerdict(events=5, runs=2, seals=1, checkpoint="1:ab", flaws=flaws, more=7)

    assert [
        "run R: event 2 is missing",
        "seal 1 was changed",
        "and 7 more",
        "log BROKEN: events 5, runs 2, seals 1",
        "checkpoint 1:ab",
    ] == list(describe_verdict(verdict))


def test_the_log_holds_no_token(atdm: Atdm) -> None:
    """Neither form of the answer shows the cleanup token."""
    receipt = atdm("request", "active_member_clean", "--output", "json").payload

    shown = [atdm("audit", receipt["run_id"], "--output", form).out for form in ("human", "json")]

    assert [receipt["cleanup_token"] in text for text in shown] == [False, False]
    assert "chain intact" in shown[0]


def test_an_unknown_run_is_an_error(atdm: Atdm) -> None:
    """A run that never was has no empty trail."""
    outcome = atdm("audit", "01JD0000000000000000000000", "--output", "json")

    assert outcome.code == 2
    assert outcome.payload["error"]["code"] == "not_found"
    assert outcome.payload["error"]["hint"]

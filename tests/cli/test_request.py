"""``atdm request`` and ``atdm reset`` on a real database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.cli.request import read_overrides
from pytest_atdm.cli.reset import describe_reset
from pytest_atdm.core.errors import OverrideError
from pytest_atdm.core.model import LeftRow, MissingIndex, ResetReport, SideEffect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Atdm

SCENARIO = "claim_denial_active_member"
RUN_ID = "01JD0000000000000000000000"


def test_values_are_scalars_of_yaml() -> None:
    """Numbers, booleans and null are typed, everything else is text; a dot or two underscores name a column."""
    pairs = ("days=60", "rate=1.5", "paid=true", "note=", 'code="60"', "claim.status=pending", "on=2026-01-31", "a=b=c")

    assert read_overrides(pairs) == {
        "days": 60,
        "rate": 1.5,
        "paid": True,
        "note": None,
        "code": "60",
        "claim.status": "pending",
        "on": "2026-01-31",
        "a": "b=c",
    }


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["days"], '--set "days" has no key and value'),
        (["=3"], '--set "=3" has no key and value'),
        (["days=1", "days=2"], '--set "days" is given twice'),
        (["days=[1, 2]"], '--set days: "[1, 2]" is not a scalar of YAML'),
        (["days={a: 1}"], '--set days: "{a: 1}" is not a scalar of YAML'),
        (["days=*x"], '--set days: "*x" is not a scalar of YAML'),
        (["days='"], '--set days: "\'" is not a scalar of YAML'),
    ],
)
def test_what_is_not_an_override_is_refused(pairs: list[str], message: str) -> None:
    """Nothing is guessed or dropped; the hint says how to write it."""
    with pytest.raises(OverrideError) as caught:
        read_overrides(pairs)

    assert caught.value.message == message
    assert caught.value.hint


def test_rows_whose_files_cannot_be_written_do_not_stay(atdm: Atdm) -> None:
    """Nobody would see their token: the request is undone, and the error is that of the folder."""
    outcome = atdm("request", SCENARIO, "--pytest", "--fixtures-dir", "/dev/null/fixtures")

    assert (outcome.code, outcome.out) == (2, "")
    assert "error: the fixture file /dev/null/fixtures/" in outcome.err
    assert "Traceback" not in outcome.err
    assert atdm("reset", "--all", "--output", "json").payload["seeded"] == {}


@pytest.mark.parametrize("name", ["../../runs", "nobody", "ä b"])
def test_a_reset_of_what_is_no_id_removes_nothing(atdm: Atdm, name: str) -> None:
    """A name is an id, never a path: with ``../../runs`` every row of every run would go."""
    before = atdm("request", SCENARIO, "--output", "json").payload

    outcome = atdm("reset", name, "--token", before["cleanup_token"])

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith("code:  not_found\n")
    assert sum(atdm("reset", "--all", "--output", "json").payload["seeded"].values()) == before["rows"]


def test_a_receipt_for_people(atdm: Atdm) -> None:
    """What stands where, the token, the files, and the command that undoes it."""
    outcome = atdm("request", SCENARIO, "--pytest", "--playwright", "--as-of", "2026-01-31")

    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.shape.splitlines()
    assert lines[0].startswith(f"seeded {SCENARIO}: ")
    assert lines[0].endswith(" rows, as of 2026-01-31")
    assert lines[2].split() == ["entity", "table", "rows", "key"]
    facts = {line[:16].strip(): line[16:] for line in lines[lines.index("", 2) + 1 :]}
    root = facts["pytest file"].removesuffix(f"fixtures/atdm_{SCENARIO}.py")
    assert facts == {
        "request": "<ulid>",
        "run": "<ulid>",
        "token": "<token>",
        "playwright file": f"{root}fixtures/atdm_{SCENARIO}.json",
        "pytest file": f"{root}fixtures/atdm_{SCENARIO}.py",
        "audit": "http://<address>/ui/audit/<ulid>?key=<key>",
        "database": facts["database"],
        "stands until": facts["stands until"],
        "undo": "atdm reset <ulid> --token <token>",
    }


def test_domains_stand_side_by_side(atdm: Atdm, tmp_path: Path) -> None:
    """Two domains are seeded into one embedded database, the second in a schema of its own, and leave it together."""
    tables = set()
    for scenario in (SCENARIO, "refund_under_way"):
        outcome = atdm("request", scenario, "--pytest", "--fixtures-dir", str(tmp_path), "--output", "json")
        assert (outcome.code, outcome.err) == (0, "")
        tables |= {entity["table"] for entity in outcome.payload["entities"].values()}
        compile((tmp_path / f"atdm_{scenario}.py").read_text(encoding="utf-8"), scenario, "exec")

    removed = atdm("reset", "--all", "--output", "json").payload["seeded"]

    assert {"public.claims", "shop.refunds", "shop.order_items"} <= tables
    assert {"public.claims", "shop.refunds", "shop.order_items"} <= removed.keys()


def test_a_receipt_in_json(atdm: Atdm, tmp_path: Path) -> None:
    """The receipt, the files and the database; what the files hold is what the receipt says."""
    outcome = atdm("request", SCENARIO, "--playwright", "--fixtures-dir", str(tmp_path), "--output", "json")

    assert (outcome.code, outcome.err) == (0, "")
    receipt = outcome.payload
    assert sorted(receipt) == [
        "as_of", "audit_url", "cleanup_token", "database_url", "entities", "fixtures", "kept_until", "plan_hash",
        "replayed", "request_id", "request_key", "rows", "run_id", "scenario",
    ]  # fmt: skip
    assert receipt["fixtures"] == {"playwright": str(tmp_path / f"atdm_{SCENARIO}.json")}
    emitted = json.loads((tmp_path / f"atdm_{SCENARIO}.json").read_text())
    assert list(emitted["entities"]) == list(receipt["entities"])
    assert emitted["entities"]["claim"]["status"] == receipt["entities"]["claim"]["rows"][0]["status"] == "denied"
    assert receipt["cleanup_token"] not in (tmp_path / f"atdm_{SCENARIO}.json").read_text()


def test_overrides_reach_the_rows(atdm: Atdm) -> None:
    """A parameter, given as text on the command line, arrives as the number that it is."""
    words = ("expired_eligibility", "--as-of", "2026-01-31", "--set", "days_since_expiry=60", "--output", "json")

    receipt = atdm("request", *words).payload

    assert receipt["entities"]["eligibility"]["rows"][0]["effective_to"] == "2025-12-02"


def test_a_dry_run_writes_nothing(atdm: Atdm) -> None:
    """The plan is shown; the run that it names does not even exist."""
    outcome = atdm("request", SCENARIO, "--dry-run", "--run-id", RUN_ID, "--as-of", "2026-01-31")

    assert (outcome.code, outcome.err) == (0, "")
    head = outcome.out.splitlines()[:3]
    assert head[0].startswith(f"plan of {SCENARIO}, as of 2026-01-31, seed 0: ")
    assert head[1] == f"run     {RUN_ID}"
    assert head[2].startswith("hash    sha256:")
    assert atdm("audit", RUN_ID, "--output", "json").payload["error"]["code"] == "not_found"


def test_a_dry_run_is_what_is_written(atdm: Atdm) -> None:
    """With the same run, seed and date, a dry run twice and the request itself have the same plan."""
    words = ("request", SCENARIO, "--run-id", "01JD0000000000000000000077", "--as-of", "2026-01-31", "--output", "json")

    plans = [atdm(*words, "--dry-run").payload for _ in range(2)]
    receipt = atdm(*words).payload

    assert plans[0] == plans[1]
    assert receipt["plan_hash"] == plans[0]["plan_hash"]
    assert receipt["run_id"] == "01JD0000000000000000000077"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((f"{SCENARIO}x",), "unknown_scenario", f'no scenario "{SCENARIO}x" in the catalog'),
        ((SCENARIO, "--set", "claim.statsu=paid"), "override_error", "statsu"),
        ((SCENARIO, "--set", "nothing=1"), "override_error", "nothing"),
        ((SCENARIO, "--seed", "x"), "setting_error", '--seed: "x" is not a whole number'),
        ((SCENARIO, "--as-of", "today"), "setting_error", '--as-of: "today" is not a date'),
        ((SCENARIO, "--run-id", "1"), "setting_error", '--run-id: "1" is not a ULID'),
        ((SCENARIO, "--url", "localhost"), "setting_error", '--url: "localhost" is not an address of HTTP'),
    ],
)
def test_a_wrong_request_is_refused(atdm: Atdm, words: tuple[str, ...], code: str, message: str) -> None:
    """What is wrong is named, with code and hint, and nothing is written."""
    outcome = atdm("request", *words, "--output", "json")

    error = outcome.payload["error"]
    assert (outcome.code, error["code"]) == (2, code)
    assert message in error["message"]
    assert error["hint"]


def test_nobody_at_the_address_is_an_error(atdm_alone: Atdm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeder that does not answer ends the command with code 3."""
    monkeypatch.setenv("ATDM_TOKEN", "token")

    outcome = atdm_alone("request", SCENARIO, "--url", "http://127.0.0.1:9", "--output", "json")

    assert (outcome.code, outcome.payload["error"]["code"]) == (3, "seeder_unreachable")
    assert outcome.payload["error"]["retryable"] is True


@pytest.mark.parametrize("name", ["run_id", "request_id"])
def test_a_reset_by_token(atdm: Atdm, name: str) -> None:
    """Run or request: the rows of the request are gone; repeated, the report is the same and says so."""
    receipt = atdm("request", SCENARIO, "--output", "json").payload
    words = ("reset", receipt[name], "--token", receipt["cleanup_token"])

    first, second = (atdm(*words, "--output", "json") for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    assert sum(first.payload["seeded"].values()) == receipt["rows"]
    assert (first.payload["already"], second.payload["already"]) == (False, True)
    assert second.payload["seeded"] == first.payload["seeded"]


def test_a_token_picks_its_request_of_a_run(atdm: Atdm) -> None:
    """Of two requests of a run only that of the token goes."""
    run = ("--run-id", "01JD0000000000000000000078", "--output", "json")
    first = atdm("request", SCENARIO, *run).payload
    second = atdm("request", "active_member_clean", *run).payload

    report = atdm("reset", first["run_id"], "--token", first["cleanup_token"], "--output", "json").payload

    assert sum(report["seeded"].values()) == first["rows"]
    rest = atdm("reset", second["request_id"], "--token", second["cleanup_token"], "--output", "json").payload
    assert (sum(rest["seeded"].values()), rest["already"]) == (second["rows"], False)


def test_the_same_request_of_a_run_stands_once(atdm: Atdm) -> None:
    """Asked again it gives the same rows with a new token, and after its reset a conflict: no receipt without rows."""
    words = ("request", "active_member_clean", "--run-id", "01JD0000000000000000000079", "--output", "json")

    first, second = (atdm(*words).payload for _ in range(2))

    assert (first["replayed"], second["replayed"]) == (False, True)
    assert second["entities"] == first["entities"]
    old, new = (atdm("reset", one["run_id"], "--token", one["cleanup_token"]) for one in (first, second))
    assert (old.code, new.code) == (2, 0)
    assert atdm(*words).payload["error"]["code"] == "conflict"


def test_a_reset_for_people(atdm: Atdm) -> None:
    """A table of what was removed by table, seeded and made by the application apart."""
    receipt = atdm("request", "active_member_clean", "--output", "json").payload

    outcome = atdm("reset", receipt["run_id"], "--token", receipt["cleanup_token"])

    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].split("  ")[0] == "table"
    assert lines[-1] == f"{receipt['rows']} rows removed, 1 request"


def test_a_reset_says_all_that_its_report_has() -> None:
    """What was left and why, what was done beyond, what was changed by others, and what would make it faster."""
    row = LeftRow(table="public.box", key={"id": 3}, why="because")
    report = ResetReport(
        seeded={"public.shelf": 2},
        made_by_sut={"public.box": 1},
        detached=(row,),
        left=(row,),
        beyond={"public.log": SideEffect(inserted=2, deleted=1)},
        changed=(row,),
        more_changed=4,
        missing_indexes=(
            MissingIndex(
                table="public.box", columns=("shelf_id",), parent="public.shelf", rows=20_000, statement="CREATE INDEX"
            ),
        ),
    )

    assert [
        "3 rows removed, 1 request",
        "detached: public.box id 3: because",
        "left: public.box id 3: because",
        "changed: public.box id 3: because",
        "changed: 4 more",
        "beyond: public.log: 2 inserted, 1 deleted by triggers, rules or ON DELETE",
        "slow: no index serves the reference of public.box (about 20000 rows) to public.shelf:",
        "  CREATE INDEX",
    ] == [*describe_reset(report)][-8:]


@pytest.mark.parametrize("name", ["run_id", "request_id"])
def test_a_wrong_token_is_refused(atdm: Atdm, name: str) -> None:
    """The rows stay."""
    receipt = atdm("request", SCENARIO, "--output", "json").payload

    outcome = atdm("reset", receipt[name], "--token", "wrong", "--output", "json")

    assert (outcome.code, outcome.payload["error"]["code"]) == (2, "unauthorized")
    assert outcome.payload["error"]["hint"]
    report = atdm("reset", receipt["run_id"], "--token", receipt["cleanup_token"], "--output", "json").payload
    assert report["already"] is False


def test_a_reset_of_nothing_known_is_an_error(atdm: Atdm) -> None:
    """An id that is neither a run's nor a request's is told."""
    outcome = atdm("reset", "01JD0000000000000000000009", "--token", "x", "--output", "json")

    assert (outcome.code, outcome.payload["error"]["code"]) == (2, "not_found")


@pytest.mark.parametrize(
    "words", [(), ("--token", "x"), (RUN_ID,), (RUN_ID, "--token", "x", "--all"), (RUN_ID, "--all")]
)
def test_a_reset_must_say_what(atdm_alone: Atdm, words: tuple[str, ...]) -> None:
    """A run and its token, or all: nothing else, and nothing is started."""
    outcome = atdm_alone("reset", *words)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: reset what?\n"
        "hint:  write atdm reset RUN --token TOKEN, or atdm reset --all [--force]\n"
        "code:  usage_error\n"
    )


def test_reset_all(atdm: Atdm) -> None:
    """Whoever asked for them: the rows of all requests are gone, and their tokens find nothing more to do."""
    receipts = [atdm("request", name, "--output", "json").payload for name in (SCENARIO, "active_member_clean")]

    report = atdm("reset", "--all", "--output", "json").payload

    assert report["requests"] == 2
    assert sum(report["seeded"].values()) == sum(receipt["rows"] for receipt in receipts)

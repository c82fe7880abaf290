"""The lines at the end of a session."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_atdm._options import Settings
from pytest_atdm._report import RequestReport, render

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite


LEAD = "atdm: audit checkpoint: "


def make_settings(url: str | None = None) -> Settings:
    """Return settings of an embedded seeder, or of the one at *url*."""
    return Settings(
        folder=Path(".atdm"),
        url=url,
        token="token" if url else None,
        database_url=None,
        catalog=None,
        migrations=None,
        run_id=None,
        seed=0,
        as_of=date(2026, 1, 31),
        leaks="error",
        keep="off",
        keep_s=None,
        actor="human",
        fixtures_dir=None,
        bundles_dir=Path(".atdm/failed"),
        timeout_s=None,
        tells_junit=True,
        tells_github=False,
        baseline=None,
        reset_all=False,
        sources={},
    )


def make_request(number: int, run_id: str = "RUN1", **more: object) -> RequestReport:
    """Return the report of a request with 4 rows."""
    values = {
        "request_id": f"R{number}",
        "run_id": run_id,
        "scenario": "sale",
        "audit_url": f"http://s/ui/audit/{run_id}",
    }
    return RequestReport(**values, seeded=4, **more)  # type: ignore[arg-type]


def test_nothing_is_said_where_nothing_happened() -> None:
    """An idle session has no line of ours at its end."""
    assert [] == render([], [], make_settings())


def test_the_sums_are_over_all_requests_of_all_runs() -> None:
    """Rows of the application are counted apart; what was left, detached or never reset is named if there is any."""
    reset = make_request(1, is_reset=True, removed=4, made_by_sut=2, detached=1, left=3)

    sums = "2 requests, 8 rows seeded, 4 removed, 2 more that the application made, 1 detached, 3 left"
    sums += ", 1 request not reset by the test"

    assert [
        "atdm: careful",
        f"atdm: {sums} in 2 runs",
        "atdm: audit trail: atdm audit RUN1",
        "atdm: audit trail: atdm audit RUN2",
    ] == render([reset, make_request(2, "RUN2")], ["careful"], make_settings())


def test_the_newest_checkpoint_is_said_and_kept(suite: Suite) -> None:
    """At the end of a session stands what vouches for its run, in the terminal and in JUnit; workers' comes too."""
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(atdm_data): pass\ndef test_b(): pass')

    for args in ((), ("-n", "2", "--dist=each")):
        result = suite.run_apart("--junit-xml=junit.xml", *args)

        (said,) = (line.removeprefix(LEAD) for line in result.outlines if line.startswith(LEAD))
        root = ET.fromstring((suite.pytester.path / "junit.xml").read_text())
        assert [said] == [one.get("value") for one in root.iterfind("testsuite/properties/property")]
        with suite.open_client() as client:
            verdict = client.verify_audit(said)
        assert verdict.intact
        assert verdict.checkpoint == said


def test_a_seeder_that_lives_on_shows_its_page() -> None:
    """The address carries the key that opens pages and nothing else; not the token."""
    *_, line = render([make_request(1)], [], make_settings("http://s"))

    page, key = line.removeprefix("atdm: audit trail: ").split("?key=")
    assert page == "http://s/ui/audit/RUN1"
    assert len(key) == 32
    assert "token" not in line


def test_reports_reach_junit_as_json(suite: Suite) -> None:
    """Each request is one property of its test; no token in it."""
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(atdm_data): atdm_data.request("overdue_loan")')

    suite.run("--junit-xml=junit.xml").assert_outcomes(passed=1)

    text = (suite.pytester.path / "junit.xml").read_text()
    found = [
        json.loads(str(one.get("value"))) for one in ET.fromstring(text).iter("property") if one.get("name") == "atdm"
    ]
    assert [(3, True, 3)] * 2 == [(one["seeded"], one["is_reset"], one["removed"]) for one in found]
    assert suite.address.token not in text

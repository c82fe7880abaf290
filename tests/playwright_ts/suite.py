"""What Playwright, TypeScript and Chromium make of the files of ``atdm emit playwright``: ``make test-ts``.

Everything is real: the seeder, Postgres, the demo's claims application, the browser. Needs Node.js, what
``package-lock.json`` names beside this file, and Chromium: Playwright's, or that which ``ATDM_CHROMIUM`` or the search
path names.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.cli import main
from pytest_atdm.data import folder
from seeder.settings import Settings
from tests.docs.walkthrough import Reader, read_blocks
from tests.seeder.caller import Caller, free_listener, running_seeder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE: Final = Path(__file__).parent
APPLICATION: Final = folder("demo") / "claims_application.py"
TOKEN: Final = "token-of-the-suite"
LEASE_S: Final = 6
#: A lease, the grace, the reaper's round, and room for slow machines.
GONE_WITHIN_S: Final = 4 * LEASE_S
TIMEOUT_S: Final = 240
TABLES: Final = ("claims", "members", "eligibility", "providers", "plans", "shop.orders", "claim_decisions")
ODD: Final = HERE.parent / "typing" / "odd" / "catalog"
ODD_USE: Final = """\
import { scenario } from "./odd";
scenario("1st-class")("first", ({ data }) => void data);
scenario("odd_things", { thing: { "two words": 3, mood: 'say "so"', int: "9007199254740993" } })(
  "odd", ({ data: { thing } }) => void [thing["Größe"], thing["ﬁle"], thing.__secret, thing.class],
);
"""
#: Has a claim refer to the provider of another one.
HAND_OVER: Final = """
    UPDATE claims SET provider_id = (SELECT provider_id FROM claims WHERE claim_number = $1) WHERE claim_number = $2
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of Playwright left: its exit code, what it printed, and its report as JSON."""

    code: int
    text: str
    report: dict[str, Any]

    @property
    def results(self) -> list[dict[str, Any]]:
        """The result of every attempt of every test, in order."""
        return [result for spec in _find_specs(self.report) for test in spec["tests"] for result in test["results"]]


def _find_specs(suite: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from suite.get("specs", ())
    for inner in suite.get("suites", ()):
        yield from _find_specs(inner)


class Site:
    """A project with tests in *folder*, beside a seeder and the application that is tested."""

    def __init__(self, caller: Caller, application: str, folder: Path) -> None:
        self.caller = caller
        self.folder = folder
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ATDM_", "PLAYWRIGHT_"))},
            "ATDM_URL": caller.base_url,
            "ATDM_TOKEN": TOKEN,
            "ATDM_CHROMIUM": os.environ.get("ATDM_CHROMIUM") or shutil.which("chromium") or "",
            "CLAIMS_APPLICATION_URL": application,
            "CLAIM_NUMBERS": str(folder / "claim-numbers"),
            "HANGS_MS": str(2 * LEASE_S * 1000),
        }

    @property
    def claim_numbers(self) -> list[str]:
        """What the tests of ``broken`` wrote down of their rows, in order."""
        return (self.folder / "claim-numbers").read_text().split()

    def play(self, *words: str, **variables: str) -> Outcome:
        """Run ``playwright test`` with *words*."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        run = self.run(
            "playwright", "test", "--reporter=line,json", *words, PLAYWRIGHT_JSON_OUTPUT_FILE=str(report), **variables
        )
        return Outcome(run.returncode, run.stdout, json.loads(report.read_text()))

    def run(self, program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of ``node_modules``."""
        return subprocess.run(
            [str(self.folder / "node_modules/.bin" / program), *words],
            cwd=self.folder,
            env=self.variables | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def wait_for_claim_number(self) -> str:
        """Return the number of the claim that a test of ``broken`` has, once it has it."""
        deadline = time.monotonic() + TIMEOUT_S
        while not (self.folder / "claim-numbers").exists() or not self.claim_numbers:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return self.claim_numbers[0]

    def count_rows(self) -> dict[str, int]:
        """Return how many rows stand in each table, past the seeder."""
        return {name: self.caller.query(f"SELECT count(*) FROM {name}")[0] for name in TABLES}  # noqa: S608

    def wait_until_gone(self) -> float:
        """Return after how many seconds no seeded row stands.

        Raises:
            AssertionError: some still do when the lease must have lapsed.
        """
        started = time.monotonic()
        while any((standing := self.count_rows()).values()):
            assert time.monotonic() - started < GONE_WITHIN_S, standing
            time.sleep(0.2)
        return time.monotonic() - started


@contextlib.contextmanager
def running_application(database_url: str) -> Iterator[str]:
    """Run the claims application as a process of its own and yield its address."""
    command = [sys.executable, str(APPLICATION), "--port", "0"]
    variables = os.environ | {"DATABASE_URL": database_url}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def caller(make_database: Callable[[str], str]) -> Iterator[Caller]:
    """A seeder with a short lease, and a look past it."""
    listener = free_listener()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        database_url=make_database("playwright"),
        token=TOKEN,
        catalog=folder("catalog"),
        base_url=url,
        embedded=True,
        lease_s=LEASE_S,
    )
    with (
        running_seeder(settings, listener),
        Caller(url, TOKEN, settings.database_url, settings.catalog) as caller,
    ):
        yield caller


@pytest.fixture(scope="session")
def application(caller: Caller) -> Iterator[str]:
    """The claims application on the seeder's database."""
    with running_application(caller.database_url) as url:
        yield url


def emit(place: Path, catalog: Path, url: str, token: str) -> None:
    """Have ``atdm emit playwright`` write to *place* what it writes for *catalog*."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATDM_URL", url)
        patch.setenv("ATDM_TOKEN", token)
        patch.setenv("ATDM_CATALOG", str(catalog))
        assert main(["emit", "playwright", "--out", str(place)]) == 0


@pytest.fixture(scope="session")
def emitted(caller: Caller, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is written for the shipped catalog."""
    place = tmp_path_factory.mktemp("emitted")
    emit(place, folder("catalog"), caller.base_url, TOKEN)
    return place


@pytest.fixture
def site(caller: Caller, application: str, emitted: Path, tmp_path: Path) -> Site:
    """A copy of this folder's tests with the files that were emitted; no row stands before."""
    kept = shutil.ignore_patterns("node_modules", "*.py", "__pycache__", "atdm", "test-results")
    shutil.copytree(HERE, tmp_path, ignore=kept, dirs_exist_ok=True)
    shutil.copytree(emitted, tmp_path / "atdm")
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    site = Site(caller, application, tmp_path)
    assert set(site.count_rows().values()) == {0}
    return site


@pytest.mark.parametrize("kind", ["commonjs", "module"])
def test_suite_is_green_and_leaves_nothing(site: Site, kind: str) -> None:
    """Eleven tests in four workers, eight on the same situation, pass, in both kinds of modules that Node.js has."""
    package = json.loads((site.folder / "package.json").read_text())
    (site.folder / "package.json").write_text(json.dumps(package | {"type": kind}))
    if kind == "module":
        _name_files(site.folder / "claims")

    outcome = site.play("claims/", "--workers=4")

    assert (outcome.code, outcome.report["stats"]["expected"]) == (0, 11), outcome.text
    assert len({result["workerIndex"] for result in outcome.results}) == 4
    assert set(site.count_rows().values()) == {0}
    assert {"ended"} == {run["state"] for run in site.caller.http.get("/runs?limit=4").json()}


def _name_files(folder: Path) -> None:
    """Name the file that is imported, as modules of ECMAScript have to."""
    for path in folder.iterdir():
        path.write_text(path.read_text().replace('from "../atdm"', 'from "../atdm/index.js"'))


def test_workers_are_one_session(site: Site) -> None:
    """Each worker is a run of its own, and all of them are of one session."""
    site.play("claims/", "--workers=3")

    runs = site.caller.http.get("/runs?limit=3").json()
    assert len({run["run_id"] for run in runs}) == 3
    assert len({run["session_id"] for run in runs}) == 1
    assert {"playwright"} == {run["actor"] for run in runs}


def test_types_are_accepted_by_strict_checks(site: Site) -> None:
    """The emitted files and the tests pass tsc with every check that it has."""
    run = site.run("tsc")

    assert (run.returncode, run.stdout) == (0, "")


def test_odd_names_are_accepted_too(site: Site) -> None:
    """Whatever scenarios, tables, columns and labels are called, the files pass tsc, and can be named in a test."""
    with tempfile.TemporaryDirectory(prefix="atdm-odd-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # Postgres does not run as root
        sidecar = ensure_seeder(Path(name) / ".atdm", catalog=ODD, database_url=None, timeout_s=60)
        with contextlib.closing(sidecar):
            emit(site.folder / "odd", ODD, sidecar.address.url, sidecar.address.token)
    (site.folder / "use.ts").write_text(ODD_USE)

    run = site.run("tsc")

    assert (run.returncode, run.stdout) == (0, "")


USE: Final = """\
import { scenario, test } from "./atdm";
scenario("claim_denial_expired_eligibility", { days_since_expiry: 3, claim: { status: "denied" } })(
  "is denied", async ({ data }) => void data.claim.service_date.length,
);
test("several", async ({ atdm }) => void (await atdm.request("expired_eligibility")).member.id);
"""


@pytest.mark.parametrize(
    ("right", "wrong", "error"),
    [
        ('scenario("claim_denial_', 'scenario("claim_dneial_', "is not assignable to parameter of type"),
        ('request("expired', 'request("exipred', "is not assignable to parameter of type"),
        ("data.claim.", "data.clam.", "Property 'clam' does not exist"),
        (".member.id", ".membr.id", "Property 'membr' does not exist"),
        ("service_date", "servicedate", "Property 'servicedate' does not exist"),
        (".member.id", ".member.idd", "Property 'idd' does not exist"),
        ("days_since_expiry", "days_sinceexpiry", "'days_sinceexpiry' does not exist"),
        ("expiry: 3", 'expiry: "3"', "Type 'string' is not assignable to type 'number'"),
        ("claim: {", "clam: {", "'clam' does not exist"),
        ("{ status", "{ statuss", "'statuss' does not exist"),
        ('"denied"', '"deneid"', "is not assignable to type 'ClaimStatus"),
    ],
)
def test_typo_is_found_before_anything_runs(site: Site, right: str, wrong: str, error: str) -> None:
    """A wrong scenario, entity, column, override or value fails the check of types, and its right spelling passes."""
    file = site.folder / "use.ts"
    file.write_text(USE)
    assert site.run("tsc").returncode == 0

    file.write_text(USE.replace(right, wrong, 1))
    run = site.run("tsc")

    assert run.returncode != 0
    assert error in run.stdout


LIMIT: Final = """\
import { scenario } from "./atdm";
scenario("overdue_loan", { days_late: 0 })("a limit is passed over", () => {});
"""


def test_the_how_to_page_is_true(tmp_path: Path) -> None:
    """What the page says of its files is what tsc and Playwright say of them, word for word."""
    page = "docs/how-to/test-with-playwright.md"
    reader = Reader(tmp_path)
    reader.save_files("docs/tutorial.md")
    reader.save_files(page)
    (tmp_path / "tests/limit.spec.ts").write_text(LIMIT)
    shutil.copy(HERE / "tsconfig.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
    program = f"{tmp_path}/node_modules/.bin"
    sidecar = ensure_seeder(tmp_path / ".atdm", catalog=tmp_path / "catalog", database_url=None, timeout_s=60)
    with contextlib.closing(sidecar):
        reader.run("atdm emit playwright", check=True)
        types = reader.run(f"{program}/tsc")
        played = reader.run(
            f"ATDM_URL={sidecar.address.url} ATDM_TOKEN={sidecar.address.token} {program}/playwright test limit"
        )

    shown = [block.text for block in read_blocks(page) if block.language == "text"]
    assert types in shown, types
    said = "".join(f"{line.strip()}\n" for line in played.splitlines())
    assert any(text.startswith("AtdmError: ") and text in said for text in shown), played


def test_retry_gets_rows_of_its_own(site: Site) -> None:
    """Three attempts are three requests, whose rows differ where they have to be unique, and none of them stays."""
    outcome = site.play("broken/retried")

    numbers = site.claim_numbers
    assert (outcome.code, outcome.report["stats"]["flaky"]) == (0, 1), outcome.text
    assert len(numbers) == len(set(numbers)) == 3
    assert [0, 1, 2] == [result["retry"] for result in outcome.results]
    assert set(site.count_rows().values()) == {0}


def test_failed_test_shows_its_data(site: Site) -> None:
    """The report has the rows of each of its requests, planted and now, and no token; then the rows go all the same."""
    outcome = site.play("broken/fails")

    (result,) = outcome.results
    found = {one["name"]: json.loads(base64.b64decode(one["body"])) for one in result["attachments"] if "body" in one}
    assert (outcome.code, set(found)) == (1, {"atdm claim_denial_active_member", "atdm expired_eligibility"})
    shown = found["atdm claim_denial_active_member"]
    assert shown["overrides"] == {"claim": {"billed_amount": "321.00"}}
    assert shown["entities"]["claim"]["billed_amount"] == "321.00"
    assert shown["tables"]["claim"] == "public.claims"
    assert {"public.claim_decisions"} <= {row["table"] for row in shown["now"] if not row["seeded"]}
    assert "token" not in json.dumps(shown)
    assert set(site.count_rows().values()) == {0}


def test_audit_log_names_test_and_outcome(site: Site) -> None:
    """Whoever reads the log, or asks for coverage, sees which test used the rows, and how each attempt ended."""
    site.play("broken/retried", GITHUB_SHA="c0ffee")

    runs = site.caller.http.get("/runs?limit=3").json()
    events = [event for run in reversed(runs) for event in site.caller.audit(run["run_id"])["events"]]
    uses = [event["detail"] for event in events if event["kind"] == "consumed_by_test"]
    assert [(1, "failed"), (2, "failed"), (3, "passed")] == [(use["attempt"], use["outcome"]) for use in uses]
    name = "broken/retried.spec.ts > only the third attempt passes"
    assert {name} == {use["nodeid"] for use in uses}
    (told,) = [use for use in site.caller.http.get("/coverage?commit=c0ffee").json() if use["nodeid"] == name]
    assert ("claim_denial_active_member", 1, 2) == (told["scenario"], told["passed"], told["failed"])
    assert told["requirements"] != []


@pytest.mark.parametrize("end", ["ends itself", "is killed"])
def test_crash_of_a_worker_leaves_nothing_after_the_lease(site: Site, end: str) -> None:
    """The rows of a worker that is gone stand when Playwright has ended, and go with the lease."""
    outcome = site.play("broken/dies", "-g", end)

    assert outcome.code == 1
    (number,) = site.claim_numbers
    assert [1] == site.caller.query("SELECT count(*) FROM claims WHERE claim_number = $1", number)
    assert site.wait_until_gone() > 0
    assert "reaped" == site.caller.http.get("/runs?limit=1").json()[0]["state"]


def test_busy_test_keeps_its_rows(site: Site) -> None:
    """A test that lets nothing else run for two leases still has its rows, and cleans up."""
    outcome = site.play("broken/dies", "-g", "hangs")

    assert outcome.code == 0, outcome.text
    assert set(site.count_rows().values()) == {0}
    assert "ended" == site.caller.http.get("/runs?limit=1").json()[0]["state"]


def test_rows_that_had_to_be_left_are_an_error(site: Site) -> None:
    """A seeded row to which a row from before has come to refer is left, and the test fails and says so."""
    old = site.caller.http.post("/test-data/requests", json={"scenario": "claim_denial_active_member"}).json()
    with ThreadPoolExecutor() as pool:
        played = pool.submit(site.play, "broken/dies", "-g", "hangs", HANGS_MS="5000")
        number = site.wait_for_claim_number()
        site.caller.query(HAND_OVER, number, old["entities"]["claim"]["rows"][0]["claim_number"])
        outcome = played.result()

    (result,) = outcome.results
    assert outcome.code == 1
    assert "rows are left in the database:\n- public.providers {" in result["error"]["message"]
    site.caller.query("DELETE FROM claims")
    site.caller.http.delete("/runs?force=true").raise_for_status()
    site.caller.query("DELETE FROM providers")


def test_refusal_of_the_seeder_is_told(site: Site) -> None:
    """Message, hint and code of the problem document stand in Playwright's report, findings too."""
    outcome = site.play("broken/refused", "--workers=1")

    limit, rule = (result["error"]["message"] for result in outcome.results)
    assert "days_since_expiry is 0, outside its limits\nhint:  choose a value from 1" in limit
    assert "code:  override_error" in limit
    assert "\n- $." in rule
    assert "code:  plan_rejected" in rule


@pytest.mark.parametrize(
    ("variables", "message", "code"),
    [
        ({"ATDM_URL": ""}, "ATDM_URL is not set", "setting_error"),
        ({"ATDM_TOKEN": ""}, "ATDM_TOKEN is not set", "setting_error"),
        ({"ATDM_TOKEN": "wrong"}, "hint:", "unauthorized"),
        ({"ATDM_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1/runs", "seeder_unreachable"),
        ({"ATDM_URL": "the application"}, "answers 404", "seeder_failed"),
    ],
)
def test_wrong_setting_is_told(site: Site, variables: dict[str, str], message: str, code: str) -> None:
    """Who forgets a variable, or names another service, reads which and what to do."""
    if variables.get("ATDM_URL") == "the application":
        variables = {"ATDM_URL": site.variables["CLAIMS_APPLICATION_URL"]}

    outcome = site.play("claims/denials", **variables)

    (result,) = outcome.results
    assert outcome.code == 1
    assert message in result["error"]["message"]
    assert f"code:  {code}" in result["error"]["message"]

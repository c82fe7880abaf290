"""``atdm replay`` and ``atdm rows``: a failed test's rows, byte for byte, in another database too."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm._client import SeederClient
from pytest_atdm.cli import main
from tests.plugin.conftest import running_seeder
from tests.plugin.database import fetch, read_all_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_atdm._sidecar import SeederAddress
    from tests.plugin.conftest import Suite

RED = """
@atdm_scenario("overdue_loan")
def test_red(atdm_data):
    atdm_data.request("reader_with_books")
    assert False
"""


@dataclass
class Elsewhere:
    """Another database with the same tables, and the command line on it."""

    address: SeederAddress
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr of ``atdm``."""
        self.capsys.readouterr()
        code = main(words)
        return code, *self.capsys.readouterr()

    def read_all_rows(self) -> dict[str, list[str]]:
        """Return every row of every table."""
        return read_all_rows(str(self.address.database_url))


@pytest.fixture(scope="session")
def second_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeederAddress]:
    """A seeder on a database of its own."""
    with running_seeder(tmp_path_factory.mktemp("second")) as address:
        yield address


@pytest.fixture
def elsewhere(
    suite: Suite,
    second_address: SeederAddress,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Elsewhere]:
    """Where the bundle of the suite's session is replayed; afterwards nothing stands there."""
    before = read_all_rows(str(second_address.database_url))
    suite.write(RED)
    suite.run("--atdm-keep-data=on", "--atdm-as-of=2026-03-01", "--atdm-seed=7").assert_outcomes(failed=1)
    monkeypatch.setenv("ATDM_URL", second_address.url)
    monkeypatch.setenv("ATDM_TOKEN", second_address.token)
    yield Elsewhere(second_address, capsys)
    for address in (second_address, suite.address):
        with contextlib.closing(SeederClient(address)) as client:
            client.reset_all()
    assert before == read_all_rows(str(second_address.database_url))


def find_bundle(suite: Suite) -> Path:
    """The one that the session has left."""
    (path,) = (suite.pytester.path / ".atdm" / "failed").glob("*.json")
    return path


def test_the_same_rows_stand_in_another_database(suite: Suite, elsewhere: Elsewhere) -> None:
    """Every row of the test is the same byte for byte: keys and defaults that the database chose, too."""
    code, out, _ = elsewhere.run("replay", str(find_bundle(suite)))

    assert 0 == code
    assert suite.read_all_rows() == elsewhere.read_all_rows()
    assert "the same rows as those of test_it.py::test_red" in out
    assert "as of 2026-03-01" in out
    assert "undo " in out


def test_rows_that_are_kept_are_let_go_first(
    suite: Suite, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the test's own rows stand yet, the error says how they go; then the same rows stand again."""
    monkeypatch.setenv("ATDM_URL", suite.address.url)
    monkeypatch.setenv("ATDM_TOKEN", suite.address.token)
    path = find_bundle(suite)
    run_id = json.loads(path.read_text())["requests"][0]["plan"]["run_id"]
    kept = suite.read_all_rows()

    code, _, err = elsewhere.run("replay", str(path))

    assert 2 == code
    assert "code:  conflict" in err
    assert f"atdm reap {run_id}" in err
    assert kept == suite.read_all_rows()
    assert 0 == elsewhere.run("reap", run_id)[0]
    assert kept != suite.read_all_rows()
    assert 0 == elsewhere.run("replay", str(path))[0]
    assert kept == suite.read_all_rows()


def test_the_database_may_choose_anew(suite: Suite, elsewhere: Elsewhere) -> None:
    """With --new-keys what was planned is the same, and each value that the database chose is told where it differs."""
    fetch(str(elsewhere.address.database_url), "SELECT setval('loans_loan_id_seq', 5000)")

    code, out, _ = elsewhere.run("replay", str(find_bundle(suite)), "--new-keys", "--json")

    answer = json.loads(out)
    assert 0 == code
    assert 2 == len(answer["requests"])
    assert any(line.startswith("loan.loan_id: ") for line in answer["differences"])
    assert not [line for line in answer["differences"] if ".name" in line or "lent_on" in line]


def test_tables_that_the_test_has_not_used_may_be_others(suite: Suite, elsewhere: Elsewhere) -> None:
    """The same rows stand beside a table that was not there, and it is told that the schema is another."""
    url = str(elsewhere.address.database_url)
    fetch(url, "CREATE TABLE later (id integer)")

    code, out, err = elsewhere.run("replay", str(find_bundle(suite)))

    fetch(url, "DROP TABLE later")
    assert 0 == code
    assert "the schema is another than that of the failed test" in err
    assert "the same rows as those of test_it.py::test_red" in out


def test_a_table_of_the_test_that_is_another_is_refused(suite: Suite, elsewhere: Elsewhere) -> None:
    """Where a column is gone the error names it, and nothing is written."""
    url = str(elsewhere.address.database_url)
    fetch(url, "ALTER TABLE loans RENAME COLUMN state TO status")
    before = elsewhere.read_all_rows()

    code, _, err = elsewhere.run("replay", str(find_bundle(suite)))

    assert before == elsewhere.read_all_rows()
    fetch(url, "ALTER TABLE loans RENAME COLUMN status TO state")
    assert 2 == code
    assert "loans" in err
    assert "state" in err


def test_rows_that_are_in_the_way_are_told(suite: Suite, elsewhere: Elsewhere) -> None:
    """A key that is taken is no reason to take another in silence: the error says which, and nothing is written."""
    path = find_bundle(suite)
    reader = json.loads(path.read_text())["requests"][0]["entities"]["reader"]["rows"][0]
    url = str(elsewhere.address.database_url)
    fetch(
        url, "INSERT INTO readers SELECT * FROM json_populate_record(null::readers, $1) RETURNING 1", json.dumps(reader)
    )
    before = elsewhere.read_all_rows()

    code, _, err = elsewhere.run("replay", str(path))

    after = elsewhere.read_all_rows()
    fetch(url, "DELETE FROM readers WHERE reader_id = $1 RETURNING 1", reader["reader_id"])
    assert 2 == code
    assert "code:  row_conflict" in err
    assert before == after


def test_a_dry_run_shows_and_writes_nothing(suite: Suite, elsewhere: Elsewhere) -> None:
    """The test, its requests and what had become of their rows."""
    before = elsewhere.read_all_rows()

    code, out, _ = elsewhere.run("replay", str(find_bundle(suite)), "--dry-run")

    assert 0 == code
    assert "failed: test_it.py::test_red" in out
    assert "overdue_loan: 3 rows, as of 2026-03-01, run " in out
    assert "public.loans" in out
    assert before == elsewhere.read_all_rows()


def edit_name(bundle: Any) -> None:
    """Change a planned value."""
    bundle["requests"][0]["plan"]["rows"][0]["values"]["name"] = "somebody else"


def edit_format(bundle: Any) -> None:
    """Pretend to be of a later version."""
    bundle["format"] = 2


def empty(bundle: Any) -> None:
    """Leave no request."""
    bundle["requests"] = []


def spoil(bundle: Any) -> None:
    """Leave out what has to be there."""
    del bundle["test"]


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (edit_name, "plan_tampered"),
        (edit_format, "invalid_request"),
        (empty, "invalid_request"),
        (spoil, "invalid_request"),
    ],
)
def test_a_bundle_that_is_another_is_refused(suite: Suite, elsewhere: Elsewhere, edit: Any, code: str) -> None:
    """What a session did not write is not replayed; the error says what is wrong and what to do."""
    path = find_bundle(suite)
    bundle = json.loads(path.read_text())
    edit(bundle)
    path.write_text(json.dumps(bundle))
    before = elsewhere.read_all_rows()

    exit_code, _, err = elsewhere.run("replay", str(path))

    assert 2 == exit_code
    assert f"code:  {code}" in err
    assert "hint:  " in err
    assert before == elsewhere.read_all_rows()


def test_a_file_that_is_not_there_is_told(elsewhere: Elsewhere) -> None:
    """With where the right name stands."""
    code, _, err = elsewhere.run("replay", "nowhere.json")

    assert 2 == code
    assert "nowhere.json: No such file or directory" in err
    assert "the report of the failed test names" in err


def test_rows_of_a_request_are_shown_as_they_stand(suite: Suite, elsewhere: Elsewhere) -> None:
    """Seeded ones, changed, gone (-) and added (+), by table; of a request that was reset none."""
    code, out, _ = elsewhere.run("replay", str(find_bundle(suite)), "--json")
    request = json.loads(out)["requests"][0]
    url, loan = str(elsewhere.address.database_url), request["entities"]["loan"]["rows"][0]["loan_id"]
    fetch(url, "INSERT INTO reminders (loan_id, text) VALUES ($1, 'again') RETURNING 1", loan)
    fetch(url, "UPDATE loans SET state = 'returned' WHERE loan_id = $1 RETURNING 1", loan)

    code, out, _ = elsewhere.run("rows", request["request_id"])
    _, told, _ = elsewhere.run("rows", request["request_id"], "--json")

    assert 0 == code
    assert "returned" in out
    assert any(line.startswith("+") and "again" in line for line in out.splitlines())
    assert out.endswith("4 rows\n")
    assert 4 == len(json.loads(told)["rows"])
    assert 0 == elsewhere.run("reset", request["run_id"], "--token", request["cleanup_token"])[0]
    assert "0 rows\n" == elsewhere.run("rows", request["request_id"])[1]


def test_a_request_that_there_is_not_is_told(elsewhere: Elsewhere) -> None:
    """An id that nobody knows is an error, not an empty answer."""
    code, _, err = elsewhere.run("rows", "01JD0000000000000000000000")

    assert 2 == code
    assert "code:  not_found" in err

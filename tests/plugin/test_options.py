"""Each option, where its value may come from, and what is said of a value that cannot be used."""

from __future__ import annotations

import fnmatch
import json
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from pytest_atdm._options import OPTIONS, read_project, resolve_settings
from pytest_atdm.core.errors import SettingError
from tests.plugin.database import CATALOG, fetch

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_atdm._options import Settings
    from tests.plugin.conftest import Suite

RUN_ID = "01JD0000000000000000000077"
ONE = '@atdm_scenario("overdue_loan")\ndef test_a(atdm_data): pass'


def find_header(result: pytest.RunResult) -> str:
    """Return the plugin's line of the header."""
    return next(line for line in result.outlines if line.startswith("atdm: catalog"))


def resolve(root: Path) -> Settings:
    """Return the settings that the project in the folder *root* says alone."""
    given = read_project(root)
    return resolve_settings({option.name: given.get(option.name) for option in OPTIONS}, root, {})


def test_the_header_says_where_each_setting_came_from(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command line before environment before ini before default; each names itself; no password, no token."""
    suite.pytester.makeini("[pytest]\natdm_seed = 3\natdm_as_of = 2026-01-31")
    monkeypatch.setenv("ATDM_DATABASE_URL", "postgresql://someone:secret@db.example.test:5432/tests")

    header = find_header(suite.run("--atdm-as-of=2026-02-01"))

    assert header == (
        f"atdm: catalog {CATALOG} (from env ATDM_CATALOG), seeder {suite.address.url} (from env ATDM_URL), "
        "database db.example.test/tests (from env ATDM_DATABASE_URL), seed 3 (from ini atdm_seed), "
        "as_of 2026-02-01 (from --atdm-as-of)"
    )


def test_an_idle_session_without_settings_shows_the_defaults(pytester: pytest.Pytester) -> None:
    """With nothing configured: the shipped catalog and an embedded database, neither of which is touched."""
    header = find_header(pytester.runpytest_inprocess("--atdm-as-of=2026-02-01"))

    assert header == (
        "atdm: catalog shipped (from default), database embedded (from default), seed 0, "
        "as_of 2026-02-01 (from --atdm-as-of)"
    )
    assert not (pytester.path / ".atdm").exists()


def test_the_catalog_of_the_project_is_the_default(pytester: pytest.Pytester) -> None:
    """A folder catalog in the root folder comes before the shipped one."""
    pytester.mkdir("catalog")

    assert f"catalog {pytester.path / 'catalog'} (from default)" in find_header(pytester.runpytest_inprocess())


def test_command_line_wins_over_environment_over_ini(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three values for one setting the nearest counts."""
    suite.pytester.makeini("[pytest]\natdm_seed = 1")
    assert "seed 1" in find_header(suite.run())

    monkeypatch.setenv("ATDM_SEED", "2")
    assert "seed 2" in find_header(suite.run())

    assert "seed 3" in find_header(suite.run("--atdm-seed=3"))


def test_native_toml_takes_typed_values(suite: Suite) -> None:
    """Numbers are numbers in [tool.pytest]."""
    suite.pytester.makefile(".toml", pyproject='[tool.pytest]\natdm_seed = 7\natdm_as_of = "2026-01-31"\n')

    assert "seed 7 (from ini atdm_seed), as_of 2026-01-31" in find_header(suite.run())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--atdm-seed=-1", '--atdm-seed: "-1" is not a whole number'),
        ("--atdm-seed=many", '--atdm-seed: "many" is not a whole number'),
        ("--atdm-as-of=tomorrow", '--atdm-as-of: "tomorrow" is not a date'),
        ("--atdm-run-id=mine", '--atdm-run-id: "mine" is not a ULID'),
        ("--atdm-catalog=nowhere", '--atdm-catalog: "nowhere" is not a folder'),
        ("--atdm-leaks=shrug", '--atdm-leaks: "shrug" is nothing that a leak can be'),
        ("--atdm-actor=", '--atdm-actor: "" is no name of 1 to 100 printable characters'),
        ("--atdm-url=db:5432", '--atdm-url: "db:5432" is not an address of HTTP'),
    ],
)
def test_a_value_that_cannot_be_used_is_a_usage_error(suite: Suite, option: str, message: str) -> None:
    """The option is named with its value, what is wrong, and how to write it; nothing runs."""
    suite.write("def test_a(): pass")

    result = suite.run(option)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: atdm: {message}*", "*hint:*setting_error*"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--atdm-migrations=nowhere"], '--atdm-migrations: "nowhere" is not a folder'),
        (
            ["--atdm-migrations=.", "--atdm-migrate-command=true"],
            '--atdm-migrations: "." and --atdm-migrate-command exclude each other',
        ),
        (["--atdm-migrations=.", "--atdm-migrate-files=*"], '--atdm-migrations: "." and --atdm-migrate-files exclude'),
        (["--atdm-migrate-files=*.py"], '--atdm-migrate-files: "?.py" runs no command'),
        (["--atdm-migrate-command= "], '--atdm-migrate-command: " " runs no command'),
        (
            ["--atdm-migrations=.", "--atdm-database-url=postgresql://x/y"],
            "--atdm-migrations: only the embedded database is migrated, and --atdm-database-url names another",
        ),
        (
            ["--atdm-migrate-command=true", "--atdm-url=http://127.0.0.1:1"],
            "--atdm-migrate-command: only the embedded database is migrated, and --atdm-url names another",
        ),
    ],
)
def test_migrations_are_one_folder_or_one_command_of_the_embedded_database(
    pytester: pytest.Pytester, options: list[str], message: str
) -> None:
    """What contradicts itself, or a database that is not ours to make, ends the session before it begins."""
    result = pytester.runpytest_inprocess(*options)

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines([f"ERROR: atdm: {message}*", "*hint:*setting_error*"])


def test_the_header_names_the_migrations(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with its place, a command as it was written, each with its source; paths of an ini start beside it."""
    pytester.mkdir("sql")
    pytester.makeini("[pytest]\natdm_migrations = sql")
    where = f"migrations {pytester.path / 'sql'} (from ini atdm_migrations)"
    assert f"database embedded (from default), {where}, seed 0" in find_header(pytester.runpytest_inprocess())

    pytester.makeini("[pytest]")
    monkeypatch.setenv("ATDM_MIGRATE_COMMAND", "make tables")
    header = find_header(pytester.runpytest_inprocess())
    assert 'migrations by "make tables" (from env ATDM_MIGRATE_COMMAND)' in header


def test_every_option_has_its_three_names_in_the_help(pytester: pytest.Pytester) -> None:
    """The help names flag, variable and ini key of each setting."""
    shown = " ".join(pytester.runpytest_inprocess("--help").stdout.str().split())

    for option in OPTIONS:
        assert f"{option.flag}={option.metavar}" in shown
        assert f"also {option.variable} or ini {option.key}" in shown
    assert "--atdm-reset-all" in shown
    assert "--atdm-token" not in shown


def test_url_names_the_seeder(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the command line as in the environment: the session uses that seeder, and starts none."""
    monkeypatch.delenv("ATDM_URL")
    suite.write(f"{ONE}\n\ndef test_b(atdm_run): assert atdm_run.seeder_url == {suite.address.url!r}")

    suite.run(f"--atdm-url={suite.address.url}/").assert_outcomes(passed=2)

    assert not (suite.pytester.path / ".atdm").exists()


def test_url_without_a_token_is_a_clear_error(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address alone is of no use: the variable for the token is named."""
    monkeypatch.delenv("ATDM_TOKEN")
    suite.write(ONE)

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"there is no token for the seeder at {suite.address.url}*", "*ATDM_TOKEN*"])


@pytest.mark.parametrize("token", ["5ecret\n", "5ecrét"])
def test_a_token_that_no_header_can_carry_is_refused_unseen(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    """A line break at the end of a file is easily read with it; no message ever holds any of the token."""
    monkeypatch.setenv("ATDM_TOKEN", token)

    result = suite.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: atdm: env ATDM_TOKEN: holds a character that no header can carry"])
    assert "5ecr" not in result.stderr.str() + result.stdout.str()


def test_an_address_with_a_password_is_refused_unseen(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address stands in the header of every session: no secret belongs into it."""
    monkeypatch.setenv("ATDM_URL", "http://someone:5ecret@127.0.0.1:1")

    result = suite.run()

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    assert "5ecret" not in result.stderr.str() + result.stdout.str()


def test_url_with_a_wrong_token_is_a_clear_error(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeder's refusal is shown once, as an error of the collection."""
    monkeypatch.setenv("ATDM_TOKEN", "wrong")
    suite.write(ONE)

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bearer token is missing or wrong*", "*unauthorized*"])


def test_database_url_is_what_the_application_must_use(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """With somebody else's seeder the setting is handed on; without it, asking for the URL says how to give it."""
    suite.write("def test_a(atdm_database_url): assert atdm_database_url == 'postgresql://x/y'")
    suite.run("--atdm-database-url=postgresql://x/y").assert_outcomes(passed=1)

    monkeypatch.delenv("ATDM_DATABASE_URL")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*it is not known which database*", "*--atdm-database-url*"])


def test_seed_changes_generated_values_and_nothing_else_does(suite: Suite) -> None:
    """Same seed, same values in a new run; another seed, other values; given ones stay."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data):
            with open("values", "a") as file: print(atdm_data.book.title, atdm_data.book.price, file=file)
        """
    )

    for seed in ("1", "1", "2"):
        suite.run(f"--atdm-seed={seed}").assert_outcomes(passed=1)

    first, again, other = (suite.pytester.path / "values").read_text().splitlines()
    assert first == again != other
    assert first.endswith("12.50")
    assert other.endswith("12.50")


def test_run_id_makes_everything_byte_identical(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same id another database gets the same rows; without one they are new each time."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data):
            with open("values", "a") as file: print(atdm_data.reader, atdm_data.loan.lent_on, file=file)
        """
    )

    suite.run(f"--atdm-run-id={RUN_ID}").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)
    for name in ("ATDM_URL", "ATDM_TOKEN", "ATDM_DATABASE_URL"):
        monkeypatch.delenv(name)
    suite.run(f"--atdm-run-id={RUN_ID}").assert_outcomes(passed=1)

    first, second, third, elsewhere = (suite.pytester.path / "values").read_text().splitlines()
    assert first == elsewhere
    assert len({first, second, third}) == 3


def test_a_run_id_can_be_used_again(suite: Suite) -> None:
    """On the same database, one session after the other: the rows are the same, and the audit trail goes on."""
    note = "\n    with open('values', 'a') as file: print(atdm_data.reader, file=file)"
    suite.write(ONE.replace(" pass", note))

    suite.run(f"--atdm-run-id={RUN_ID}").assert_outcomes(passed=1)
    suite.run(f"--atdm-run-id={RUN_ID}").assert_outcomes(passed=1)

    first, second = (suite.pytester.path / "values").read_text().splitlines()
    assert first == second


def test_a_run_id_that_is_in_use_is_one_clear_error(suite: Suite) -> None:
    """While another session has the run, a second one with its id is told so before its first test."""
    suite.write("@pytest.mark.parametrize('number', range(3))\n" + ONE.replace("atdm_data", "number"))
    run_id = "01JD0000000000000000000078"
    with suite.open_client() as client:
        client.start_run(run_id=run_id, session_id=run_id, actor="other", seed=0, as_of="2026-01-31")

    result = suite.run(f"--atdm-run-id={run_id}")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"run {run_id} *", "*hint: *conflict*"])


def test_as_of_moves_every_date(suite: Suite) -> None:
    """Dates are relative to the day given."""
    suite.write(
        """
        @atdm_scenario("overdue_loan", days_late=2)
        def test_a(atdm_data): assert atdm_data.loan.lent_on == datetime.date(2026, 3, 1)
        """
    )

    suite.run("--atdm-as-of=2026-03-31").assert_outcomes(passed=1)


def test_catalog_names_the_scenarios(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder, given relative to where pytest was started, holds other scenarios."""
    monkeypatch.delenv("ATDM_CATALOG")
    suite.pytester.mkdir("other")
    suite.write(ONE)

    result = suite.run("--atdm-catalog=other")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['no scenario "overdue_loan" in the catalog'])


def test_fixtures_dir_gets_the_files_of_each_request(suite: Suite) -> None:
    """A pytest module and a Playwright JSON per request, below run and request; without a secret."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_a(atdm_data):
            more = atdm_data.request("reader_with_books")
            for data in (atdm_data, more):
                assert set(data.facts.fixtures) == {"playwright", "pytest"}
                assert all(path.is_file() for path in data.facts.fixtures.values())
        """
    )

    suite.run("--atdm-fixtures-dir=made", "--atdm-run-id=01JD0000000000000000000079").assert_outcomes(passed=1)

    files = sorted((suite.pytester.path / "made" / "01JD0000000000000000000079").glob("*/*"))
    assert {path.suffix for path in files} == {".json", ".py"}
    assert len(files) == 4
    assert json.loads(next(path for path in files if path.suffix == ".json").read_text())
    assert not any(suite.address.token in path.read_text() for path in files)


def test_without_fixtures_dir_nothing_is_written(suite: Suite) -> None:
    """A suite that only reads atdm_data leaves no file."""
    suite.write(ONE)

    suite.run().assert_outcomes(passed=1)

    assert not (suite.pytester.path / ".atdm").exists()


def test_reset_all_removes_what_earlier_runs_left(suite: Suite) -> None:
    """Rows of a request that nobody reset go before the first test runs."""
    with suite.open_client() as client:
        client.request("overdue_loan")
    assert fetch(suite.database_url, "SELECT FROM loans")
    suite.write("def test_a(atdm_database_url): assert fetch(atdm_database_url, 'SELECT FROM loans') == []")

    result = suite.run("--atdm-reset-all")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["atdm: --atdm-reset-all removed 3 rows of 1 request"])


def test_reset_all_does_not_take_the_rows_of_others_at_work(suite: Suite) -> None:
    """Whose rows they are is told, and no test runs; with --atdm-force they go."""
    suite.write("def test_a(atdm_database_url): assert fetch(atdm_database_url, 'SELECT FROM loans') == []")
    run_id = "01JD0000000000000000000000"
    with suite.open_client() as client:
        client.start_run(run_id=run_id, session_id=run_id, actor="ann", seed=0, as_of="2026-01-31", owner="ann@there")
        client.request("overdue_loan", run_id=run_id)

        refused = suite.run("--atdm-reset-all")
        forced = suite.run("--atdm-reset-all", "--atdm-force")

        client.reset_run(run_id)
    assert pytest.ExitCode.USAGE_ERROR == refused.ret
    refused.stderr.fnmatch_lines([f"ERROR: atdm: --atdm-reset-all failed: *others are at work*{run_id} of ann@there*"])
    forced.assert_outcomes(passed=1)


def test_force_alone_is_refused(suite: Suite) -> None:
    """An option that would do nothing is an error that says what it goes with."""
    suite.write("def test_a(): pass")

    result = suite.run("--atdm-force")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*--atdm-force: forces nothing*", "*it goes with --atdm-reset-all*"])


def test_reset_all_that_fails_lets_no_test_run(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked for an empty database must not run on another."""
    monkeypatch.setenv("ATDM_TOKEN", "wrong")
    suite.write("def test_a(): pass")

    result = suite.run("--atdm-reset-all")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["ERROR: atdm: --atdm-reset-all failed: *token*"])


@pytest.mark.parametrize(
    ("environment", "options", "actor"),
    [
        ({"CI": ""}, [], "human (pytest)"),
        ({"CI": "false"}, [], "human (pytest)"),
        ({"CI": "true"}, [], "ci (pytest)"),
        ({"CI": "true", "ATDM_ACTOR": "agent:qa-7"}, [], "agent:qa-7 (pytest)"),
        ({"ATDM_ACTOR": "agent:qa-7"}, ["--atdm-actor=agent:qa-8"], "agent:qa-8 (pytest)"),
    ],
)
def test_the_audit_log_says_who_asked(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], options: list[str], actor: str
) -> None:
    """A person, CI, or whoever names themselves, by which tool and process: from the start of the run on."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    suite.write(ONE)

    suite.run(f"--atdm-run-id={RUN_ID}", *options).assert_outcomes(passed=1)

    query = "SELECT kind, body FROM atdm.audit_event WHERE kind IN ('run_started', 'seed_committed') ORDER BY at, seq"
    said = {row["kind"]: json.loads(row["body"])["detail"] for row in fetch(suite.database_url, query)}
    assert actor == said["run_started"]["actor"] == said["seed_committed"]["actor"]
    assert said["run_started"]["owner"].endswith(f" pid {os.getpid()}")


def test_scenarios_are_listed_and_nothing_runs(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """--atdm-scenarios tells names and titles, runs no test, and starts nothing."""
    monkeypatch.delenv("ATDM_URL")
    suite.write("raise RuntimeError")

    result = suite.run_apart("--atdm-scenarios")

    assert pytest.ExitCode.OK == result.ret
    assert [
        "full_library       A library with thousands of books",
        "overdue_loan       A loan that is overdue",
        "reader_with_books  A reader with several books",
    ] == result.outlines
    assert not (suite.pytester.path / ".atdm").exists()


def test_a_faulty_catalog_has_no_list(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong in the catalog is said, as everywhere."""
    folder = suite.pytester.mkdir("catalog") / "library" / "scenarios"
    folder.mkdir(parents=True)
    (folder.parent / "domain.yaml").write_text("title: A library\n")
    (folder / "odd.yaml").write_text("title: Odd\ntitle: Twice\n")
    monkeypatch.delenv("ATDM_CATALOG")

    result = suite.run_apart("--atdm-scenarios")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(["*ERROR: atdm: *odd.yaml*"])


def test_the_project_s_own_table_comes_after_pytest_s(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """[tool.atdm] is read by the plugin and the command line; ini, environment and options go before it."""
    path = suite.pytester.path / "pyproject.toml"
    path.write_text('[tool.atdm]\nseed = 1\nas-of = "2026-01-31"\n')
    first = find_header(suite.run())
    path.write_text(path.read_text() + "[tool.pytest]\natdm_seed = 2\n")
    second = find_header(suite.run())
    monkeypatch.setenv("ATDM_SEED", "3")
    third = find_header(suite.run())

    assert (
        "seed 1 (from pyproject.toml [tool.atdm] seed), as_of 2026-01-31 (from pyproject.toml [tool.atdm] as-" in first
    )
    assert "seed 2 (from ini atdm_seed)" in second
    assert "seed 3 (from env ATDM_SEED)" in third


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.atdm]\nsede = 1\n", '*[[]tool.atdm] has no setting "sede"*did you mean "seed"?*'),
        ("[tool.atdm]\nseed = \n", "*pyproject.toml: *mend the file*"),
        ('[tool.atdm]\nseed = "many"\n', '*pyproject.toml [[]tool.atdm] seed: "many" is not a whole number*'),
    ],
)
def test_a_wrong_table_is_told(suite: Suite, text: str, message: str) -> None:
    """A key that is none, a file that is not TOML, a value that cannot be used: an error with file and key."""
    (suite.pytester.path / "pyproject.toml").write_text(text)

    with pytest.raises(SettingError) as refused:
        resolve(suite.pytester.path)

    assert fnmatch.fnmatch(str(refused.value).replace("\n", " "), message)


def test_another_projects_table_is_not_looked_at(suite: Suite) -> None:
    """A pyproject.toml without the table, or none at all, says nothing."""
    (suite.pytester.path / "pyproject.toml").write_text("[tool.other]\nseed = 1\n")

    assert "seed 0, " in find_header(suite.run())


@pytest.mark.parametrize("way", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_rows_of_passed_tests_are_shown_on_request(suite: Suite, way: tuple[str, ...]) -> None:
    """--atdm-show-data prints each test's rows as they stand when it has ended; without it only failed ones tell."""
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(): pass\n')

    shown = suite.run_apart("--atdm-show-data", *way)
    silent = suite.run_apart(*way)

    shown.stdout.fnmatch_lines(["test_it.py::test_a", "overdue_loan: *", "* loan (public.loans): *state='overdue'*"])
    assert "again:" not in shown.stdout.str()
    assert "public.loans" not in silent.stdout.str()
    assert not (suite.pytester.path / ".atdm").exists()


def test_the_time_to_wait_for_a_seeder_can_be_set(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeder that takes the connection and says nothing is given up after --atdm-timeout seconds."""
    suite.write('@atdm_scenario("overdue_loan")\ndef test_a(): pass\n')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("ATDM_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        started = time.monotonic()

        result = suite.run("--atdm-timeout=1")

    assert time.monotonic() - started < 5.0  # the greeting alone is given five seconds else
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*seeder_unreachable*"])


@pytest.mark.parametrize("text", ["0", "-1", "soon", "86401"])
def test_a_time_to_wait_is_checked(suite: Suite, text: str) -> None:
    """It is a number of seconds, at most a day's."""
    suite.write("def test_a(): pass")

    result = suite.run(f"--atdm-timeout={text}")

    assert pytest.ExitCode.USAGE_ERROR == result.ret
    result.stderr.fnmatch_lines(
        [f'*--atdm-timeout: "{text}" is no number of seconds up to a day*', "*write it like 20*"]
    )

"""``atdm init``, and the tests that run on what it wrote."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import pytest

from pytest_atdm import data
from pytest_atdm._catalog import open_catalog
from pytest_atdm._sidecar import ensure_seeder
from tests.cli.conftest import Outcome
from tests.environment import bare_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_atdm.core.catalog import Scenario

SCHEMAS: Final = Path(__file__).with_name("schemas")
TIMEOUT_S: Final = 120


def ask(url: str, *statements: str) -> list[Any]:
    """Have the database at *url* do what *statements* say, and return the rows of the last."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    return asyncio.run(run())


@dataclass(frozen=True, slots=True)
class Project:
    """An empty folder, and a database with tables that nothing has been said about."""

    folder: Path
    url: str
    name: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def init(self, *words: str) -> Outcome:
        """Run ``atdm init`` in the folder."""
        return self.atdm("init", "--database-url", self.url, "--domain", self.name, "--as-of", "2026-03-31", *words)

    def atdm(self, *words: str) -> Outcome:
        """Run ``atdm`` in the folder."""
        code = "import sys; from pytest_atdm.cli import main; sys.exit(main())"
        done = self._run("-P", "-c", code, *words)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def pytest(self, *words: str) -> str:
        """Run pytest in the folder, see that all tests pass, and return what it said."""
        done = self._run("-m", "pytest", "-q", "-p", "no:cacheprovider", "--atdm-as-of=2026-03-31", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        kept = bare_environment()
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={**kept, "COLUMNS": "100", "ATDM_DATABASE_URL": self.url, **self.variables},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def read(self, path: str) -> str:
        """Return the text of a file of the folder."""
        return (self.folder / path).read_text(encoding="utf-8")

    def read_files(self) -> dict[str, str]:
        """Return the text of all files that were written, by path."""
        paths = [path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file()]
        return {str(path): self.read(str(path)) for path in sorted(paths) if path.parts[0] != ".atdm"}


@dataclass(frozen=True, slots=True)
class Begun:
    """A project after its first ``atdm init``, and what that answered. Tests change none of its files."""

    project: Project
    payload: Any

    def read(self, path: str) -> str:
        """Return the text of a file of the domain."""
        return self.project.read(f"catalog/{self.project.name}/{path}")

    @property
    def scenarios(self) -> list[Scenario]:
        """The scenarios of the catalog."""
        catalog = open_catalog(self.project.folder / "catalog")
        return [catalog.scenario(id) for id in catalog.scenario_ids]


def read_rows(url: str) -> dict[str, list[str]]:
    """Return every row of every table of the target as text."""
    tables = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text IN "
    names = [row[0] for row in ask(url, tables + "('public', 'billing') ORDER BY 1")]
    return {name: [row[0] for row in ask(url, f"SELECT t::text FROM {name} t ORDER BY 1")] for name in names}  # noqa: S608


@pytest.fixture(scope="module")
def targets(make_database: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """The databases by the name of their schema; after the tests they hold the rows that they held before."""
    urls = {path.stem: make_database(path.stem) for path in SCHEMAS.glob("*.sql")}
    for name, url in urls.items():
        mark = f"ALTER DATABASE \"{url.rpartition('/')[2]}\" SET atdm.test_database = 'on'"
        ask(url, (SCHEMAS / f"{name}.sql").read_text(encoding="utf-8"), mark, "SELECT 1")
    before = {url: read_rows(url) for url in urls.values()}
    yield urls
    assert {url: read_rows(url) for url in urls.values()} == before


@pytest.fixture
def lending(tmp_path: Path, targets: dict[str, str]) -> Project:
    """A project on a plain schema: people, things, dates, an enum, a list of values."""
    return Project(tmp_path, targets["lending"], "lending")


@pytest.fixture
def planning(tmp_path: Path, targets: dict[str, str]) -> Project:
    """A project on an awkward schema: two namespaces, a circle, composite keys, full lookups, misleading names."""
    return Project(tmp_path, targets["planning"], "planning")


@pytest.fixture(scope="module")
def begun_lending(targets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """The plain project, begun."""
    return begin(Project(tmp_path_factory.mktemp("lending"), targets["lending"], "lending"))


@pytest.fixture(scope="module")
def begun_planning(targets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """The awkward project, begun."""
    return begin(Project(tmp_path_factory.mktemp("planning"), targets["planning"], "planning"))


@pytest.fixture(params=["lending", "planning"])
def begun(request: pytest.FixtureRequest) -> Begun:
    """Each of the two, begun."""
    found: Begun = request.getfixturevalue(f"begun_{request.param}")
    return found


def begin(project: Project) -> Begun:
    """Run ``atdm init`` in the folder of *project*."""
    outcome = project.init("--output", "json")
    assert (outcome.code, outcome.err) == (0, "")
    return Begun(project, outcome.payload)


def test_a_test_passes_on_what_was_written(begun_lending: Begun) -> None:
    """From an empty folder to a marked test that passes it takes one command; the rows are gone afterwards."""
    said = begun_lending.project.pytest()

    assert "1 passed" in said
    assert "1 request, 3 rows seeded, 3 removed" in said


def test_every_scenario_is_planted(begun: Begun) -> None:
    """Not only the first: a test of each scenario passes, on a plain and on an awkward schema."""
    body = "    assert {len(atdm_data.rows(entity)) for entity in atdm_data} == {1}\n"
    tests = [f'@atdm_scenario("{one.id}")\ndef test_{one.id}(atdm_data):\n{body}' for one in begun.scenarios]
    path = begun.project.folder / "every.py"
    path.write_text("\n\n".join(("from pytest_atdm import atdm_scenario\n", *tests)))

    assert f"{len(tests)} passed" in begun.project.pytest(path.name)


def test_the_catalog_is_sound(begun: Begun) -> None:
    """``atdm doctor`` has nothing to say against the catalog, and no two scenarios have one title or one intent."""
    outcome = begun.project.atdm("doctor")

    assert outcome.code == 0, outcome.out + outcome.err
    texts = [text for one in begun.scenarios for text in (one.title, one.intent)]
    assert "" not in texts
    assert sorted(set(texts)) == sorted(texts)


def test_what_was_done_is_told(lending: Project) -> None:
    """The answer names each file, each scenario with its table, what is to be decided, and the next command."""
    outcome = lending.init()

    url = re.sub(r":[^:@]*@", ":***@", lending.url)
    assert outcome.out == (
        "written  catalog/lending/domain.yaml\n"
        "written  catalog/lending/scenarios/one_copy.yaml\n"
        "written  catalog/lending/scenarios/one_loan.yaml\n"
        "written  catalog/lending/scenarios/one_branch.yaml\n"
        "written  catalog/lending/scenarios/one_reader.yaml\n"
        "written  test_lending_starter.py\n"
        "written  pyproject.toml\n"
        "\n"
        "scenario    table\n"
        "----------  ---------------\n"
        "one_copy    public.copies\n"
        "one_loan    public.loans\n"
        "one_branch  public.branches\n"
        "one_reader  public.readers\n"
        "\n"
        "7 rules inferred, 0 left out; domain.yaml says why\n"
        "to decide: public.genres looks like reference data (2 rows)\n"
        f"next: pytest test_lending_starter.py '--atdm-database-url={url}' --atdm-as-of=2026-03-31\n"
    )


def test_scenarios_say_what_can_be_said(begun_lending: Begun) -> None:
    """A scenario names the relations that its row needs, and the values that enums and CHECKs list, as comments."""
    assert begun_lending.read("scenarios/one_loan.yaml") == (
        "# Written by atdm init: a place to begin. Rename it, and give the columns that make the situation.\n"
        "title: One row of loans\n"
        "intent: Generated by atdm init from the table loans, to be rewritten - say here who needs it, and for what.\n"
        "entities:\n"
        "  loan:\n"
        "    table: loans\n"
        "    # A row needs these relations. ATDM makes the rows that nobody names. To choose their columns, "
        "name them:\n"
        "    # copy: $copy, with the entity copy: {table: copies}\n"
        "    # reader: $reader, with the entity reader: {table: readers}\n"
        "    # Columns whose values are listed in the database; ATDM takes any.\n"
        "    # state: one of open, returned, overdue\n"
        "# DECIDE: examples (how people ask for it), promises (what must hold whatever a test overrides), expects.\n"
    )
    assert "# kind: one of book, disc, map\n" in begun_lending.read("scenarios/one_copy.yaml")


def test_rules_are_inferred(begun_lending: Begun) -> None:
    """Names, addresses and numbers get marks; dates are ordered where their names tell and no CHECK does."""
    rules = {(one["table"], one["rule"]) for one in begun_lending.payload["rules"]}

    assert rules == {
        ("readers", r"first_name LIKE 'FAKE\_%'"),
        ("readers", r"last_name LIKE 'FAKE\_%'"),
        ("readers", "email LIKE '%@example.invalid'"),
        ("readers", "phone LIKE '555-01__'"),
        ("readers", "homepage LIKE 'https://example.invalid/%'"),
        ("readers", "created_at <= updated_at"),
        ("loans", "from_date <= to_date"),
    }
    assert "# DECIDE: is branches.name the name of a person?" in begun_lending.read("domain.yaml")


def test_rules_judge_what_tests_give(begun_lending: Begun) -> None:
    """A row that looks real is refused by the rules as they were written."""
    words = ("--set", "reader__email=ada@gmail.com", "--dry-run", "--output", "json")

    outcome = begun_lending.project.atdm("request", "one_reader", *words)

    assert (outcome.code, outcome.payload["error"]["code"]) == (2, "plan_rejected")
    assert outcome.payload["error"]["hint"] == "use a mailbox at example.invalid"


def test_what_does_not_work_is_left_out(begun_planning: Begun) -> None:
    """Rules that contradict the database, and tables that no row fits, are named with the reason instead."""
    text = begun_planning.read("domain.yaml")

    left_out = {(one["table"], one["what"]) for one in begun_planning.payload["left_out"]}
    assert left_out == {("public.users", "a marker for email"), ("public.tasks", "start_on <= end_on")}
    assert "# Left out: tasks: start_on <= end_on: no value of" in text
    assert [one["table"] for one in begun_planning.payload["without_scenario"]] == ["public.closed"]
    assert "# No scenario: closed: " in text
    assert "alembic_version" not in text


def test_rows_that_must_be_shared_are_told(begun_planning: Begun) -> None:
    """Where a lookup is full, the scenario says that it refers to a row that stands there, and what to decide."""
    text = begun_planning.read("scenarios/one_task.yaml")

    assert "# task.status: the database takes no new row of public.statuses here" in text
    note = "# DECIDE: statuses looks like reference data (2 rows stand there"
    assert note in begun_planning.read("domain.yaml")


def test_tables_of_several_schemas_are_told_apart(begun_planning: Begun) -> None:
    """Two tables of one name get scenarios of two names; the one that the search path hides goes by its full name."""
    tables = {one.id: one.entities["user"].table for one in begun_planning.scenarios if "user" in one.entities}

    assert tables == {"one_user": "users", "one_billing_user": "billing.users"}


def test_a_second_time_keeps_what_stands(lending: Project) -> None:
    """Nothing that stands there is overwritten; --force writes it anew, but for the configuration."""
    words = ("--table", "branches", "--output", "json")
    lending.init(*words)
    before = lending.read_files()
    changed = {path: f"# ours\n{text}" for path, text in before.items()}
    for path, text in changed.items():
        (lending.folder / path).write_text(text)

    kept = lending.init(*words).payload["files"]

    assert (sorted(kept["kept"]), kept["written"]) == (sorted(before), [])
    assert lending.read_files() == changed
    config = "pyproject.toml"
    assert sorted(lending.init("--force", *words).payload["files"]["written"]) == sorted({*before} - {config})
    assert lending.read_files() == {**before, config: changed[config]}


def test_rules_that_stand_hold_for_what_is_added(lending: Project) -> None:
    """With a domain.yaml of one's own no rules are inferred, and a scenario that its rules forbid is not added."""
    domain = lending.folder / "catalog" / "lending" / "domain.yaml"
    domain.parent.mkdir(parents=True)
    rule = "{id: r, table: branches, rule: id IS NULL, fix: none}"
    domain.write_text(f"title: Ours\nrules:\n  values:\n    - {rule}\n")

    payload = lending.init("--table", "readers", "--table", "branches", "--output", "json").payload

    assert [one["scenario"] for one in payload["scenarios"]] == ["one_reader"]
    assert [one["table"] for one in payload["without_scenario"]] == ["public.branches"]
    assert (payload["rules"], payload["left_out"]) == ([], [])
    assert domain.read_text().startswith("title: Ours")


def test_names_of_other_domains_are_left_alone(lending: Project) -> None:
    """Ids of scenarios are unique in a catalog: one that another domain has is not taken."""
    other = lending.folder / "catalog" / "other"
    (other / "scenarios").mkdir(parents=True)
    (other / "domain.yaml").write_text("title: Other\n")
    (other / "scenarios" / "one_loan.yaml").write_text("title: Theirs\n")

    lending.init("--table", "loans")

    assert "one_public_loan" in open_catalog(lending.folder / "catalog").scenario_ids


def test_another_folder_can_be_named(lending: Project) -> None:
    """The files go into the folder that was named, and the next command finds them from here."""
    payload = lending.init("else/where", "--table", "branches", "--output", "json").payload

    assert payload["files"]["written"] == [
        "else/where/catalog/lending/domain.yaml",
        "else/where/catalog/lending/scenarios/one_branch.yaml",
        "else/where/test_lending_starter.py",
        "else/where/pyproject.toml",
    ]
    words = [word for word in shlex.split(payload["next"])[1:] if "database-url" not in word]
    assert "1 passed" in lending.pytest(*words)


def test_the_domain_is_called_as_the_database(lending: Project) -> None:
    """Without --domain the folder in the catalog has the database's name."""
    outcome = lending.atdm("init", "--database-url", lending.url, "--table", "branches", "--output", "json")

    assert outcome.payload["domain"] == lending.url.rpartition("/")[2]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("--table", "laons"), "schema_mismatch", 'did you mean "loans"?'),
        (("--domain", "../up"), "setting_error", "use letters, digits, - and _, with a letter or a digit first"),
    ],
)
def test_what_cannot_be_is_refused(lending: Project, words: tuple[str, ...], code: str, hint: str) -> None:
    """A table that does not exist, or a name that is no folder's, is an error, and nothing is written."""
    outcome = lending.init(*words, "--output", "json")

    assert (outcome.code, outcome.payload["error"]["code"], outcome.payload["error"]["hint"]) == (2, code, hint)
    assert lending.read_files() == {}


def test_the_seeder_can_be_somebody_elses(lending: Project) -> None:
    """A remote seeder tries the rules out as well; what to call the domain has to be said then."""
    state = lending.folder / ".atdm"
    sidecar = ensure_seeder(state, catalog=data.folder("catalog"), database_url=lending.url, timeout_s=TIMEOUT_S)
    with contextlib.closing(sidecar):
        remote = {"ATDM_URL": sidecar.address.url, "ATDM_TOKEN": sidecar.address.token, "ATDM_DATABASE_URL": ""}
        project = replace(lending, variables=remote)
        unnamed = project.atdm("init", "--table", "branches", "--output", "json")
        named = project.atdm("init", "--table", "branches", "--domain", "lending", "--output", "json")

    assert (unnamed.code, unnamed.payload["error"]["code"]) == (2, "setting_error")
    assert unnamed.payload["error"]["hint"] == "give --domain NAME"
    assert [one["scenario"] for one in named.payload["scenarios"]] == ["one_branch"]


def test_a_database_without_a_plantable_table_is_an_error(planning: Project) -> None:
    """Where no scenario works nothing is written, and the reason is told."""
    outcome = planning.init("--table", "closed", "--output", "json")

    assert (outcome.code, outcome.payload["error"]["code"]) == (2, "schema_mismatch")
    assert "closed_check" in outcome.payload["error"]["message"]
    assert "atdm schema check" in outcome.payload["error"]["hint"]
    assert planning.read_files() == {}


def test_a_file_in_the_way_is_an_error(lending: Project) -> None:
    """What cannot be written is named."""
    (lending.folder / "catalog").mkdir()
    (lending.folder / "catalog" / "lending").write_text("no folder")

    outcome = lending.init("--table", "branches", "--output", "json")

    assert (outcome.code, outcome.payload["error"]["code"]) == (2, "setting_error")
    assert outcome.payload["error"]["hint"] == "name a folder that can be written"


def test_what_the_options_say_stands_in_the_configuration(lending: Project) -> None:
    """A pyproject.toml says it to later sessions and commands; the URL, which may hold a password, is not in it."""
    lending.atdm("init", "--domain", "lending", "--as-of", "2026-03-31", "--seed", "7", "--database-url", lending.url)

    text = lending.read("pyproject.toml")
    assert text.endswith('[tool.atdm]\nas-of = "2026-03-31"\nseed = "7"\n')
    assert "postgresql://" not in text
    told = lending.pytest("test_lending_starter.py", "-v").replace("\n", " ")
    assert "seed 7 (from pyproject.toml [tool.atdm] seed)" in told


def test_a_configuration_that_stands_there_is_never_written_over(lending: Project) -> None:
    """Not with --force either; what it would have to say is printed."""
    (lending.folder / "pyproject.toml").write_text("[project]\nname = 'mine'\n")

    outcome = lending.atdm("init", "--domain", "lending", "--seed", "7", "--force")

    assert "[project]\nname = 'mine'\n" == lending.read("pyproject.toml")
    assert "kept     pyproject.toml\n" in outcome.out
    assert 'to add to pyproject.toml:\n[tool.atdm]\nseed = "7"\n' in outcome.out

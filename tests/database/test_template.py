"""The project's migrations make the live database: once, again when they change, and after any interruption."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from pytest_atdm.core.errors import MigrationFailed
from pytest_atdm.core.migrations import MigrationSource
from seeder.db.template import connect_migrated
from seeder.embedded import running_postgres
from seeder.migrations import read_migrations
from tests.database.world import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS_OWN = ["postgres", "template0", "template1"]
DATABASES = "SELECT datname::text FROM pg_database WHERE datname <> 'atdm' ORDER BY 1"
COLUMNS = (
    "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' ORDER BY ordinal_position"
)
#: Says that it has run, and makes the tables as a tool of the project would.
MAKE = """
import asyncio, os, pathlib
import asyncpg

async def make():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    for path in sorted(pathlib.Path("tables").glob("*.sql")):
        await connection.execute(path.read_text())
    await connection.close()

print("one run", file=open("ran", "a"))
asyncio.run(make())
"""
BY_COMMAND = MigrationSource(command="python make.py", files=("tables",))


@dataclass(frozen=True)
class Project:
    """The root folder of a project with a folder of migrations, and the live database that they make."""

    root: Path
    url: str

    @property
    def by_folder(self) -> MigrationSource:
        """The migrations as SQL files."""
        return MigrationSource(folder=str(self.root / "tables"))

    @property
    def runs(self) -> int:
        """How often the command has run."""
        file = self.root / "ran"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def write(self, name: str, sql: str) -> None:
        """Write a migration."""
        path = self.root / "tables" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(sql)

    def migrate(self, source: MigrationSource) -> None:
        """Do what a seeder does at its start."""
        migrations = read_migrations(source, self.root, self.root / "migrate.log")

        async def start() -> None:
            await (await connect_migrated(settings(self.url, migrations=migrations), migrations)).close()

        asyncio.run(start())

    def ask(self, statement: str) -> list[object]:
        """Return the first column of what the live database answers to *statement*."""

        async def run() -> list[object]:
            connection = await asyncpg.connect(self.url)
            try:
                return [row[0] for row in await connection.fetch(statement)]
            finally:
                await connection.close()

        return asyncio.run(run())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of the live database of a server of this module's own: templates and roles belong to the server."""
    with tempfile.TemporaryDirectory(prefix="atdm-template-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with running_postgres(Path(folder)) as url:
            yield url


@pytest.fixture
def project(server: str, tmp_path: Path) -> Project:
    """A project with one table."""
    (tmp_path / "make.py").write_text(MAKE)
    made = Project(tmp_path, server)
    made.write("0.sql", f"SELECT '{tmp_path}'")  # so that no other test's template will do
    made.write("1.sql", "CREATE TABLE made (a integer PRIMARY KEY)")
    return made


def test_files_make_the_tables_in_the_order_of_their_paths(project: Project) -> None:
    """SQL files apply one after the other, those of subfolders among them; what leads back is passed over."""
    project.write("2_more/migration.sql", "ALTER TABLE made ADD b integer")
    project.write("3.up.sql", "ALTER TABLE made ADD c integer")
    project.write("3.down.sql", "DROP TABLE made")
    project.write("4.sql", "-- nothing yet")

    project.migrate(project.by_folder)

    assert ["a", "b", "c"] == project.ask(COLUMNS)


def test_settings_of_one_file_do_not_reach_the_next(project: Project) -> None:
    """A dump that empties its search_path does not decide where the next file's tables go."""
    project.write("0_dump.sql", "SET search_path = ''")

    project.migrate(project.by_folder)

    assert ["a"] == project.ask(COLUMNS)


@pytest.mark.parametrize("kind", ["folder", "command"])
def test_unchanged_migrations_are_not_applied_again(project: Project, kind: str) -> None:
    """The next start takes the database as it is, rows included; times of files do not count."""
    source = project.by_folder if kind == "folder" else BY_COMMAND
    project.migrate(source)
    project.ask("INSERT INTO made VALUES (42)")
    (project.root / "tables/1.sql").touch()

    project.migrate(source)

    assert [42] == project.ask("SELECT a FROM made")
    assert project.runs == (1 if kind == "command" else 0)


@pytest.mark.parametrize("kind", ["folder", "command"])
def test_changed_migrations_make_the_database_anew(project: Project, kind: str) -> None:
    """The next start has the new tables, without a row of before, and nothing is left of the old template."""
    source = project.by_folder if kind == "folder" else BY_COMMAND
    project.migrate(source)
    project.ask("INSERT INTO made VALUES (42)")
    old, *others = project.ask(DATABASES)
    project.write("2.sql", "ALTER TABLE made ADD b integer")

    project.migrate(source)

    assert (["a", "b"], [0]) == (project.ask(COLUMNS), project.ask("SELECT count(*) FROM made"))
    new, *remaining = project.ask(DATABASES)
    assert SERVERS_OWN == others == remaining
    assert old != new


def test_the_version_of_postgres_is_part_of_the_templates_name(project: Project) -> None:
    """What another version has made is no template for this one."""
    project.migrate(project.by_folder)

    (version,) = project.ask("SELECT replace(current_setting('server_version'), '.', '_')")
    assert str(project.ask(DATABASES)[0]).startswith(f"atdm_template_{version}_")


def test_roles_of_earlier_migrations_do_not_stand_in_the_way(project: Project) -> None:
    """Roles belong to the server and outlive a database: those that a migration made go with it."""
    project.write("2.sql", "CREATE ROLE reporter; GRANT SELECT ON made TO reporter")
    project.migrate(project.by_folder)
    project.write("3.sql", "ALTER TABLE made ADD b integer")

    project.migrate(project.by_folder)

    assert ["a", "b"] == project.ask(COLUMNS)
    assert [True] == project.ask("SELECT has_table_privilege('reporter', 'made', 'SELECT')")


def test_migrations_can_give_rights_to_the_role_of_the_work(project: Project) -> None:
    """ATDM's roles are there before the project's migrations, on a new server too, and stay when those change."""
    project.write("2.sql", "GRANT UPDATE, TRUNCATE ON made TO atdm_seeder")
    project.migrate(project.by_folder)
    project.write("3.sql", "ALTER TABLE made ADD b integer")

    project.migrate(project.by_folder)

    assert [True] == project.ask("SELECT has_table_privilege('atdm_seeder', 'made', 'TRUNCATE')")
    assert [2] == project.ask("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'atdm%'")


def test_settings_of_the_database_are_kept(project: Project) -> None:
    """What a migration sets with ALTER DATABASE holds in the live database, which Postgres does not see to."""
    project.write(
        "2.sql",
        """
        CREATE SCHEMA "the app";
        DO $$ BEGIN
            EXECUTE format('ALTER DATABASE %I SET search_path = "the app", public', current_database());
            EXECUTE format('ALTER DATABASE %I SET app.motto = %L', current_database(), 'it''s = so');
        END $$;
        """,
    )

    project.migrate(project.by_folder)

    assert ['"the app", public'] == project.ask("SELECT current_setting('search_path')")
    assert ["it's = so"] == project.ask("SELECT current_setting('app.motto')")


@pytest.mark.parametrize(
    ("sql", "where", "what"),
    [
        ("CREATE TABLE b ();\n\n-- ö\nALTER TABLE c\n  ADD d int;", "statement 2, line 4", '"c" does not exist'),
        ("CREATE TABLE b (x int);\nSELECT 1,\n  y FROM b", "statement 2, line 3", '"y" does not exist'),
        ("CREATE TABLE b (x int);\nINSERT INTO b\n  VALUES (1 / 0);", "statement 2, line 2", "division by zero"),
        ("CREATE TABLE b ();\nCREATE TABEL c ();", "line 2", 'syntax error at or near "TABEL"'),
    ],
)
def test_a_failing_file_is_named_with_its_place(project: Project, sql: str, where: str, what: str) -> None:
    """File, statement and line, and what Postgres says; the corrected file applies."""
    project.write("2.sql", sql)

    with pytest.raises(MigrationFailed) as caught:
        project.migrate(project.by_folder)

    assert f"{project.root / 'tables/2.sql'}, {where}: " in caught.value.message
    assert what in caught.value.message
    assert "correct the file" in caught.value.hint
    project.write("2.sql", "ALTER TABLE made ADD b integer")
    project.migrate(project.by_folder)
    assert ["a", "b"] == project.ask(COLUMNS)


def test_a_file_is_no_transaction(project: Project) -> None:
    """What Postgres refuses within one applies, as with psql, and a file may have transactions of its own."""
    project.write("2.sql", "BEGIN; ALTER TABLE made ADD b integer; COMMIT; CREATE INDEX CONCURRENTLY ON made (b);")

    project.migrate(project.by_folder)

    assert ["a", "b"] == project.ask(COLUMNS)


def test_a_file_is_text_in_utf8(project: Project) -> None:
    """A mark at its beginning, as some editors write it, is no part of the text; another encoding is named."""
    (project.root / "tables/2.sql").write_bytes("\ufeffALTER TABLE made ADD ö integer".encode())
    project.migrate(project.by_folder)
    assert ["a", "ö"] == project.ask(COLUMNS)

    (project.root / "tables/2.sql").write_bytes("ALTER TABLE made ADD ö integer".encode("latin-1"))
    with pytest.raises(MigrationFailed, match=r"2\.sql is no text in UTF-8") as caught:
        project.migrate(project.by_folder)
    assert "UTF-8" in caught.value.hint


def test_a_file_must_end_its_transaction(project: Project) -> None:
    """BEGIN without COMMIT would lose in silence what follows it."""
    project.write("2.sql", "BEGIN; ALTER TABLE made ADD b integer;")

    with pytest.raises(MigrationFailed, match=r"2\.sql: its transaction is still open") as caught:
        project.migrate(project.by_folder)

    assert "COMMIT" in caught.value.hint


def test_a_command_that_writes_what_decides_is_told_so(project: Project) -> None:
    """Otherwise each start would find changed files, and run it again."""
    with pytest.raises(MigrationFailed, match="have changed while they were applied") as caught:
        project.migrate(BY_COMMAND._replace(command="python make.py && date > tables/stamp"))

    assert "--atdm-migrate-files" in caught.value.hint


@pytest.mark.parametrize(
    ("left", "runs"),
    [
        ("ALTER DATABASE %I IS_TEMPLATE false", 2),
        ("COMMENT ON DATABASE atdm IS NULL", 1),
        ("CREATE DATABASE atdm_template_copy", 1),
        ("CREATE DATABASE atdm_template_former", 1),
        ("CREATE DATABASE atdm_template_18_0_00 IS_TEMPLATE true", 1),
    ],
    ids=["incomplete template", "incomplete copy", "copy", "former", "older template"],
)
def test_what_a_kill_can_leave_is_made_good(project: Project, left: str, runs: int) -> None:
    """A template without its mark is made anew; from a complete one the rest follows without another run."""
    project.migrate(BY_COMMAND)
    whole = project.ask(DATABASES)
    project.ask(left.replace("%I", f'"{whole[0]}"'))

    project.migrate(BY_COMMAND)

    assert (whole, ["a"], runs) == (project.ask(DATABASES), project.ask(COLUMNS), project.runs)
    project.ask("INSERT INTO made VALUES (42)")
    project.migrate(BY_COMMAND)
    assert [42] == project.ask("SELECT a FROM made"), "made good once, it stays"

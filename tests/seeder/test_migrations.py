"""Which files decide about the tables, and what a change of them is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.migrations import MigrationSource
from seeder.__main__ import read_options
from seeder.migrations import is_unchanged, list_files, read_migrations
from seeder.serve import serve

PROJECT = (
    "alembic.ini", "app/migrations/0001_initial.py", "app/migrations/sub/0002.sql", "app/models.py",
    "prisma/schema.prisma", "db/alembic/versions/1.py",
    "sql/10.sql", "sql/9/up.sql", "sql/9/notes.txt", "sql/9/x.down.sql",
    "app/migrations/__pycache__/0001_initial.pyc", "app/migrations/.0001.swp", ".tox/migrations/1.py",
    "node_modules/lib/migrations/1.js", "env/pyvenv.cfg", "env/lib/django/migrations/1.py",
)  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with migrations of several tools, and with files that are none."""
    for name in PROJECT:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(source: MigrationSource, root: Path) -> list[str]:
    """Return the files that decide, relative to *root*."""
    return [path.relative_to(root).as_posix() for path in list_files(source, root)]


def test_without_patterns_the_folders_of_well_known_tools_decide(root: Path) -> None:
    """Folders called alembic, migrations or prisma, at any depth; nothing hidden, compiled, or installed."""
    assert [
        "app/migrations/0001_initial.py",
        "app/migrations/sub/0002.sql",
        "db/alembic/versions/1.py",
        "prisma/schema.prisma",
    ] == names(MigrationSource(command="x"), root)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (("alembic.ini", "app/**/*.py"), ["alembic.ini", "app/migrations/0001_initial.py", "app/models.py"]),
        (("app/migrations",), ["app/migrations/0001_initial.py", "app/migrations/sub/0002.sql"]),
        (("app/migrations/**",), ["app/migrations/0001_initial.py", "app/migrations/sub/0002.sql"]),
    ],
    ids=["files", "folder", "all below"],
)
def test_patterns_name_files_or_folders(root: Path, patterns: tuple[str, ...], found: list[str]) -> None:
    """Only what the patterns match decides; of a folder, all that is below it."""
    assert found == names(MigrationSource(command="x", files=patterns), root)


def test_a_folder_applies_its_sql_files_by_path(root: Path) -> None:
    """In the order of their paths, those of subfolders among them; what undoes a migration is passed over."""
    assert ["sql/10.sql", "sql/9/up.sql"] == names(MigrationSource(folder=str(root / "sql")), root)


@pytest.mark.parametrize(
    "source", [MigrationSource(command="x", files=("nowhere/*",)), MigrationSource(folder="/none")]
)
def test_without_a_file_there_is_nothing_to_notice(root: Path, source: MigrationSource) -> None:
    """A place without migrations is an error: no change in it could ever be seen."""
    with pytest.raises(SettingError, match="there are no migration files in") as caught:
        list_files(source, root)

    assert "--atdm-migrate-files" in caught.value.hint


def test_content_and_name_of_a_file_count_and_nothing_else(root: Path) -> None:
    """A changed, renamed, new or removed file is noticed; a new time, or a file that does not decide, is not."""
    migrations = read_migrations(MigrationSource(command="x", files=("sql",)), root, root / "log")
    file = root / "sql/10.sql"

    file.touch()
    (root / "app/models.py").write_text("changed")
    assert is_unchanged(migrations)

    text = file.read_text()
    file.write_text(text + " ")
    assert not is_unchanged(migrations)
    file.write_text(text)
    assert is_unchanged(migrations)
    file.rename(root / "sql/11.sql")
    assert not is_unchanged(migrations)
    (root / "sql/11.sql").unlink()
    assert not is_unchanged(migrations)


def test_what_moves_between_two_files_is_a_change(root: Path) -> None:
    """The same text, cut at another place, is other files."""
    (root / "sql/9/notes.txt").write_text("ab")
    migrations = read_migrations(MigrationSource(command="x", files=("sql",)), root, root / "log")

    (root / "sql/9/notes.txt").write_text("a")
    (root / "sql/9/up.sql").write_text("b" + (root / "sql/9/up.sql").read_text())

    assert not is_unchanged(migrations)


def test_the_command_counts(root: Path) -> None:
    """Another command may make other tables of the same files."""
    one, other = (read_migrations(MigrationSource(command=name), root, root / "log").digest for name in "xy")

    assert one != other


def test_a_file_that_cannot_be_read_is_named(root: Path) -> None:
    """An error of reading is the caller's to cure."""
    (root / "sql/10.sql").unlink()
    (root / "sql/10.sql").symlink_to("/proc/self/mem")

    with pytest.raises(SettingError, match=r"10\.sql cannot be read") as caught:
        read_migrations(MigrationSource(folder=str(root / "sql")), root, root / "log")

    assert "make it readable" in caught.value.hint


def test_the_command_line_of_the_seeder_says_it_as_the_plugin_does(root: Path) -> None:
    """A folder becomes absolute; patterns are separated by blanks; without either nothing is migrated."""
    by_folder = read_options(["serve", "--migrations", "sql", "--root", str(root)], {})
    by_command = read_options(["serve", "--migrate-command", "make tables", "--migrate-files", "a/* b"], {})

    assert by_folder.migrations == MigrationSource(folder=str(Path("sql").resolve()))
    assert by_folder.root == root
    assert by_command.migrations == MigrationSource(command="make tables", files=("a/*", "b"))
    assert read_options(["serve"], {}).migrations is None


@pytest.mark.parametrize(
    "words", [["--migrations", "a", "--migrate-command", "b"], ["--migrate-files", "a"]], ids=["both", "neither"]
)
def test_a_folder_or_a_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Both at once cannot be meant, and files without a command decide nothing."""
    with pytest.raises((SystemExit, SettingError)) as caught:
        read_options(["serve", *words], {})

    said = capsys.readouterr().err + str(caught.value)
    assert re.search("not allowed with argument --migrations|--migrate-files runs no command", said)


def test_only_an_embedded_database_is_migrated(root: Path) -> None:
    """A database of one's own is left to one's own tools."""
    environment = {"ATDM_TOKEN": "t", "ATDM_DATABASE_URL": "postgresql://x/y"}

    with pytest.raises(SettingError, match="only an embedded database is migrated"):
        serve(read_options(["serve", "--migrations", str(root / "sql")], environment))

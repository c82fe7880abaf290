"""The migrations of the project under test: the files that decide about its tables, and the command that makes them."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pytest_atdm.core.errors import AtdmError, MigrationFailed, SettingError
from pytest_atdm.core.migrations import MIGRATION_LIMIT_S, MigrationSource
from seeder.embedded.binaries import clean_environment
from seeder.embedded.cluster import quote_end
from seeder.settings import Migrations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Folders whose files decide where the command's owner names none: those of Alembic, Django and Prisma.
NAMED_FOLDERS: Final = frozenset({"alembic", "migrations", "prisma"})
_UNDO: Final = ".down.sql"  # stands beside .up.sql where a tool keeps the way back in a file of its own
_COMPILED: Final = "__pycache__"
_NOT_OURS: Final = frozenset({_COMPILED, "node_modules"})
_ENVIRONMENT_MARK: Final = "pyvenv.cfg"


def read_migrations(source: MigrationSource, root: Path, log: Path) -> Migrations:
    """Return the migrations as they are now; *root* and *log* as in ``Migrations``.

    Raises:
        SettingError: no file decides, or one cannot be read.
    """
    return Migrations(source=source, root=root, log=log, digest=_read_digest(source, root))


def is_unchanged(migrations: Migrations) -> bool:
    """Return whether the files are what they were when *migrations* was read."""
    try:
        return migrations.digest == _read_digest(migrations.source, migrations.root)
    except AtdmError:
        return False


def list_files(source: MigrationSource, root: Path) -> list[Path]:
    """Return the files that decide about the tables, sorted by path: for a folder those to apply, in their order.

    Raises:
        SettingError: there is none.
    """
    if source.folder:
        found: Iterable[Path] = (path for path in Path(source.folder).rglob("*.sql") if not path.name.endswith(_UNDO))
    elif source.files:
        found = (path for pattern in source.files for path in _expand(root, pattern))
    else:
        found = _iter_named(root)
    files = sorted({path for path in found if path.is_file() and _COMPILED not in path.parts}, key=Path.as_posix)
    if not files:
        where = source.folder or f"{root} ({', '.join(source.files or sorted(NAMED_FOLDERS))})"
        raise SettingError(
            f"there are no migration files in {where}",
            hint="name the files that the tables follow from, with --atdm-migrate-files or --atdm-migrations",
        )
    return files


async def run_command(migrations: Migrations, database_url: str, *, limit_s: float = MIGRATION_LIMIT_S) -> None:
    """Run the command on *database_url*; it and what it started have ended on return, whatever happens.

    Raises:
        MigrationFailed: its exit code is not 0, or it takes longer than *limit_s* seconds.
    """
    process = await _start(migrations, database_url)
    try:
        async with asyncio.timeout(limit_s):
            code = await process.wait()
    except TimeoutError:
        outcome = f"did not end within {limit_s:g} s"
    else:
        outcome = f"ended with exit code {code}" if code else ""
    finally:
        # What it left in the background would keep the database busy.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if outcome:
        raise MigrationFailed(
            f'the command "{migrations.source.command}" in {migrations.root} {outcome}; {quote_end(migrations.log)}',
            hint="correct the command or the migrations; nothing of them was kept, and the next start runs it again",
        )


async def _start(migrations: Migrations, database_url: str) -> asyncio.subprocess.Process:
    with migrations.log.open("wb") as output:
        return await asyncio.create_subprocess_shell(
            migrations.source.command,
            cwd=migrations.root,
            env=_make_environment(database_url),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _make_environment(database_url: str) -> dict[str, str]:
    """Return our environment with the database in it, and the programs of this Python's environment first."""
    parts = urlsplit(database_url)
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return clean_environment(
        PATH=programs,
        DATABASE_URL=database_url,
        PGHOST=parts.hostname or "",
        PGPORT=str(parts.port or ""),
        PGUSER=unquote(parts.username or ""),
        PGPASSWORD=unquote(parts.password or ""),
        PGDATABASE=unquote(parts.path.removeprefix("/")),
    )


def _read_digest(source: MigrationSource, root: Path) -> str:
    digest = hashlib.sha256(json.dumps([source.folder, source.command]).encode())
    for path in list_files(source, root):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SettingError(f"{path} cannot be read: {error}", hint="make it readable, or leave it out") from error
        name = os.path.relpath(path, root).encode()
        digest.update(b"\n%d %d\n" % (len(name), len(content)) + name + content)
    return digest.hexdigest()


def _expand(root: Path, pattern: str) -> Iterator[Path]:
    """Yield the files that *pattern* matches, and all below each folder that it matches."""
    for name in glob.glob(pattern, root_dir=root, recursive=True):  # noqa: PTH207 - Path.glob enters hidden folders
        path = root / name
        if path.is_dir():
            yield from (Path(folder, file) for folder, files in _walk(path) for file in files)
        else:
            yield path


def _iter_named(root: Path) -> Iterator[Path]:
    for folder, files in _walk(root):
        if not NAMED_FOLDERS.isdisjoint(Path(folder).relative_to(root).parts):
            yield from (Path(folder, file) for file in files)


def _walk(top: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder below *top* with its files, but nothing hidden and nothing of installed packages."""
    for folder, folders, files in os.walk(top):
        if _ENVIRONMENT_MARK in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _NOT_OURS]
        yield folder, [name for name in files if not name.startswith(".")]

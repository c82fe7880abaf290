"""Whom the work is done as, on servers where the roles are not there yet, or not for everybody."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from seeder.db.database import Database
from seeder.db.owner import bring_up
from seeder.embedded import running_postgres
from tests.database.world import PASSWORD, log_in, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seeder.records import WorkingRole

TABLE: Final = "CREATE TABLE thing (id integer PRIMARY KEY)"
_NUMBERS: Final = itertools.count(1)


class Server:
    """A server of these tests' own; each database of it has an owner of its own, which is no superuser."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.databases = ["atdm"]

    def execute(self, statement: str, url: str = "") -> None:
        """Execute *statement* as the superuser, unless *url* says otherwise."""
        asyncio.run(_execute(url or self.url, statement))

    def make_owned(self, attributes: str = "") -> str:
        """Return the URL of a new database for its owner, a login with *attributes*."""
        name = f"owner{next(_NUMBERS)}"
        self.execute(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD '{PASSWORD}'")
        self.execute(f"CREATE DATABASE {name} OWNER {name}")
        self.databases.append(name)
        return log_in(self.at(name), name)

    def at(self, database: str) -> str:
        """The superuser's URL of *database*."""
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    def forget_roles(self) -> None:
        """Make the server one that has never seen ATDM's roles."""
        for database in self.databases:
            self.execute(_FORGET, self.at(database))
        self.execute("DROP ROLE IF EXISTS atdm_seeder, atdm_reader")


_FORGET: Final = (
    """DO $$ BEGIN DROP OWNED BY atdm_seeder, atdm_reader; EXCEPTION WHEN undefined_object THEN NULL; END $$"""
)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def find_role(url: str, owner_url: str | None = None) -> WorkingRole:
    """Whom a seeder on that database works as."""

    async def ask() -> WorkingRole:
        database = await Database.open(settings(url, owner_url=owner_url))
        try:
            return await database.read_role()
        finally:
            await database.close()

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    """A server that no other module uses: roles belong to the server."""
    with tempfile.TemporaryDirectory(prefix="atdm-roles-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with running_postgres(Path(folder)) as url:
            yield Server(url)


@pytest.fixture
def server(running_server: Server) -> Server:
    """The server, without ATDM's roles."""
    running_server.forget_roles()
    return running_server


def test_databases_of_one_server_that_begin_at_once_share_the_roles(server: Server) -> None:
    """The roles belong to the server: whoever comes second finds them, in the middle of the making too."""
    urls = [server.make_owned() for _ in range(4)]
    as_superuser = [server.at(urlsplit(url).path[1:]) for url in urls]

    async def open_all() -> None:
        opened = await asyncio.gather(*(Database.open(settings(url)) for url in as_superuser))
        await asyncio.gather(*(database.close() for database in opened))

    for _ in range(3):
        asyncio.run(open_all())
        for url in as_superuser:
            server.execute("DROP SCHEMA atdm CASCADE", url)
        assert {"atdm_seeder"} == {find_role(url).role for url in as_superuser}
        server.forget_roles()


def test_who_may_make_no_roles_works_as_himself_and_says_so(server: Server) -> None:
    """Migrations and work go on as they did before there were roles, and the advice names the way to them."""
    url = server.make_owned()
    server.execute(TABLE, url)

    role = find_role(url)

    lacking = asyncio.run(bring_up(settings(url))).lacking
    assert ("CREATE ROLE atdm_seeder NOLOGIN", "CREATE ROLE atdm_reader NOLOGIN") == lacking
    assert (role.login, "an owner of tables") == (role.role, role.excess)
    assert "atdm-seeder migrate" in role.advice
    assert f'GRANT atdm_seeder TO "{role.login}"' in role.advice


def test_who_may_make_roles_makes_them_and_works_as_one(server: Server) -> None:
    """An owner with CREATEROLE needs nobody else for it."""
    url = server.make_owned("CREATEROLE")
    server.execute(TABLE, url)

    assert ("atdm_seeder", "") == ((role := find_role(url)).role, role.excess)


def test_a_grant_is_all_that_an_owner_needs(server: Server) -> None:
    """Where the roles are there, an owner who is no member works as himself until somebody makes him one."""
    url = server.make_owned()
    server.execute(TABLE, url)
    find_role(server.url)  # a superuser's start, in another database

    before = find_role(url)
    server.execute(before.advice.partition(",")[0])

    assert before.login == before.role
    assert ("atdm_seeder", "") == ((after := find_role(url)).role, after.excess)


def test_row_security_that_would_hide_rows_keeps_the_owner_at_work(server: Server) -> None:
    """An owner sees all rows of his tables, and atdm_seeder would not: the advice says how it would."""
    url = server.make_owned("CREATEROLE")
    server.execute(f"{TABLE}; ALTER TABLE thing ENABLE ROW LEVEL SECURITY", url)

    before = find_role(url)
    server.execute("ALTER ROLE atdm_seeder BYPASSRLS")

    assert before.login == before.role
    assert "public.thing" in before.advice
    assert "ALTER ROLE atdm_seeder BYPASSRLS" in before.advice
    assert "atdm_seeder" == find_role(url).role


def test_a_policy_for_the_role_is_as_good(server: Server) -> None:
    """Who has written a policy for atdm_seeder wants it to be the one that works."""
    url = server.make_owned("CREATEROLE")
    server.execute(f"{TABLE}; ALTER TABLE thing ENABLE ROW LEVEL SECURITY", url)
    find_role(url)
    server.execute("CREATE POLICY tests ON thing TO atdm_seeder USING (true)", url)

    assert "atdm_seeder" == find_role(url).role


def test_tables_that_the_owner_cannot_open_keep_him_at_work(server: Server) -> None:
    """Somebody else's table that the connecting role may write, and atdm_seeder not, is named; its owner opens it."""
    url = server.make_owned("CREATEROLE")
    name = urlsplit(url).path[1:]
    find_role(url)
    server.execute(f"CREATE TABLE theirs (id serial PRIMARY KEY); GRANT ALL ON theirs TO {name}", server.at(name))

    before = find_role(url)

    assert (before.login, True) == (before.role, "public.theirs" in before.advice)
    assert "atdm_seeder" == find_role(url, owner_url=server.at(name)).role


def test_an_owner_of_tables_opens_them_also_where_the_schema_is_somebody_elses(server: Server) -> None:
    """What a superuser has made ready stays ready for what the owner of the tables makes later."""
    url = server.make_owned()
    name = urlsplit(url).path[1:]
    find_role(server.at(name))
    server.execute(f"GRANT atdm_seeder TO {name}")
    server.execute(TABLE, url)

    assert ("atdm_seeder", name) == ((role := find_role(url)).role, role.login)
    assert () == asyncio.run(bring_up(settings(url))).granted


def test_a_database_from_another_server_gets_its_roles(server: Server) -> None:
    """A migration that stands in the record says nothing of the server's roles: they are made where they lack."""
    find_role(server.url)
    server.forget_roles()

    assert "atdm_seeder" == find_role(server.url).role


def test_a_role_that_owns_tables_is_told_of(server: Server) -> None:
    """Whoever makes atdm_seeder an owner, for its triggers' sake, reads that it may do more than its work."""
    url = server.make_owned()
    name = urlsplit(url).path[1:]
    server.execute(TABLE, url)
    find_role(server.at(name))
    server.execute(f"GRANT {name} TO atdm_seeder")

    role = find_role(server.at(name))

    assert ("atdm_seeder", "an owner of tables") == (role.role, role.excess)
    assert "REVOKE from atdm_seeder" in role.advice

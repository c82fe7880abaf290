"""What the roles may do and what they may not: said by Postgres itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.model import PlannedRow
from seeder.db.database import Database
from seeder.db.owner import bring_up
from seeder.records import WorkingRole
from tests.database.world import World, log_in, make_member, planned, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakeWorld = Callable[..., World]

MEMBER: Final = "roles_member"
READER: Final = "roles_reader"
TABLES: Final = (
    "CREATE TABLE shelf (id serial PRIMARY KEY, label text NOT NULL)",
    "CREATE TABLE item (id serial PRIMARY KEY, shelf_id integer NOT NULL REFERENCES shelf, made_by name DEFAULT USER)",
)
#: What writes where the audit log, the record of migrations or the position of a chain would change.
FORBIDDEN_WRITES: Final = (
    "INSERT INTO atdm.audit_event VALUES ('01RUN', 9, 'x', NULL, now(), '', '', '')",
    "UPDATE atdm.audit_event SET body = '{}'",
    "DELETE FROM atdm.audit_event",
    "TRUNCATE atdm.audit_event",
    "UPDATE atdm.coverage SET passed = 9",
    "DELETE FROM atdm.coverage",
    "INSERT INTO atdm.coverage SELECT * FROM atdm.coverage",
    "INSERT INTO atdm.seal VALUES (1, '', '', '')",
    "UPDATE atdm.seal SET body = '{}'",
    "DELETE FROM atdm.seal",
    "SELECT atdm.add_seal('01RUN', 1, 1, 1, '')",
    "UPDATE atdm.run SET audit_seq = 0",
    "UPDATE atdm.run SET audit_head = ''",
    "INSERT INTO atdm.run (run_id, audit_seq) VALUES ('x', 7)",
    "DELETE FROM atdm.run",
    "DELETE FROM atdm.request",
    "INSERT INTO atdm.migration (folder, file, sha256) VALUES ('atdm', '9999.sql', '')",
    "UPDATE atdm.migration SET sha256 = ''",
    "DELETE FROM atdm.migration",
)
#: What changes a thing and not rows, or leaves the database.
FORBIDDEN_CHANGES: Final = (
    "TRUNCATE item",
    "TRUNCATE shelf CASCADE",
    "TRUNCATE atdm.ledger",
    "DROP TABLE item",
    "DROP SCHEMA public CASCADE",
    "DROP SCHEMA atdm CASCADE",
    "ALTER TABLE item ADD more text",
    "ALTER TABLE item DISABLE TRIGGER ALL",
    "ALTER TABLE item OWNER TO CURRENT_USER",
    "CREATE INDEX ON item (made_by)",
    "CREATE TRIGGER mine AFTER INSERT ON item EXECUTE FUNCTION atdm.refuse_change()",
    "CREATE TABLE atdm.mine (id integer)",
    "CREATE FUNCTION atdm.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE public.mine (id integer REFERENCES item)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "ALTER TABLE atdm.audit_event DISABLE TRIGGER append_only",
    "DROP TRIGGER append_only ON atdm.audit_event",
    "ALTER FUNCTION atdm.append_events(text, text, text[], json[], integer) SECURITY INVOKER",
    "CREATE OR REPLACE FUNCTION atdm.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER SEQUENCE item_id_seq RESTART",
    "SET session_replication_role = replica",
    "ALTER ROLE atdm_seeder SUPERUSER",
    "ALTER SYSTEM SET log_statement = 'none'",
    "COPY item TO PROGRAM 'cat'",
    "COPY item FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester'",
)
#: What a login may do where it is a superuser, whoever it works as.
FORBIDDEN_ESCAPES: Final = ("SET ROLE tester", "GRANT tester TO CURRENT_USER", "SET SESSION AUTHORIZATION tester")
KINDS_OF_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


@pytest.fixture(scope="module")
def world(make_database: Callable[[str], str]) -> Iterator[World]:
    """Shelves and items, with a run and a request whose rows stand; its seeder works for a superuser."""
    made = World(make_database("roles"), ";".join(TABLES))
    made.start_run()
    made.seed(planned("a", "shelf", {"label": "a"}, id="a.id"))
    make_member(made, MEMBER, "atdm_seeder")
    make_member(made, READER, "atdm_reader")
    yield made
    made.close()


def execute_as(world: World, role: str, statement: str) -> object:
    """Execute *statement* as the login *role* and return its first value."""

    async def run() -> object:
        connection = await asyncpg.connect(log_in(world.url, role))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return world.wait(run())


@pytest.mark.parametrize("statement", [*FORBIDDEN_WRITES, *FORBIDDEN_CHANGES, *FORBIDDEN_ESCAPES])
def test_what_a_seeder_must_not_do_postgres_refuses(world: World, statement: str) -> None:
    """A login whose one right is to be a member of atdm_seeder is refused, whatever the seeder's code says."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        execute_as(world, MEMBER, statement)


@pytest.mark.parametrize("statement", [*FORBIDDEN_WRITES, *FORBIDDEN_CHANGES])
def test_where_a_superuser_connects_the_work_is_refused_it_too(world: World, statement: str) -> None:
    """The connections that work is done on are atdm_seeder's, and RESET ROLE leaves them so."""

    async def run() -> None:
        async with world.database._pool.acquire() as connection:
            await connection.execute("RESET ROLE")
            await connection.execute(statement)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        world.wait(run())


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO shelf (label) VALUES ('b')",
        "UPDATE shelf SET label = 'b'",
        "DELETE FROM shelf",
        "SELECT nextval('shelf_id_seq')",
        "SELECT atdm.append_events('01RUN', NULL, ARRAY['x'], ARRAY['{}'::json], NULL)",
        *FORBIDDEN_WRITES,
        *FORBIDDEN_CHANGES,
        *FORBIDDEN_ESCAPES,
    ],
)
def test_a_reader_writes_nothing(world: World, statement: str) -> None:
    """A member of atdm_reader is refused every write, of rows and of anything else."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        execute_as(world, READER, statement)


def test_a_reader_reads_all(world: World) -> None:
    """The target's rows, ledger and audit log are open to a member of atdm_reader."""
    counts = [f"SELECT count(*) FROM {table}" for table in ("shelf", "atdm.ledger", "atdm.audit_event")]  # noqa: S608

    assert [world.fetch(count) for count in counts] == [execute_as(world, READER, count) for count in counts]


def rights_on(world: World, role: str, table: str) -> list[str]:
    """The kinds of rights that *role* has to the whole of *table*."""
    return [
        kind for kind in KINDS_OF_RIGHTS if world.fetch("SELECT has_table_privilege($1, $2, $3)", role, table, kind)
    ]


def test_rights_are_these_and_no_others(world: World) -> None:
    """The seeder's role reads and writes rows; of ATDM's own tables some only to a part; the reader's reads."""
    tables = (
        "shelf",
        *(f"atdm.{name}" for name in ("audit_event", "ledger", "migration", "request", "run", "coverage")),
    )

    assert [
        ["SELECT", "INSERT", "UPDATE", "DELETE"],
        ["SELECT"],
        ["SELECT", "INSERT", "UPDATE", "DELETE"],
        ["SELECT"],
        ["SELECT", "INSERT", "UPDATE"],
        ["SELECT"],
        ["SELECT"],
    ] == [rights_on(world, "atdm_seeder", table) for table in tables]
    assert [["SELECT"]] * len(tables) == [rights_on(world, "atdm_reader", table) for table in tables]


def test_no_row_says_who_connected(world: World) -> None:
    """What a default makes of current_user is the role, also where a superuser connects."""
    rows = (planned("s", "shelf", {"label": "s"}, id="s.id"), planned("i", "item", {}, shelf_id="s.id", id="i.id"))

    outcome = world.seed(*rows)

    assert "atdm_seeder" == outcome.rows["i"]["made_by"]
    role = world.wait(world.database.read_role())
    assert WorkingRole(role="atdm_seeder", login="tester", excess="", advice="") == role


def test_tables_that_come_later_are_open_at_the_next_reading(make_world: MakeWorld) -> None:
    """Whoever makes them, and in whatever schema, a seeder that runs already can write to them."""
    world = make_world(*TABLES)
    world.wait(world.database.read_schema())
    world.execute("CREATE ROLE roles_maker; CREATE SCHEMA later AUTHORIZATION roles_maker; SET ROLE roles_maker")
    world.execute("CREATE TABLE later.box (id serial PRIMARY KEY); RESET ROLE")

    schema = world.wait(world.database.read_schema())

    assert frozenset() == frozenset(schema.tables["later.box"].missing_rights)
    world.seed(PlannedRow(name="b", entity="b", table="later.box", values={}, keys={"id": "b.id"}))
    assert 1 == world.fetch("SELECT count(*) FROM later.box")
    world.execute("DROP SCHEMA later CASCADE; DROP OWNED BY roles_maker; DROP ROLE roles_maker")


def test_what_the_owner_makes_is_open_at_once(make_world: MakeWorld) -> None:
    """Default privileges open to the roles what the migrating role makes in a database where it has migrated."""
    world = make_world(*TABLES)

    world.execute("CREATE SCHEMA later; CREATE TABLE later.box (id serial PRIMARY KEY)")

    assert ["SELECT", "INSERT", "UPDATE", "DELETE"] == rights_on(world, "atdm_seeder", "later.box")
    assert ["SELECT"] == rights_on(world, "atdm_reader", "later.box")


def test_rights_to_atdms_own_tables_are_put_right(make_world: MakeWorld) -> None:
    """What is too much of them is taken back at the next start, what lacks is given, and then all is well."""
    world = make_world(*TABLES)
    world.execute(
        "GRANT INSERT, UPDATE ON atdm.audit_event TO atdm_seeder; GRANT UPDATE (audit_seq) ON atdm.run TO atdm_seeder"
    )
    world.execute("REVOKE SELECT ON atdm.ledger FROM atdm_reader")

    done = world.wait(bring_up(settings(world.url)))

    assert 3 == len(done.granted)
    assert (
        ["SELECT"]
        == rights_on(world, "atdm_seeder", "atdm.audit_event")
        == rights_on(world, "atdm_reader", "atdm.ledger")
    )
    assert not world.fetch("SELECT has_column_privilege('atdm_seeder', 'atdm.run', 'audit_seq', 'UPDATE')")
    assert () == world.wait(bring_up(settings(world.url))).granted


COUNTED: Final = """
CREATE TABLE counted (id serial PRIMARY KEY, number integer NOT NULL DEFAULT next_number());
"""
NEXT_NUMBER: Final = """
CREATE FUNCTION next_number() RETURNS integer LANGUAGE sql {security} AS 'SELECT 7';
REVOKE EXECUTE ON FUNCTION next_number() FROM PUBLIC;
"""


def test_functions_with_their_callers_rights_are_open(make_world: MakeWorld) -> None:
    """A default may call a function that is closed to PUBLIC: with the role's rights it does no more than the role."""
    world = make_world(NEXT_NUMBER.format(security="SECURITY INVOKER"), COUNTED)

    outcome = world.seed(planned("a", "counted", {}, id="a.id"))

    assert 7 == outcome.rows["a"]["number"]


def test_functions_with_other_rights_stay_closed_until_they_are_granted(make_world: MakeWorld) -> None:
    """A closed function of SECURITY DEFINER is refused by name, and the hint says to whom it is to be granted."""
    world = make_world(NEXT_NUMBER.format(security="SECURITY DEFINER"), COUNTED)

    with pytest.raises(SettingError, match="permission denied for function next_number") as caught:
        world.seed(planned("a", "counted", {}, id="a.id"))

    assert "GRANT this right to the role that seeding and reset run as" in caught.value.hint
    world.execute("GRANT EXECUTE ON FUNCTION next_number() TO atdm_seeder")
    assert 7 == world.seed(planned("a", "counted", {}, id="a.id")).rows["a"]["number"]


def test_a_trigger_may_do_what_the_role_may(make_world: MakeWorld) -> None:
    """A trigger that empties a table is refused by name; as SECURITY DEFINER it does what it did before."""
    world = make_world(
        *TABLES,
        "CREATE TABLE cache (id integer)",
        "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN TRUNCATE cache; RETURN NULL; END'",
        "CREATE TRIGGER forget AFTER INSERT ON shelf EXECUTE FUNCTION forget()",
    )

    with pytest.raises(SettingError, match="permission denied for table cache") as caught:
        world.seed(planned("a", "shelf", {"label": "a"}, id="a.id"))

    assert "SECURITY DEFINER" in caught.value.hint
    world.execute("ALTER FUNCTION forget() SECURITY DEFINER")
    world.reset(world.seed(planned("a", "shelf", {"label": "a"}, id="a.id")))
    assert [] == world.rows()["public.shelf"]


def test_row_security_does_not_stand_in_the_way_of_who_works_for_a_superuser(make_world: MakeWorld) -> None:
    """Rows behind row security are planted and go again, as the superuser could do it."""
    world = make_world(
        *TABLES, "ALTER TABLE shelf ENABLE ROW LEVEL SECURITY; ALTER TABLE shelf FORCE ROW LEVEL SECURITY"
    )

    outcome = world.seed(planned("a", "shelf", {"label": "a"}, id="a.id"))

    assert 1 == len(world.rows()["public.shelf"])
    world.reset(outcome)
    assert [] == world.rows()["public.shelf"]


def test_nothing_of_the_roles_is_left_in_the_database(make_world: MakeWorld) -> None:
    """With the schema gone, DROP OWNED takes back every right that was granted in this database."""
    world = make_world(*TABLES)

    world.execute("DROP SCHEMA atdm CASCADE; DROP OWNED BY atdm_seeder, atdm_reader")

    assert 0 == world.fetch(
        "SELECT count(*) FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid JOIN pg_roles r ON r.oid = d.refobjid"
        " WHERE b.datname = current_database() AND r.rolname LIKE 'atdm%'"
    )
    assert {"public.item", "public.shelf"} == set(world.rows())


def test_a_member_changes_no_rights(make_world: MakeWorld) -> None:
    """A login that owns nothing here has nothing to grant, and makes no default privileges of its own."""
    world = make_world(*TABLES)
    world.work_as(MEMBER)

    assert () == world.wait(bring_up(settings(log_in(world.url, MEMBER)))).granted


def test_a_member_who_finds_something_missing_is_told_who_has_to_do_what(make_world: MakeWorld) -> None:
    """A migration of ATDM that lacks is an error that names it, the role, and the command for the owner."""
    world = make_world(*TABLES)
    world.work_as(MEMBER)
    last = world.fetch("DELETE FROM atdm.migration WHERE file = (SELECT max(file) FROM atdm.migration) RETURNING file")

    with pytest.raises(SettingError, match=f'role "{MEMBER}" may not apply {last}') as caught:
        world.work_as(MEMBER)

    assert "atdm-seeder migrate" in caught.value.hint


def test_a_stranger_is_told_which_role_opens_the_door(make_world: MakeWorld) -> None:
    """Who has no right to ATDM's schema, and did not make it, is told the grant that he needs."""
    world = make_world(*TABLES)
    make_member(world, "roles_stranger", "")

    with pytest.raises(SettingError, match='"roles_stranger" may not use ATDM\'s schema') as caught:
        world.work_as("roles_stranger")

    assert 'GRANT atdm_seeder TO "roles_stranger"' in caught.value.hint


def test_the_owner_does_what_the_member_may_not(make_world: MakeWorld) -> None:
    """With the owner's URL beside it, a login that is only a member makes an empty database ready, and works there."""
    world = make_world(*TABLES)
    world.execute("DROP SCHEMA atdm CASCADE")
    make_member(world, MEMBER, "atdm_seeder")
    world.wait(world.database.close())

    world.database = world.wait(Database.open(settings(log_in(world.url, MEMBER), owner_url=world.url)))

    role = world.wait(world.database.read_role())
    assert (("atdm_seeder", MEMBER), "") == ((role.role, role.login), role.excess)
    world.start_run()
    world.reset(world.seed(planned("a", "shelf", {"label": "a"}, id="a.id")))
    assert [] == world.rows()["public.shelf"]


def test_names_without_a_schema_mean_what_they_mean_to_the_login(make_world: MakeWorld) -> None:
    """Where the search_path begins with the connecting role's own schema, triggers find their tables there."""
    world = make_world(
        "CREATE SCHEMA tester",
        "CREATE TABLE tester.shelf (id serial PRIMARY KEY)",
        "CREATE TABLE tester.note (shelf_id integer)",
        "CREATE FUNCTION tester.note() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN INSERT INTO note VALUES (NEW.id); RETURN NULL; END'",
        "CREATE TRIGGER note AFTER INSERT ON tester.shelf FOR EACH ROW EXECUTE FUNCTION tester.note()",
    )

    outcome = world.seed(PlannedRow(name="a", entity="a", table="tester.shelf", values={}, keys={"id": "a.id"}))

    assert {"tester.shelf": 1, "tester.note": 1} == outcome.counts
    assert ("tester", "public") == world.wait(world.database.schema()).search_path

"""Everything that a caller can ask for, of a seeder whose login may read and write rows and no more."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING, Final

import asyncpg
import pytest

from pytest_atdm.core.volume import encode, grow
from pytest_atdm.core.wire import dump_plan, plan_hash
from seeder.db.migrate import apply_migrations
from seeder.db.owner import bring_up
from seeder.settings import Settings
from tests.database.world import log_in
from tests.seeder.caller import CATALOG, SHOP_TABLES, Caller, free_listener, running_seeder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN: Final = "the-token-of-these-tests"
AS_OF: Final = datetime.date(2026, 3, 1)
MEMBER: Final = "shop_tests"
#: What an application of the shop does with a new line of an order.
TRIGGER: Final = """
CREATE TABLE stock_moves (id serial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, moved integer NOT NULL);
CREATE FUNCTION move_stock() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO stock_moves (order_id, moved) VALUES (NEW.order_id, NEW.quantity); RETURN NULL; END';
CREATE TRIGGER move_stock AFTER INSERT ON order_lines FOR EACH ROW EXECUTE FUNCTION move_stock();
"""


async def make_ready(url: str, settings: Settings) -> None:
    """Do as the owner of the database would: his own tables, ATDM's schema, and a login for the tests."""
    connection = await asyncpg.connect(url)
    await apply_migrations(connection, CATALOG.parent / "migrations" / "shop")
    await connection.execute(TRIGGER)
    await connection.execute(f"ALTER DATABASE \"{url.rpartition('/')[2]}\" SET atdm.test_database = 'on'")
    await connection.close()
    await bring_up(settings)


async def make_login(url: str) -> None:
    """Make the login of these tests, whom another process of the session may have made."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE ROLE {MEMBER} LOGIN PASSWORD 'of-the-world' IN ROLE atdm_seeder")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        pass
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def shop(make_database: Callable[[str], str]) -> Iterator[Caller]:
    """A caller of a seeder on a marked database, who connects as a member of atdm_seeder."""
    url, listener = make_database("few_rights"), free_listener()
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def settings_for(database_url: str) -> Settings:
        return Settings(database_url=database_url, token=TOKEN, catalog=CATALOG, base_url=base_url)

    asyncio.run(make_ready(url, settings_for(url)))
    asyncio.run(make_login(url))
    with running_seeder(settings_for(log_in(url, MEMBER)), listener), Caller(base_url, TOKEN, url) as caller:
        yield caller


@pytest.fixture
def run_id(shop: Caller) -> Iterator[str]:
    """A fresh run with the reference rows; of its own rows nothing is left, and its chain is whole."""
    run_id = shop.start_run(as_of=AS_OF)
    shop.http.post("/test-data/reference", json={"domain": "shop", "run_id": run_id}).raise_for_status()
    yield run_id
    shop.http.delete(f"/runs/{run_id}").raise_for_status()
    assert [0] * 4 == [shop.query(f"SELECT count(*) FROM {table}")[0] for table in (*SHOP_TABLES[1:4], "stock_moves")]  # noqa: S608
    assert shop.audit(run_id)["intact"]


def test_it_works_as_the_login_that_it_is(shop: Caller) -> None:
    """The role is atdm_seeder, the login its member, and there is nothing to advise."""
    assert {"role": "atdm_seeder", "login": MEMBER, "excess": "", "advice": ""} == shop.http.get("/target/role").json()


def test_rows_are_planted_and_go_with_what_hangs_below(shop: Caller, run_id: str) -> None:
    """A plan, again under its key, events of its client, a row of the application and one of a trigger: all work."""
    plan = shop.plan(run_id)
    shop.seed(plan).raise_for_status()
    receipt = shop.seed(plan).raise_for_status().json()
    shop.query("INSERT INTO stock_moves (order_id, moved) SELECT id, 1 FROM orders RETURNING id")

    events = [{"kind": "consumed_by_test", "detail": {"outcome": "passed"}}]
    headers = {"ATDM-Cleanup-Token": receipt["cleanup_token"]}
    shop.http.post(
        f"/test-data/requests/{receipt['request_id']}/events", headers=headers, json={"events": events}
    ).raise_for_status()
    report = shop.reset(receipt, events).raise_for_status().json()

    assert receipt["replayed"]
    assert {"public.stock_moves": 1} == report["made_by_sut"]
    assert ({}, ()) == (report.get("failed", {}), tuple(report["left"]))


def test_volumes_are_planted_and_go(shop: Caller, run_id: str) -> None:
    """Rows that follow a plan are written by COPY and removed by ranges."""
    plan = shop.plan(run_id, "many_orders", orders=1_200)
    body = dump_plan(plan)
    contents = [body, *(encode(batch) for batch in grow(plan, shop.gate().rulebook)), b""]
    frames = b"".join(len(content).to_bytes(8, "big") + content for content in contents)
    headers = {"ATDM-Plan-Hash": plan_hash(body), "Idempotency-Key": plan.request_key}

    answer = shop.http.post("/internal/scenarios/volumes", content=frames, headers=headers).raise_for_status()

    assert [1_200] == shop.query("SELECT count(*) FROM orders")
    assert 1_200 == shop.reset(answer.json()).raise_for_status().json()["seeded"]["public.orders"]


def test_what_is_asked_before_planning_is_answered(shop: Caller, run_id: str) -> None:
    """Schema, standing rows, states, verdicts and trials need no more than to read and write rows."""
    schema = shop.http.get("/target/schema").raise_for_status().json()
    rows = shop.http.post("/target/rows", json={"tables": ["public.countries"]}).raise_for_status().json()
    state = shop.http.post("/target/state", json={"tables": ["public.orders"]}).raise_for_status().json()
    asked = {"table": "public.order_lines", "constraint": "order_lines_quantity_check", "rows": [{"quantity": 0}]}
    verdicts = shop.http.post("/target/verdicts", json=asked).raise_for_status().json()
    trial = shop.http.post("/target/trials", content=dump_plan(shop.plan(run_id))).raise_for_status().json()

    assert [] == [table["id"] for table in schema["tables"].values() if table.get("missing_rights")]
    assert rows["rows"]["public.countries"]
    assert 0 == state["tables"]["public.orders"][0]
    assert [False] == verdicts["verdicts"]
    assert (None, []) == (trial["refusal"], trial["residue"])


def test_a_situation_is_asked_for_by_intent_and_all_is_reset(shop: Caller, run_id: str) -> None:
    """The seeder plans by itself, and the reset of every run removes what it made."""
    wish = {"scenario": "shipped_order", "run_id": run_id}
    shop.http.post("/test-data/requests", json=wish).raise_for_status()

    report = shop.http.delete("/runs?force=true").raise_for_status().json()

    assert 1 == report["seeded"]["public.orders"]
    assert shop.http.get("/metrics").is_success
    assert run_id in shop.http.get("/runs").text


def test_leases_are_renewed_and_runs_are_reaped(shop: Caller, run_id: str) -> None:
    """The owner's heartbeat counts, an operator ends the run with all its rows."""
    shop.seed(shop.plan(run_id)).raise_for_status()
    renewed = shop.http.post(f"/runs/{run_id}/heartbeat", json={"epoch": 1}).raise_for_status()

    (reaped,) = shop.http.post("/runs/reap", json={"run_id": run_id}).raise_for_status().json()

    assert (30, run_id) == (renewed.json()["lease_s"], reaped["run_id"])
    assert 1 == reaped["report"]["seeded"]["public.orders"]
    assert "reaped" == shop.http.get(f"/runs/{run_id}").json()["state"]

"""What a request costs does not depend on how much ATDM has done before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

from pytest_atdm.core.audit import EventKind
from seeder.db.closure import close_over
from seeder.db.database import Database
from seeder.db.introspect import read_target
from seeder.db.pool import open_pool
from seeder.db.reset_sql import find_sql
from seeder.records import NewEvent
from tests.database.world import RUN, TOKEN_HASH, World, planned, settings

MakeWorld = Callable[..., World]

TABLES = """
CREATE TABLE shelf (id serial PRIMARY KEY, label text NOT NULL UNIQUE);
CREATE TABLE box (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), shelf_id integer NOT NULL REFERENCES shelf);
CREATE INDEX ON box (shelf_id);
"""
# 5,000 runs of one request with twenty events each; those of the last hundred, whose process died, are still live.
PAST = """
INSERT INTO atdm.run (run_id, session_id, actor, seed, as_of, positions, state, audit_seq)
    SELECT '00' || to_char(n, 'FM000000'), 's', 'a', 0, '2026-01-01', '{}',
        CASE WHEN n > 4900 THEN 'active' ELSE 'ended' END, 20
    FROM generate_series(1, 5000) n;
INSERT INTO atdm.request (request_id, run_id, epoch, request_key, idempotency_key, scenario, plan_hash, token_hash,
        state, context, counts, positions)
    SELECT run_id || 'q', run_id, 1, 'k', 'k', 's', 'h', sha256(''),
        CASE WHEN state = 'active' THEN 'live' ELSE 'reset' END, '{}', '{}', '{}' FROM atdm.run WHERE run_id < '01';
INSERT INTO atdm.ledger (relation, key, request_id, ordinal)
    SELECT 'public.shelf', jsonb_build_object('id', -n), request_id, n
    FROM atdm.request, generate_series(1, 20) n WHERE state = 'live' AND request_id < '01' ON CONFLICT DO NOTHING;
INSERT INTO atdm.audit_event (run_id, seq, kind, at, body, previous, hash)
    SELECT run_id, n, 'k', now(), '{}', '', '' FROM atdm.run, generate_series(1, 20) n WHERE run_id < '01';
INSERT INTO atdm.coverage
    SELECT sha256(n::text::bytea), 'c', 's', n, '{}', 1, 0, 0, 0, 'passed', 1, 'r', false, now(), CURRENT_DATE
    FROM generate_series(1, 50000) n;
"""
TABLES_READ = ("run", "request", "ledger", "audit_event", "coverage", "shelf", "box")
SCANS = """
SELECT json_object_agg(relname, json_build_array(seq_scan, idx_scan > 0)) FROM pg_stat_all_tables
WHERE relname IN ('run', 'request', 'ledger', 'audit_event', 'coverage', 'shelf', 'box')
"""


def use_everything(world: World, label: str) -> None:
    """Seed, let the application write below, report, reset, end the run, read its trail."""
    shelf = planned("shelf", "shelf", {"label": label}, id="shelf.id")
    outcome = world.seed(shelf)
    world.execute("INSERT INTO box (shelf_id) VALUES ($1)", outcome.rows["shelf"]["id"])
    event = NewEvent(kind=EventKind.CONSUMED_BY_TEST, detail={"nodeid": "t", "outcome": "passed", "commit": label})
    world.wait(world.database.append_events(outcome.request_id, TOKEN_HASH, [event]))
    assert {"public.box": 1} == world.reset(outcome, [event]).made_by_sut
    world.seed(planned("shelf", "shelf", {"label": f"{label} again"}, id="shelf.id"))
    world.wait(world.database.reset_run(RUN))
    assert world.wait(world.database.read_events(RUN)).intact


async def wait_until_gone(world: World) -> None:
    """Return once the seeder's sessions have ended: then their statistics are written."""
    ours = "application_name = 'atdm-seeder' AND datname = current_database()"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {ours}"  # noqa: S608
    while await world.sut.fetchval(query):  # noqa: ASYNC110  Postgres tells nobody
        await asyncio.sleep(0.01)


def test_no_statement_of_a_request_scans_a_table_that_grows(make_world: MakeWorld) -> None:
    """With plans that were made while the tables were empty, after 5,000 runs, every table is read by an index."""
    world = make_world(TABLES)
    world.wait(world.database.close())  # its statistics count the scans that made the indexes
    world.wait(wait_until_gone(world))
    world.database = world.wait(Database.open(settings(world.url)))
    use_everything(world, "planned on empty tables")
    world.execute(PAST)
    world.execute("ANALYZE; SELECT pg_stat_force_next_flush()")
    world.execute("SELECT pg_stat_reset()")

    world.start_run()
    use_everything(world, "after 5,000 runs")
    world.wait(world.database.close())
    world.wait(wait_until_gone(world))

    scans = json.loads(world.fetch(SCANS))
    assert {name: [0, True] for name in TABLES_READ} == scans


async def explain_walk(url: str) -> list[tuple[str, float]]:
    """Return the kinds of the nodes of the plan that finds what is below a shelf, each with the rows expected of it."""
    pool = await open_pool(settings(url), {})
    target = await read_target(pool)
    walk = find_sql(close_over(target, ["public.shelf"]), target, wide=False)
    async with pool.acquire() as connection:
        await connection.execute(f"PREPARE walk AS {walk} SELECT * FROM rows")  # noqa: S608
        plan = json.loads(await connection.fetchval("EXPLAIN (FORMAT JSON) EXECUTE walk (NULL, NULL)"))
    await pool.close()
    return list(iter_nodes(plan[0]["Plan"]))


def iter_nodes(node: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the kind and the expected rows of *node* and of all below it."""
    yield node["Node Type"], node["Plan Rows"]
    for below in node.get("Plans", ()):
        yield from iter_nodes(below)


def test_a_row_that_thousands_refer_to_makes_no_walk_expect_thousands(make_world: MakeWorld) -> None:
    """Else each walk would reserve memory for that many, and rather read whole indexes than look up a few rows."""
    world = make_world(TABLES, before="INSERT INTO shelf (label) VALUES ('all')")
    world.execute("INSERT INTO box (shelf_id) SELECT 1 FROM generate_series(1, 20000); ANALYZE")

    expected = world.wait(explain_walk(world.url))

    assert [] == [(kind, rows) for kind, rows in expected if rows > 1_000]
    assert "Recursive Union" in dict(expected)

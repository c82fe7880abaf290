"""The reset: beside full tables, and of what an application hung below, beside a keyed delete of the same rows."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from tests.bench.figures import Figure, compare
from tests.bench.seeding import compare_in_turns, median_ms
from tests.bench.strategies import delete_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.model import Cell, Receipt
    from tests.bench.situation import Bench

#: Rows that stand in each table beside the sixteen, in one database and in the other.
FEW, MANY = 10_000, 1_000_000
_ROUNDS: Final = 60
_WARM: Final = 10

#: A row for each number n up to a count, in two halves for two connections. Codes stay as they are: there are not a
#: million of them.
_FILL: Final = (
    (
        """INSERT INTO plans (plan_code, name, product, deductible, coinsurance_percent)
        SELECT 'SYN-P-' || lpad(n::text, 10, '0'), 'FAKE_plan', 'HMO', 0, 10 FROM generate_series(1, {rows}) n""",
        """INSERT INTO members (id, member_number, first_name, last_name, birth_date, phone, address_line, state,
            postal_code, enrolled_on)
        SELECT md5('m' || n)::uuid, 'SYN-M-' || lpad(n::text, 10, '0'), 'FAKE_a', 'FAKE_b', '1990-01-01', '555-0100',
            'FAKE_c', 'ZZ', '00001', '2020-01-01' FROM generate_series(1, {rows}) n""",
        """INSERT INTO eligibility (member_id, plan_id, status, effective_from)
        SELECT md5('m' || n)::uuid, (SELECT min(id) FROM plans), 'active', '2020-01-01'
        FROM generate_series(1, {rows}) n""",
    ),
    (
        """INSERT INTO providers (id, npi, name, specialty, network_status, phone, state)
        SELECT md5('p' || row_number() OVER ())::uuid, npi, 'FAKE_d', 'cardiology', 'out_of_network', '555-0100', 'ZZ'
        FROM (SELECT '3' || lpad(n::text, 9, '0') AS npi FROM generate_series(1, {rows} * 2) n) candidates
        WHERE {npi_check} LIMIT {rows}""",
        """INSERT INTO claims (claim_number, member_id, provider_id, procedure_code, diagnosis_code, service_date,
            received_on, pending_reason, billed_amount)
        SELECT 'SYN-C-' || lpad(n::text, 10, '0'), md5('m' || n)::uuid, md5('p' || n)::uuid, (SELECT min(code) FROM
            procedure_codes), (SELECT min(code) FROM diagnosis_codes), '2020-01-01', '2020-01-02', 'received', 10
        FROM generate_series(1, {rows}) n""",
        """INSERT INTO claim_decisions (claim_id, outcome)
        SELECT id, 'paid' FROM claims WHERE claim_number LIKE 'SYN-C-00%'""",
    ),
)
_NPI_CHECK: Final = """SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conname = 'providers_npi_lacks_check_digit'"""

#: What an application hangs below a seeded row: 5 rows, 20 below these, 80 below those.
_HANG: Final = """
WITH c AS (
    INSERT INTO claims (claim_number, member_id, provider_id, procedure_code, diagnosis_code, service_date, received_on,
        pending_reason, billed_amount)
    SELECT 'SYN-C-Z' || lpad(($2 + n)::text, 9, '0'), $1, provider_id, procedure_code, diagnosis_code, service_date,
        received_on, 'received', 10
    FROM generate_series(1, 5) n, (SELECT * FROM claims WHERE member_id = $1 LIMIT 1) like_it
    RETURNING id
), d AS (
    INSERT INTO claim_decisions (claim_id, outcome) SELECT id, 'paid' FROM c, generate_series(1, 4) RETURNING id
), n AS (
    INSERT INTO claim_decision_notes (decision_id, note) SELECT id, 'x' FROM d, generate_series(1, 4) RETURNING id
)
SELECT (SELECT json_agg(id) FROM c) AS "public.claims", (SELECT json_agg(id) FROM d) AS "public.claim_decisions",
    (SELECT json_agg(id) FROM n) AS "public.claim_decision_notes"
"""


def measure_sizes(few: tuple[Bench, str], many: tuple[Bench, str]) -> list[Figure]:
    """Return the latency of the reset beside ten thousand and a million rows per table; flat within 10 %.

    Each of the two is a bench with its database, as it comes.
    """
    asyncio.run(_fill(few[1], FEW))
    asyncio.run(_fill(many[1], MANY))
    return compare_in_turns(few[0], many[0], f"beside {FEW:,} rows per table", f"beside {MANY:,} rows per table")


async def _fill(url: str, rows: int) -> None:
    await asyncio.gather(*(_execute(url, statements, rows) for statements in _FILL))
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _execute(url: str, statements: Sequence[str], rows: int) -> None:
    connection = await asyncpg.connect(url)
    npi_check = await connection.fetchval(_NPI_CHECK)
    # Of these rows it is known that their references hold.
    await connection.execute("SET session_replication_role = replica")
    for statement in statements:
        await connection.execute(statement.format(rows=rows, npi_check=npi_check))
    await connection.close()


def measure_levels(bench: Bench, url: str) -> list[Figure]:
    """Return the time of a reset that finds three levels of the application's rows, and of a delete by their keys."""
    keyed, reset = (median_ms(samples) for samples in asyncio.run(_time_levels(bench, url)))
    basis = Figure(
        name="keyed DELETE, one statement, of 16 rows and 105 in three levels below", figure=round(keyed, 3), unit="ms"
    )
    return [basis, compare("reset that finds and removes these rows", round(reset, 3), "ms", against=basis, at_most=3)]


async def _time_levels(bench: Bench, url: str) -> tuple[list[float], list[float]]:
    connection = await asyncpg.connect(url)
    plans, keyed, reset = bench.iter_plans(), list[float](), list[float]()
    for number in range(_ROUNDS + _WARM):
        for samples in (keyed, reset):
            made = next(plans)
            receipt = bench.client.seed(made, idempotency_key=made.request_key)
            keys = await _hang_below(connection, receipt, number)
            statement = delete_statement([bench.schema.tables[name] for name in keys])
            began = time.perf_counter()
            if samples is keyed:
                await connection.execute(statement, json.dumps(keys))
            else:
                bench.client.reset(receipt.request_id, receipt.cleanup_token)
            samples.append(time.perf_counter() - began)
            bench.client.reset(receipt.request_id, receipt.cleanup_token)
    await connection.close()
    return keyed[_WARM:], reset[_WARM:]


async def _hang_below(connection: asyncpg.Connection[Any], receipt: Receipt, number: int) -> dict[str, list[Cell]]:
    """Have the application's rows stand; return the keys of all, seeded ones too, by table."""
    keys: dict[str, list[Cell]] = {}
    for entity in receipt.entities.values():
        keys.setdefault(entity.table, []).extend(next(iter(row.values())) for row in entity.rows)
    member = receipt.entities["claim"].rows[0]["member_id"]
    for table, found in (await connection.fetchrow(_HANG, member, number * 10)).items():
        keys.setdefault(table, []).extend(json.loads(found))
    return keys

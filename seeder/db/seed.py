"""Writing a plan: rows, ledger, request and audit events in one statement."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import asyncpg

from pytest_atdm.core.audit import EventKind
from pytest_atdm.core.errors import Conflict, RowRefused, SchemaMismatch
from seeder.db.audit import dump_events
from seeder.db.border import CLASHES, LEASE_LOST, translate, translated
from seeder.db.cells import CellReader, dump_json, parse_rows
from seeder.db.closure import close_over
from seeder.db.insertion import group_columns, insert_sql
from seeder.db.queries import QUERIES, quote_text
from seeder.db.steps import RowDroppedError, Steps, read_key
from seeder.db.volumes import VolumeWriter
from seeder.records import SeedOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Mapping, Sequence

    from pytest_atdm.core.model import Cell, Plan, PlannedRow
    from pytest_atdm.core.volume import Batch
    from seeder.db.insertion import Group
    from seeder.db.introspect import Target
    from seeder.db.keys import KeyBlocks
    from seeder.db.pool import Pool
    from seeder.records import SeedCommand

#: Attempts where other writers stand in the way, the first included.
ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of one table with the same columns given, as one parameter of the statement."""

    group: Group
    names: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]


class SeedWriter:
    """Writes plans into one target; keeps the text of its statements by the shape of the plan."""

    def __init__(self, pool: Pool, target: Target, blocks: KeyBlocks) -> None:
        self._pool = pool
        self._target = target
        self._blocks = blocks
        self._steps = Steps(pool, target)
        self._volumes = VolumeWriter(pool, target)
        self._statements: dict[tuple[tuple[Group, ...], bool], str] = {}
        self._readers: dict[str, CellReader] = {}
        self._groups: dict[tuple[str, ...], Group] = {}  # by table and columns as they stand in the plan

    async def write(self, command: SeedCommand, batches: AsyncIterable[Batch] | None = None) -> SeedOutcome:
        """Write the plan and the *batches* that follow it, or answer from the request that its key made before.

        Raises:
            RowConflict, RowRefused, SchemaMismatch, Conflict, NotFound, LeaseLost, DatabaseUnavailable,
            DatabaseBusy: nothing has been written.
        """
        doing = f'seeding "{command.plan.scenario}"'
        with translated(doing):
            if batches is not None:
                return await self._replay(command) or await self._write_with_volumes(command, batches)
            values = await self.allot_keys(command.plan)
            taking_over = False
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await self._write_once(command, values, taking_over=taking_over)
                except asyncpg.PostgresError as error:
                    is_entered = (error.schema_name, error.table_name) == ("atdm", "ledger")
                    if (is_entered or error.sqlstate in CLASHES) and attempt < ATTEMPTS:
                        taking_over = taking_over or is_entered
                        continue
                    replayed = None if error.sqlstate == LEASE_LOST else await self._replay(command)
                    if replayed is None:
                        raise translate(error, doing) from error
                    return replayed
        raise AssertionError

    async def _write_once(
        self, command: SeedCommand, values: Mapping[str, Mapping[str, Cell]], *, taking_over: bool
    ) -> SeedOutcome:
        counts = _count_rows(command.plan)
        if counts.keys() & self._target.triggered:
            async with self._pool.acquire() as connection, connection.transaction():
                answer, counts = await self._write_in_steps(connection, command, values, taking_over=taking_over)
        else:
            answer = await self._write_at_once(self._pool, command, values, taking_over=taking_over)
        return self._outcome(command, answer, counts)

    def _outcome(self, command: SeedCommand, answer: str, counts: Mapping[str, int]) -> SeedOutcome:
        rows = self._read_answer(command.plan, answer)
        return SeedOutcome(request_id=command.request_id, rows=rows, counts=counts)

    async def _write_with_volumes(self, command: SeedCommand, batches: AsyncIterable[Batch]) -> SeedOutcome:
        """Write the plan's own rows, then the batches as they come; one transaction, and no second try."""
        plan = command.plan
        self._volumes.check(plan)
        values = await self.allot_keys(plan)
        keys = await self._volumes.take_keys(plan, values)
        counts = _count_rows(plan)
        command = replace(command, context={**command.context, "volumes": keys.describe(plan)})

        async def load(connection: asyncpg.Connection) -> None:
            async for batch in batches:
                await self._volumes.write(connection, batch, keys, command.request_id)
            await self._volumes.keep_ranges(connection, plan, keys, command.request_id)

        async with self._pool.acquire() as connection, connection.transaction():
            if counts.keys() & self._target.triggered:
                answer, counts = await self._write_in_steps(connection, command, values, taking_over=True, load=load)
            else:
                answer = await self._write_at_once(connection, command, values, taking_over=True)
                await load(connection)
        return self._outcome(command, answer, counts)

    async def _write_at_once(
        self,
        executor: Pool | asyncpg.Connection,
        command: SeedCommand,
        values: Mapping[str, Mapping[str, Cell]],
        *,
        taking_over: bool,
    ) -> str:
        batches = self._batch_by_table(command.plan, values)
        statement = self._statement(tuple(batch.group for batch in batches), taking_over=taking_over)
        names = [name for batch in batches for name in batch.names]
        payloads = (dump_json(batch.rows) for batch in batches)
        answer: str = await executor.fetchval(statement, *_bind(command), names, command.epoch, *payloads)
        return answer

    async def _write_in_steps(
        self,
        connection: asyncpg.Connection,
        command: SeedCommand,
        values: Mapping[str, Mapping[str, Cell]],
        *,
        taking_over: bool,
        load: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
    ) -> tuple[str, Counter[str]]:
        """Write in the plan's order: triggers that look for a row's parent find it. What they write belongs to it."""
        try:
            held = await self._steps.insert(connection, command.plan.rows, values)
        except RowDroppedError as dropped:
            raise dropped_row(dropped.row) from None
        if load is not None:
            held += await self._steps.find_made_by(connection, load, _count_volumes(command.plan), held)
        statement = self._finish_sql(
            "seeded AS (SELECT relation, key, body::json, row_number() OVER () AS n"
            " FROM jsonb_to_recordset($15::jsonb) AS s(relation text, key jsonb, body text))",
            {row.relation for row in held},
            taking_over=taking_over,
        )
        names = [row.name for row in held if row.name is not None]
        rows = [{"relation": row.relation, "key": read_key(row.key), "body": row.body} for row in held]
        counts = Counter(row.relation for row in held) + _count_volumes(command.plan)
        answer: str = await connection.fetchval(
            statement, *_bind(command, counts), names, command.epoch, dump_json(rows)
        )
        return answer, counts

    def _batch_by_table(self, plan: Plan, values: Mapping[str, Mapping[str, Cell]]) -> list[_Batch]:
        names: dict[Group, list[str]] = defaultdict(list)
        for row in plan.rows:
            names[self._groups[row.table, *row.values, *row.keys]].append(row.name)
        return [_Batch(group, tuple(rows), tuple(values[name] for name in rows)) for group, rows in names.items()]

    def _statement(self, shape: tuple[Group, ...], *, taking_over: bool) -> str:
        if (shape, taking_over) not in self._statements:
            self._statements[shape, taking_over] = self._build_statement(shape, taking_over=taking_over)
        return self._statements[shape, taking_over]

    def _build_statement(self, shape: Sequence[Group], *, taking_over: bool) -> str:
        """Return the statement for one shape; parameters from $15 on are the batches."""
        schema = self._target.schema
        inserts = (
            f"r{number} AS ({insert_sql(schema, group, f'${number + 15}')})" for number, group in enumerate(shape)
        )
        # A scan of a CTE gives its rows in the order in which they were inserted, the sum of scans likewise.
        rows = "\nUNION ALL ".join(
            f"SELECT {quote_text(table)} AS relation, key, body FROM r{number}"
            for number, (table, _) in enumerate(shape)
        )
        seeded = f"seeded AS MATERIALIZED (SELECT relation, key, body, row_number() OVER () AS n FROM ({rows}) rows)"
        return self._finish_sql(",\n".join((*inserts, seeded)), {table for table, _ in shape}, taking_over=taking_over)

    def _finish_sql(self, seeded: str, tables: Collection[str], *, taking_over: bool) -> str:
        """Return the statement around ``seeded`` (relation, key, body, n): ledger, request and events.

        A row could be inserted under a key that the ledger still has: the row of the earlier request is gone then. This
        is so rare that the statement which takes the entry over is the second try; it costs 0.1 ms more.
        """
        mine = "DO UPDATE SET request_id = EXCLUDED.request_id, ordinal = EXCLUDED.ordinal"
        conflict = f"ON CONFLICT (relation, key) {mine}" if taking_over else ""
        return f"""WITH {seeded},
written AS (
    SELECT coalesce(json_object_agg(($13::text[])[n], body), '{{}}') AS answer,
        coalesce(json_object_agg(($13::text[])[n], key), '{{}}') AS keys
    FROM seeded WHERE n <= cardinality($13::text[])
),
ledgered AS (
    INSERT INTO atdm.ledger (relation, key, request_id, ordinal) SELECT relation, key, $1, n FROM seeded
    {conflict}
),
recorded AS (
    INSERT INTO atdm.request (request_id, run_id, epoch, request_key, idempotency_key, scenario, plan_hash, token_hash,
        context, counts, answer, positions)
    SELECT $1, $2, (SELECT epoch FROM atdm.run WHERE run_id = $2), $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb,
        answer, {self._positions_sql(tables)}
    FROM written
),
appended AS (
    -- The last detail has no closing brace yet: the keys go in there, as text, which spares building it anew.
    SELECT atdm.append_events($2, $1, $10::text[],
        $11::json[] || ($12 || ', "keys": ' || keys || '}}')::json, $14) AS seq
    FROM written
)
SELECT answer::text FROM written, appended WHERE seq > 0"""

    def _positions_sql(self, tables: Collection[str]) -> str:
        """Where the exact sequences of the tables below stand now, by table id; see ``atdm.is_new``."""
        places: list[tuple[str, str]] = []
        for table in close_over(self._target, tables).tables:
            column = self._target.serial_keys.get(table.id)
            sequence = column.sequence if column else None
            if sequence is not None and sequence in self._target.one_by_one:
                before = self._target.one_by_one[sequence] - 1
                value = f"coalesce(pg_sequence_last_value({quote_text(sequence)}::regclass), {before})"
                places.append((quote_text(table.id), value))
        names, values = (", ".join(part) for part in zip(*places, strict=True)) if places else ("", "")
        return f"jsonb_object(ARRAY[{names}]::text[], ARRAY[{values}]::text[])"

    async def allot_keys(self, plan: Plan) -> dict[str, dict[str, Cell]]:
        """Return the values of every row by its name, with keys from sequences where the plan leaves them open."""
        own: dict[str, tuple[str, str]] = {}
        for row in plan.rows:
            if (shape := (row.table, *row.values, *row.keys)) not in self._groups:
                self._check_row(row.name, *shape)
                self._groups[shape] = group_columns(self._target.schema, *shape)
            own |= {
                source: (row.table, column) for column, source in row.keys.items() if source == f"{row.name}.{column}"
            }
        sequences = {place: self._sequence(*where) for place, where in own.items()}
        feeds = {sequences[place]: where for place, where in own.items() if self._is_indexed(*where)}
        taken = await self._blocks.take(Counter(sequences.values()), feeds)
        allotted = {place: taken[sequence].pop(0) for place, sequence in sequences.items()}
        return {
            row.name: {**row.values, **{column: allotted[source] for column, source in row.keys.items()}}
            for row in plan.rows
        }

    def _is_indexed(self, name: str, column: str) -> bool:
        """Return whether an index finds out which values of *column* stand there already."""
        table = self._target.schema.tables[name]
        return "select" not in table.missing_rights and any(columns[0] == column for columns in table.unique_sets)

    def _check_row(self, name: str, table: str, *columns: str) -> None:
        where = f'row "{name}"'
        if table not in self._target.schema.tables:
            raise SchemaMismatch(
                f'{where}: the database has no table "{table}"', hint="fetch /target/schema and plan again"
            )
        for column in columns:
            self._target.schema.tables[table].column(column, where=where)

    def _sequence(self, table: str, column: str) -> str:
        sequence = self._target.schema.tables[table].column(column).sequence
        if sequence is None:
            raise SchemaMismatch(
                f'table "{table}": no sequence stands behind column "{column}", so its value cannot be allotted',
                hint="give the value in the plan",
            )
        return sequence

    def _read_answer(self, plan: Plan, answer: str) -> dict[str, dict[str, Cell]]:
        bodies = parse_rows(answer)
        return {row.name: self._reader(row.table).read(bodies[row.name]) for row in plan.rows}

    def _reader(self, table: str) -> CellReader:
        if table not in self._readers:
            self._readers[table] = CellReader(self._target.schema.tables[table], self._target.schema)
        return self._readers[table]

    async def _replay(self, command: SeedCommand) -> SeedOutcome | None:
        """Return the stored answer if the key was used for the same plan; None where it was not used at all."""
        plan = command.plan
        found = await self._pool.fetchrow(
            QUERIES["replay"], plan.run_id, command.idempotency_key, command.plan_hash, command.token_hash
        )
        if found is None:
            return None
        if found["answer"] is None:
            why = "has been reset" if found["same_plan"] else "had another plan"
            raise Conflict(
                f'idempotency key "{command.idempotency_key}": request {found["request_id"]} used it and {why}',
                hint="give each request, and each attempt of a test, an idempotency key of its own",
            )
        return SeedOutcome(
            request_id=found["request_id"],
            rows=self._read_answer(plan, found["answer"]),
            counts=json.loads(found["counts"]),
            replayed=True,
        )


def dropped_row(row: PlannedRow) -> RowRefused:
    """Return the error for a row that a trigger or rule made nothing of."""
    return RowRefused(
        f'row "{row.name}": a trigger of table "{row.table}" dropped it without an error',
        hint="see the table's BEFORE INSERT triggers for the values that they accept",
    )


def _count_rows(plan: Plan) -> Counter[str]:
    """Return how many rows of each table the request has, by table id."""
    return Counter(row.table for row in plan.rows) + _count_volumes(plan)


def _count_volumes(plan: Plan) -> Counter[str]:
    counts: Counter[str] = Counter()
    for volume in plan.volumes:
        counts[volume.table] += volume.rows
    return counts


def _bind(command: SeedCommand, written: Mapping[str, int] | None = None) -> tuple[object, ...]:
    """Return the parameters $1 to $12 of every seeding statement; *written* counts rows where triggers made some."""
    plan = command.plan
    counts: dict[str, Cell] = {**(written or _count_rows(plan))}
    committed = {"scenario": plan.scenario, "plan_hash": command.plan_hash, "rows": counts, **command.context}
    kinds, details = dump_events(command.events)
    return (
        command.request_id,
        plan.run_id,
        plan.request_key,
        command.idempotency_key,
        plan.scenario,
        command.plan_hash,
        command.token_hash,
        dump_json(command.context),
        dump_json(counts),
        [*kinds, EventKind.SEED_COMMITTED],
        details,
        dump_json(committed).removesuffix("}"),
    )

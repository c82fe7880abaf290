"""Writing the rows of volumes: batch by batch, by binary COPY where all columns have a binary form here."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.errors import InvalidRequest, RowRefused
from pytest_atdm.core.expressions.casting import parse_type
from pytest_atdm.core.types import base_type, to_operand
from seeder.db.cells import dump_json
from seeder.db.insertion import group_columns, insert_sql
from seeder.db.keys import PLACE, cell_sql, identify, key_sql
from seeder.db.queries import QUERIES, quote_ident, quote_table, quote_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import asyncpg

    from pytest_atdm.core.model import Cell, Plan, Volume
    from pytest_atdm.core.schema import Column, Table
    from pytest_atdm.core.volume import Batch
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool

#: So many ranges of keys are told; sequences that others use too may leave many.
_MOST_RANGES: Final = 20
#: Types whose cells the driver writes in Postgres' binary form just as they are.
_PLAIN: Final = frozenset({
    "text", "character varying", "character", "bpchar", "smallint", "integer", "bigint", "real", "double precision",
    "boolean",
})  # fmt: skip
_CLASSES: Final[Mapping[str, Callable[[str], Any]]] = {"numeric": Decimal, "uuid": uuid.UUID}
_DATED: Final = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})


class Keys:
    """Values of sequences for the rows of volumes: by entity and column, in the order of the rows beyond the sample."""

    def __init__(self, allotted: Mapping[str, Mapping[str, Cell]]) -> None:
        self._allotted = allotted
        self._sample: dict[str, int] = {}
        self._taken: dict[tuple[str, str], list[int]] = {}

    def add(self, volume: Volume, column: str, values: list[int]) -> None:
        """Note *values* as those of *column* of the volume's rows."""
        self._sample[volume.entity] = volume.sample
        self._taken[volume.entity, column] = values

    def values(self, entity: str, column: str) -> list[int] | None:
        """Return all values of *column* of the entity's rows beyond the sample; None where it has no sequence."""
        return self._taken.get((entity, column))

    def describe(self, plan: Plan) -> dict[str, Cell]:
        """Return, by entity, how many rows follow the plan, and the first ranges of their keys: for the audit log."""
        found: dict[str, Cell] = {}
        for volume in plan.volumes:
            ranges: dict[str, Cell] = {
                column: [[first, last] for first, last in islice(iter_ranges(values), _MOST_RANGES)]
                for (entity, column), values in self._taken.items()
                if entity == volume.entity
            }
            found[volume.entity] = {"table": volume.table, "rows": volume.rows, "keys": ranges}
        return found

    def resolve(self, pointers: Sequence[str]) -> list[Cell]:
        """Return the value that each of *pointers* stands for.

        Raises:
            InvalidRequest: one points to no row.
        """
        known = {pointer: self._find(pointer) for pointer in set(pointers)}
        return [known[pointer] for pointer in pointers]

    def _find(self, pointer: str) -> Cell:
        row, _, column = pointer.rpartition(".")
        if row in self._allotted and column in self._allotted[row]:
            return self._allotted[row][column]
        entity, _, number = row.removesuffix("]").partition("[")
        values = self._taken.get((entity, column))
        place = int(number) - self._sample[entity] if values and number.isdecimal() else -1
        if values is None or not 0 <= place < len(values):
            raise InvalidRequest(f'"{pointer}" is no key of a row', hint="send the batches that were made of the plan")
        return values[place]


class VolumeWriter:
    """Writes batches into one target, within a transaction of the caller."""

    def __init__(self, pool: Pool, target: Target) -> None:
        self._pool = pool
        self._target = target

    def check(self, plan: Plan) -> None:
        """See that the ledger can keep the rows of the plan's volumes.

        Raises:
            RowRefused: it cannot.
        """
        for volume in plan.volumes:
            table = self._target.schema.tables[volume.table]
            columns = identify(table)
            if columns == PLACE or any(table.column_by_name[name].type.endswith("]") for name in columns):
                raise RowRefused(
                    f'"{volume.entity}": {volume.count} rows of {volume.table}, which has no key of plain columns to '
                    "tell them by",
                    hint="give the table a primary key, or ask for at most 1,000 of its rows",
                )

    async def take_keys(self, plan: Plan, allotted: Mapping[str, Mapping[str, Cell]]) -> Keys:
        """Return values for all own keys of the rows that follow *plan*; *allotted* are those of its own rows."""
        keys = Keys(allotted)
        for volume in plan.volumes:
            table = self._target.schema.tables[volume.table]
            sample = next(row for row in plan.rows if row.entity == volume.entity)
            for column, pointer in sample.keys.items():
                if pointer == f"{sample.name}.{column}":
                    keys.add(volume, column, await self._take(table, table.column_by_name[column], volume.rows))
        return keys

    async def _take(self, table: Table, column: Column, count: int) -> list[int]:
        """Return *count* values that no row of *table* has, in ascending order."""
        taken: list[int] = []
        while len(taken) < count:
            new = await self._pool.fetchval(QUERIES["take_volume_keys"], column.sequence, count - len(taken))
            taken += sorted(set(new) - await self._find_standing(table, column, min(new), max(new)))
        return taken

    async def _find_standing(self, table: Table, column: Column, first: int, last: int) -> set[int]:
        if "select" in table.missing_rights or not any(columns[0] == column.name for columns in table.unique_sets):
            return set()
        name = quote_ident(column.name)
        rows = await self._pool.fetch(
            f"SELECT {name}::bigint AS value FROM {quote_table(table.id)} WHERE {name} BETWEEN $1 AND $2", first, last
        )
        return {row["value"] for row in rows}

    async def write(self, connection: asyncpg.Connection, batch: Batch, keys: Keys, request_id: str) -> None:
        """Write the rows of *batch*, and into the ledger those whose keys are no range.

        Raises:
            RowRefused: a trigger dropped rows.
            asyncpg.PostgresError: the database refused a row.
        """
        table = self._target.schema.tables[batch.volume.table]
        cells = {**batch.values, **{name: keys.resolve(pointers) for name, pointers in batch.keys.items()}}
        group = group_columns(self._target.schema, table.id, *cells)
        written = await self._copy(connection, table, group[1], cells)
        if written is None:
            rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
            statement = insert_sql(self._target.schema, group, "$1", returning=False)
            written = int((await connection.execute(statement, dump_json(rows))).rpartition(" ")[2])
        if written != batch.size:
            raise RowRefused(
                f'{table.id}: of {batch.size} rows of "{batch.volume.entity}" a trigger or rule let {written} through',
                hint="see the table's BEFORE INSERT triggers for the values that they accept",
            )
        if not self._is_ranged(table, keys.values(batch.volume.entity, identify(table)[0])):
            await self._keep_keys(connection, table, batch, cells, request_id)

    async def _copy(
        self, connection: asyncpg.Connection, table: Table, columns: Sequence[str], cells: Mapping[str, Sequence[Cell]]
    ) -> int | None:
        """Return how many rows were copied; None, and none were, where COPY cannot write them."""
        if table.row_security or any(one.kind == "rule" for one in table.triggers):
            return None
        try:
            encoders = [_find_encoder(table.column_by_name[name], self._target) for name in columns]
            encoded = [_encode(cells[name], encoder) for name, encoder in zip(columns, encoders, strict=True)]
        except ValueError:
            return None
        schema, _, name = table.id.partition(".")
        status = await connection.copy_records_to_table(
            name, schema_name=schema, columns=columns, records=zip(*encoded, strict=True)
        )
        return int(status.rpartition(" ")[2])

    # -- the ledger

    async def keep_ranges(self, connection: asyncpg.Connection, plan: Plan, keys: Keys, request_id: str) -> None:
        """Enter into the ledger the volumes whose keys come from a sequence: as ranges."""
        for volume in plan.volumes:
            table = self._target.schema.tables[volume.table]
            column = identify(table)[0]
            values = keys.values(volume.entity, column)
            if values is not None and self._is_ranged(table, values):
                for first, last in iter_ranges(values):
                    await self._keep_range(connection, (table.id, column), first, last, request_id)

    async def _keep_range(
        self, connection: asyncpg.Connection, place: tuple[str, str], first: int, last: int, request_id: str
    ) -> None:
        for old in await connection.fetch(QUERIES["release_keys"], *place, first, last):
            for start, end in ((old["first"], first - 1), (last + 1, old["last"])):
                if start <= end:
                    await connection.execute(QUERIES["keep_range"], *place, start, end, old["request_id"])
        await connection.execute(QUERIES["keep_range"], *place, first, last, request_id)

    def _is_ranged(self, table: Table, values: Sequence[int] | None) -> bool:
        """Return whether the rows are told by *values*, and the reset finds them as numbers."""
        serial = self._target.serial_keys.get(table.id)
        return values is not None and serial is not None and identify(table) == (serial.name,)

    async def _keep_keys(
        self,
        connection: asyncpg.Connection,
        table: Table,
        batch: Batch,
        cells: Mapping[str, Sequence[Cell]],
        request_id: str,
    ) -> None:
        """Enter the rows of *batch* one by one, under their keys as the database writes them."""
        names = identify(table)
        given = ", ".join(f"{quote_text(name)}, k.c{number}" for number, name in enumerate(names))
        listed = ", ".join(f"${number}::text[]" for number in range(4, len(names) + 4))
        columns = ", ".join(f"c{number}" for number in range(len(names)))
        same = " AND ".join(f"t.{quote_ident(name)} = {cell_sql(table, name, 'g.key')}" for name in names)
        status = await connection.execute(
            f"INSERT INTO atdm.ledger (relation, key, request_id, ordinal)"
            f" SELECT $1, {key_sql(table, 't')}, $2, $3 + k.n"
            f" FROM unnest({listed}) WITH ORDINALITY AS k ({columns}, n),"
            f" LATERAL (SELECT jsonb_build_object({given}) AS key) g JOIN {quote_table(table.id)} t ON {same}"
            " ON CONFLICT (relation, key) DO UPDATE SET request_id = EXCLUDED.request_id, ordinal = EXCLUDED.ordinal",
            table.id,
            request_id,
            batch.start,
            *([_as_text(cell) for cell in cells[name]] for name in names),
        )
        if int(status.rpartition(" ")[2]) != batch.size:
            raise RowRefused(
                f'{table.id}: rows of "{batch.volume.entity}" are not found under the key that they were given',
                hint="a trigger gives them other keys: ask for at most 1,000 of these rows",
            )


def iter_ranges(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each row of consecutive numbers in *values*, which ascend."""
    first = last = values[0]
    for value in values[1:]:
        if value != last + 1:
            yield first, last
            first = value
        last = value
    yield first, last


def _as_text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell)


def _encode(cells: Sequence[Cell], encoder: Callable[[Cell], Any] | None) -> Sequence[Any]:
    if encoder is None:
        return cells
    known: dict[object, Any] = {None: None}
    encoded = []
    for cell in cells:
        key = repr(cell) if isinstance(cell, list | dict) else cell
        if key not in known:
            known[key] = encoder(cell)
        encoded.append(known[key])
    return encoded


def _find_encoder(column: Column, target: Target) -> Callable[[Cell], Any] | None:
    """Return what makes of a cell what the driver writes as the column's type; None where it takes the cell.

    Raises:
        ValueError: the driver has no binary form of the type.
    """
    base = base_type(column.type, target.schema)
    kind = parse_type(base)
    if kind.dimensions:
        raise ValueError(base)
    if kind.name in _PLAIN or base in target.schema.enums:
        return None
    if kind.name in _CLASSES:
        make = _CLASSES[kind.name]
        return lambda cell: make(str(cell))
    if kind.name in {"json", "jsonb"}:
        return json.dumps
    if kind.name in _DATED:
        return lambda cell: _read_date(column.type, cell, target)
    raise ValueError(base)


def _read_date(type: str, cell: Cell, target: Target) -> datetime.date:
    """Return a date or moment; infinity is neither."""
    value = to_operand(type, cell, target.schema)
    if not isinstance(value, datetime.date):
        raise ValueError(type)
    return value

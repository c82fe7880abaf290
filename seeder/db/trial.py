"""Writing a plan and removing it again in a transaction that is rolled back, to see what the database says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import asyncpg

from pytest_atdm.core.errors import SettingError
from pytest_atdm.core.model import Refusal, compare_sums
from seeder.db.border import read_refusal, translated
from seeder.db.cells import CellReader, parse_row
from seeder.db.standing import sum_tables
from seeder.db.steps import RowDroppedError, Steps
from seeder.records import TrialOutcome

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_atdm.core.model import Cell, Plan, Residue
    from seeder.db.introspect import Target
    from seeder.db.pool import Pool
    from seeder.db.seed import SeedWriter
    from seeder.db.steps import Held

#: Pseudo code for a row that a trigger dropped without an error.
DROPPED: Final = "dropped"
#: insufficient_privilege
DENIED: Final = "42501"


class Trials:
    """Tries plans out on one target."""

    def __init__(self, pool: Pool, target: Target, writer: SeedWriter) -> None:
        self._pool = pool
        self._target = target
        self._writer = writer
        self._steps = Steps(pool, target)

    async def run(self, plan: Plan) -> TrialOutcome:
        """Write *plan*, let all constraints be judged, remove what was written, compare; then roll back.

        Raises:
            SchemaMismatch: the plan names what the database lacks.
            DatabaseUnavailable: Postgres does not answer.
        """
        with translated("trying a plan"):
            try:
                values = await self._writer.allot_keys(plan)
            except SettingError as error:  # a sequence that the role may not use
                return _refused(Refusal(stage="insert", code=DENIED, message=error.message))
            async with self._pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    return await self._run(connection, plan, values)
                finally:
                    await transaction.rollback()

    async def _run(
        self, connection: asyncpg.Connection, plan: Plan, values: Mapping[str, Mapping[str, Cell]]
    ) -> TrialOutcome:
        before = await self._steps.activity(connection)
        try:
            held = await self._steps.insert(connection, plan.rows, values)
        except RowDroppedError as dropped:
            text = f'a trigger or rule of table "{dropped.row.table}" made nothing of the insert'
            return _refused(
                Refusal(stage="insert", code=DROPPED, message=text, table=dropped.row.table, rows=(dropped.row.name,))
            )
        except asyncpg.PostgresError as error:
            return _refused(read_refusal(error, "insert"))
        outcome = {
            "rows": {row.name: self._read(row) for row in held if row.name is not None},
            "made": Counter(row.relation for row in held if row.name is None),
        }
        try:
            await self._steps.remove(connection, [(row.relation, row.key) for row in held])
            touched = (await self._steps.activity(connection)).since(before).tables
            residue = await self.compare(connection, touched)
        except asyncpg.PostgresError as error:
            return TrialOutcome(refusal=read_refusal(error, "delete"), **outcome)  # type: ignore[arg-type]
        return TrialOutcome(residue=residue, **outcome)  # type: ignore[arg-type]

    def _read(self, row: Held) -> Mapping[str, Cell]:
        table = self._target.schema.tables[row.relation]
        return CellReader(table, self._target.schema).read(parse_row(row.body))

    async def compare(self, connection: asyncpg.Connection, tables: Collection[str]) -> tuple[Residue, ...]:
        """Return how *tables* differ in the transaction of *connection* from what other transactions see."""
        now = await sum_tables(connection, self._target, tables)
        before = await sum_tables(self._pool.beside, self._target, now)
        return compare_sums(before, now)


def _refused(refusal: Refusal) -> TrialOutcome:
    return TrialOutcome(refusal=refusal)

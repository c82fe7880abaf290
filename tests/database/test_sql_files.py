"""SQL files are cut into their statements, each with its place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.errors import MigrationFailed
from seeder.db.sql_files import Statement, apply_files, split

if TYPE_CHECKING:
    from pathlib import Path

STATEMENTS = ("SELECT 1", "SELECT ';'", "CREATE TABLE ö (a\n int)", "DO $$ BEGIN\n PERFORM 1; END $$", 'SELECT "--;"')
GAPS = ("", " ", "\n", "\n\n", "-- ü; SELECT 2\n", "/* a;\n b */", "\t\n-- x\n")
parts = st.lists(st.tuples(st.lists(st.sampled_from(GAPS)).map("".join), st.sampled_from(STATEMENTS)))


@given(parts, st.sampled_from(GAPS))
def test_each_statement_has_its_number_and_line(parts: list[tuple[str, str]], end: str) -> None:
    """Whatever stands between statements, strings and bodies with semicolons among them."""
    text, expected = "", []
    for number, (gap, statement) in enumerate(parts, start=1):
        text += gap
        expected.append(Statement(number, text.count("\n") + 1, statement))
        text += statement + ";"

    assert expected == split(text + end)


def test_what_the_parser_does_not_read_is_left_to_postgres() -> None:
    """A newer grammar, or a fault, is one text without a number."""
    assert [Statement(0, 1, "SELECT 1; CREATE TABEL x")] == split("SELECT 1; CREATE TABEL x")


def test_files_that_take_too_long_are_given_up(fresh_url: str, tmp_path: Path) -> None:
    """The file that runs when the time is over is named."""
    (tmp_path / "1.sql").write_text("SELECT 1")
    (tmp_path / "2.sql").write_text("SELECT pg_sleep(60)")

    files = sorted(tmp_path.iterdir())

    async def apply() -> None:
        connection = await asyncpg.connect(fresh_url)
        try:
            await apply_files(connection, files, limit_s=0.5)
        finally:
            await connection.close()

    with pytest.raises(MigrationFailed, match=r"2\.sql: the SQL files did not end within 0\.5 s") as caught:
        asyncio.run(apply())

    assert "waits for" in caught.value.hint

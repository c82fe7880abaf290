"""What ``atdm schema check`` says of the zoo, through the seeder."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from tests.zoo.exhibits import Exhibit

if TYPE_CHECKING:
    from collections.abc import Callable


async def execute(url: str, sql: str) -> None:
    """Run *sql*."""
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


def test_the_command_says_what_the_comments_say(make_database: Callable[[str], str], tmp_path: Path) -> None:
    """One JSON document with every table, its outcome, and what became of its rows."""
    exhibit = Exhibit("triggers")
    url = make_database("zoo_command")
    asyncio.run(execute(url, exhibit.sql))
    command = [str(Path(sys.executable).with_name("atdm")), "schema", "check", "--commit", "--output", "json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATDM_")}
    environment["ATDM_ALLOW_DATABASES"] = url.rpartition("/")[2]

    done = subprocess.run(
        [*command, "--database-url", url], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    payload = json.loads(done.stdout)
    found = {one["table"]: one for one in payload["tables"]}
    assert {table: one.outcome for table, one in exhibit.expected.items()} == {
        table: one["outcome"] for table, one in found.items()
    }
    assert len(found) == sum(payload["summary"].values())
    assert {"public.note": 1} == found["public.watched"]["made_by_triggers"]
    assert [{"table": "public.tally", "rows": 0}] == found["public.counted"]["residue"]

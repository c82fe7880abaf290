"""Fifty marked tests, run in every way: the values stay, the rows go."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Suite

pytestmark = pytest.mark.slow

#: What the run decides: unique columns, keys that the database allots, and references to either.
RUN_PART = re.compile(r"(^|_)(id|number|code|npi)$")
REFERENCE_KEYS = {"procedure_code", "diagnosis_code", "code"}


def without_run_part(notes: dict[str, dict[str, object]]) -> dict[str, object]:
    """Return the notes without the columns that carry the run's part."""

    def strip(row: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in row.items() if name in REFERENCE_KEYS or not RUN_PART.search(name)}

    return {
        test: {entity: [strip(row) for row in rows] for entity, rows in entities.items()}  # type: ignore[attr-defined]
        for test, entities in notes.items()
    }


def test_values_depend_on_neither_order_nor_worker_nor_selection(suite: Suite) -> None:
    """Alone, with two workers, shuffled and with -k, each test gets the same values but for the run's part."""
    suite.run("-k", "test_0_", notes="first")  # brings the reference rows
    before = suite.read_tables()

    alone = suite.run(notes="alone")
    parallel = suite.run("-n", "2", notes="parallel")
    shuffled = suite.run(notes="shuffled", SHUFFLE="7")
    selected = suite.run("-k", "denial", notes="selected")

    assert 50 == len(alone)
    expected = without_run_part(alone)
    assert expected == without_run_part(parallel)
    assert expected == without_run_part(shuffled)
    assert {test: expected[test] for test in selected} == without_run_part(selected)
    assert alone != parallel
    assert before == suite.read_tables()


def test_the_first_run_adds_reference_rows_and_nothing_else(suite: Suite) -> None:
    """Every table holds exactly its rows from before; only the catalog's reference rows have joined."""
    before = suite.read_tables()

    suite.run(notes="run")

    after = suite.read_tables()
    changed = {name for name in after if before[name] != after[name]}
    assert {"procedure_codes", "diagnosis_codes"} == changed


def test_one_run_id_gives_the_same_bytes(suite: Suite) -> None:
    """With --atdm-run-id everything is equal, unique columns included; only keys that the database allots move on."""
    options = ("--atdm-run-id", "01KAM9Y0000000000000000000", "--atdm-as-of", "2026-03-01", "-k", "denial")

    first = suite.run(*options, notes="first")
    again = suite.run(*options, notes="again")

    assert without_serial_keys(first) == without_serial_keys(again)


def without_serial_keys(notes: dict[str, dict[str, object]]) -> str:
    """Return the notes as text without values of keys that come from sequences."""
    return re.sub(r'"(id|\w+_id)": \d+', r'"\1": 0', json.dumps(notes, sort_keys=True))


def test_two_suites_at_once_do_not_disturb_each_other(suite: Suite) -> None:
    """Two sessions on one database pass, with equal values, and leave it as it was."""
    suite.run("-k", "test_0_", notes="first")  # brings the reference rows
    before = suite.read_tables()

    processes = [suite.start(notes=name) for name in ("left", "right")]
    outputs = [process.communicate(timeout=240)[0] for process in processes]

    assert [0, 0] == [process.returncode for process in processes], "\n".join(outputs)
    assert without_run_part(suite.read_notes("left")) == without_run_part(suite.read_notes("right"))
    assert before == suite.read_tables()

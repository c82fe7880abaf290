"""What holds after every cell of what is kept, whatever happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow.parquet as pq

from pytest_atdm.core.audit_check import ChainEnd, Checkpoint, Entry, LogCheck
from pytest_atdm.core.audit_file import FOLDER, iter_entries, make_schema, read_checkpoints, read_range
from tests.chaos.server import wait_until

if TYPE_CHECKING:
    from tests.chaos.keeping.stage import Stage

#: A seal that somebody dead holds is free after a minute; then come a round and a pause.
EXPORTED_S: Final = 150.0
_SEALED: Final = """
SELECT e.run_id, seq, body FROM atdm.audit_event e JOIN atdm.run USING (run_id) WHERE seq <= sealed_seq ORDER BY 1, 2
"""


def free_held_seals(stage: Stage) -> None:
    """Have what a dead seeder holds lapse now, not in a minute."""
    stage.sql.execute("UPDATE atdm.export SET held_until = clock_timestamp()")


def check_export(stage: Stage, *, loses_files: bool) -> None:
    """See that the files hold each sealed event once, fit the log and one another, and that nothing was dropped."""
    wait_until(lambda: stage.read_metric("atdm_audit_pending_seals") == 0, "all is exported", EXPORTED_S)
    assert 0 == stage.read_metric("atdm_audit_dropped_events_total")
    with stage.client() as client:
        assert () == client.verify_audit(None).flaws
    if loses_files:
        return
    exported, flaws = _read_files(stage)
    assert () == flaws
    assert [(row["run_id"], row["seq"], row["body"]) for row in stage.sql.rows(_SEALED)] == exported


def _read_files(stage: Stage) -> tuple[list[tuple[str, int, str]], tuple[Any, ...]]:
    """Return the events of all files in order, and what a check of the files finds."""
    names = stage.store.names(f"{FOLDER}/")
    ranges, entries = [], []
    for name in names:
        if name.endswith(".parquet"):
            with stage.store.reading(name) as path, pq.ParquetFile(path) as file:
                found = read_range(file.schema_arrow.metadata)
                assert found.name == name
                assert file.schema_arrow.equals(make_schema(found))
                ranges.append(found)
                entries += [entry for batch in file.iter_batches() for entry in iter_entries(batch)]
    entries.sort(key=lambda entry: (entry.run_id, entry.seq))
    seals = sorted((one.seal for one in ranges), key=lambda seal: seal.seq)
    check = LogCheck(_read_ends(entries), seals, _keep_known(read_checkpoints(names), len(seals)))
    check.add(entries)
    return [(entry.run_id, entry.seq, entry.body) for entry in entries], check.finish().flaws


def _keep_known(checkpoints: tuple[Checkpoint, ...], seals: int) -> list[Checkpoint]:
    assert all(one.ordinal <= seals for one in checkpoints), "a checkpoint stands before its file"
    return list(checkpoints)


def _read_ends(entries: list[Entry]) -> dict[str, ChainEnd]:
    return {entry.run_id: ChainEnd(True, entry.seq, entry.hash) for entry in entries}


def check_baselines(stage: Stage) -> None:
    """See that each baseline is whole, and that the target is in one of the states that it may be in."""
    if stage.states:
        assert stage.read_rows() in stage.states, "the target is a mixture of two states"
    with stage.client() as client:
        for one in client.baselines():
            assert "" == one.damage
            client.compare_baseline(one.name, tell=lambda _: None)

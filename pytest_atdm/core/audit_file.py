"""What an exported file of the audit log holds: the events that one seal covers, and the seal.

``body`` with ``previous`` and ``hash`` is what counts; the other columns say the same for whoever asks questions. The
seal stands in the metadata of the schema. The files of a log stand in
``audit/log=<id>/date=<day of the seal>/run=<run id>/<first>-<last>.parquet``.

| column | type | meaning |
|---|---|---|
| run_id | string | the run |
| seq | int64 | the event's number in its run, from 1 |
| at | timestamp, UTC, microseconds | when it was written |
| kind | string | what it tells of |
| request_id | string or null | the request that it is about |
| detail | string | what it tells, as JSON |
| body | string | the exact text that was hashed |
| previous, hash | 32 bytes | the chain |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.audit import StoredEvent
from pytest_atdm.core.audit_check import Checkpoint, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa

#: Begins the keys of the metadata.
_PREFIX: Final = "atdm_"
#: The version of everything that this module says.
FORMAT: Final = "1"
_NAMES: Final = ("run_id", "seq", "at", "kind", "request_id", "detail", "body", "previous", "hash")
_CHECKPOINT: Final = re.compile(r"(?:^|/)checkpoints/0*([1-9][0-9]*)-([0-9a-f]{64})$")
#: Where all logs stand in a store.
FOLDER: Final = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRange:
    """What a file is of: the events *first_seq* to *last_seq* of a run, and the *seal* over them; *date* is its day."""

    log_id: str
    run_id: str
    first_seq: int
    last_seq: int
    date: str
    seal: StoredEvent

    @property
    def name(self) -> str:
        """The name of the file in a store."""
        folder = f"{log_folder(self.log_id)}date={self.date}/run={self.run_id}/"
        return f"{folder}{self.first_seq:08}-{self.last_seq:08}.parquet"


def log_folder(log_id: str) -> str:
    """Return where the files of a log stand, with a slash at the end."""
    return f"{FOLDER}/log={log_id}/"


def checkpoint_folder(log_id: str) -> str:
    """Return where the checkpoints of a log stand: an empty object each, called ``<ordinal>-<hash>``."""
    return f"{log_folder(log_id)}checkpoints/"


def checkpoint_name(log_id: str, checkpoint: Checkpoint) -> str:
    """Return the name of the object that says the checkpoint."""
    return f"{checkpoint_folder(log_id)}{checkpoint.ordinal:012}-{checkpoint.hash.hex()}"


def read_checkpoints(names: Iterable[str]) -> tuple[Checkpoint, ...]:
    """Return the checkpoints that objects called so say, in order; other names are passed over."""
    found = (_CHECKPOINT.search(name) for name in names)
    return tuple(sorted(Checkpoint(int(one[1]), bytes.fromhex(one[2])) for one in found if one))


def make_schema(of: SealedRange) -> pa.Schema:
    """Return the schema of a file, which holds the seal in its metadata."""
    import pyarrow as pa  # lazy: startup

    types = (pa.string(), pa.int64(), pa.timestamp("us", tz="UTC"), *[pa.string()] * 4, *[pa.binary(32)] * 2)
    fields = [pa.field(name, kind, nullable=name == "request_id") for name, kind in zip(_NAMES, types, strict=True)]
    told = {
        "format": FORMAT,
        "log": of.log_id,
        "run": of.run_id,
        "first_seq": str(of.first_seq),
        "last_seq": str(of.last_seq),
        "date": of.date,
        "seal_ordinal": str(of.seal.seq),
        "seal_body": of.seal.body,
        "seal_previous": of.seal.previous.hex(),
        "seal_hash": of.seal.hash.hex(),
    }
    return pa.schema(fields, metadata={_PREFIX + key: value for key, value in told.items()})


def read_range(metadata: Mapping[bytes, bytes] | None) -> SealedRange:
    """Return what a file says that it is of.

    Raises:
        ValueError: it is no file of an audit log, or of another format.
    """
    prefix = _PREFIX.encode()
    told = {key.removeprefix(prefix).decode(): value.decode() for key, value in (metadata or {}).items()}
    if told.get("format") != FORMAT:
        raise ValueError("it is no file of an audit log in the format that this version reads")
    try:
        seal = StoredEvent(
            seq=int(told["seal_ordinal"]),
            body=told["seal_body"],
            previous=bytes.fromhex(told["seal_previous"]),
            hash=bytes.fromhex(told["seal_hash"]),
        )
        return SealedRange(
            log_id=told["log"],
            run_id=told["run"],
            first_seq=int(told["first_seq"]),
            last_seq=int(told["last_seq"]),
            date=told["date"],
            seal=seal,
        )
    except KeyError as error:
        raise ValueError(f"its metadata lack {error}") from error


def iter_entries(batch: pa.RecordBatch) -> Iterator[Entry]:
    """Yield the events of *batch* as found, each with whether its columns say the same as its body."""
    found = (batch.column(name).to_pylist() for name in ("run_id", "seq", "body", "previous", "hash"))
    return map(Entry, *found, _compare(batch).to_pylist())


def _compare(batch: pa.RecordBatch) -> pa.BooleanArray:
    """Return for each event whether its columns make its body, in the way that the database writes one."""
    import pyarrow as pa  # lazy: startup
    import pyarrow.compute as pc

    at = pc.strftime(batch.column("at").cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%SZ")
    request_id = pc.binary_join_element_wise('"', batch.column("request_id"), '"', "")
    parts = (
        '{"run_id": "', batch.column("run_id"), '", "request_id": ', pc.fill_null(request_id, "null"),
        ', "at": "', at, '", "seq": ', batch.column("seq").cast(pa.string()),
        ', "kind": "', batch.column("kind"), '", "detail": ', batch.column("detail"), "}",
    )  # fmt: skip
    return pc.equal(pc.binary_join_element_wise(*parts, ""), batch.column("body"))

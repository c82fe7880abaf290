"""A table's rows between the CSV of COPY and Parquet, exact in both directions.

The CSV is that of ``COPY ... TO`` with ``FORMAT csv``: NULL is nothing at all, an empty text is a pair of quotes. Every
function here blocks: call it in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pytest_atdm.core.errors import InternalError, SchemaMismatch
from seeder.baselines.manifest import ROW_HASH, StoredColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from seeder.baselines.masking import TableMasks

#: By Postgres type; all others are text.
_ARROW_TYPES: Final = {"smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "boolean": pa.bool_()}
_TYPE_KEY: Final = b"pg_type"
#: Rows of a row group, which is what a reader has in memory at once; a block of CSV begins a new one too.
_GROUP_ROWS: Final = 65_536
_BATCH_ROWS: Final = 16_384
_HASH_MODULUS: Final = 1 << 64

# Arrow's own pool keeps for each thread what that once needed: of a large table some 60 MB more, for no less time.
pa.set_memory_pool(pa.system_memory_pool())


def build_schema(columns: Sequence[StoredColumn]) -> pa.Schema:
    """Return the Arrow schema of the file of a table with *columns*; the hash of the row comes last.

    Raises:
        SchemaMismatch: a column has the name that the hash has.
    """
    if any(column.name == ROW_HASH for column in columns):
        raise SchemaMismatch(
            f'a column is called "{ROW_HASH}", as that with the hashes of the rows in a baseline',
            hint="rename the column",
        )
    fields = [pa.field(one.name, _arrow_type(one), metadata={_TYPE_KEY: one.type.encode()}) for one in columns]
    return pa.schema([*fields, pa.field(ROW_HASH, pa.int64())])


def _arrow_type(column: StoredColumn) -> pa.DataType:
    return _ARROW_TYPES.get(column.type, pa.utf8())


class TableWriter:
    """Writes the file of one table, which has *columns*.

    *rows* and *hash_sum* (64 bit, of the rows' hashes) tell what is in it so far.
    """

    def __init__(self, path: Path, columns: Sequence[StoredColumn], masks: TableMasks | None = None) -> None:
        """Begin the file; its rows are masked by *masks*.

        Raises:
            SchemaMismatch: as ``build_schema``.
        """
        self.rows = 0
        self.hash_sum = 0
        self.columns = tuple(columns)
        self._schema = build_schema(columns)
        self._masks = masks
        # The hash is the first field of the CSV: no line is empty, and none begins with what looks like a byte order
        # mark. Names count for nothing there, so that any will do.
        self._fields = [self._schema.field(len(columns)), *(self._schema.field(place) for place in range(len(columns)))]
        self._names = [str(place) for place in range(len(self._fields))]
        self._conversion = _convert_options(self._names, self._fields)
        # Dictionaries and statistics take time, and here no space less: zstd finds what repeats.
        self._file = pq.ParquetWriter(
            path, self._schema, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def add(self, csv: bytes | bytearray) -> None:
        """Write whole rows: of each its hash, then its columns.

        The hash of a row that is masked here is that of the columns that are not, and does not get into the file.

        Raises:
            InternalError: these are no such rows.
            CatalogError, SettingError: as ``TableMasks.mask``.
        """
        found = self._parse(csv)
        hashes, *cells = found.columns
        rows = pa.Table.from_arrays([*cells, hashes], schema=self._schema)
        if self._masks is None:
            added = pc.sum(hashes).as_py()
        else:
            rows = self._masks.mask(rows)
            added = self._masks.sum_hashes(rows, hashes)
            rows = rows.set_column(len(cells), self._schema.field(len(cells)), pa.nulls(rows.num_rows, hashes.type))
        self._file.write_table(rows, row_group_size=_GROUP_ROWS)
        self.rows += found.num_rows
        self.hash_sum = (self.hash_sum + added) % _HASH_MODULUS
        pa.default_memory_pool().release_unused()  # the next block may be another thread's

    def _parse(self, csv: bytes | bytearray) -> pa.Table:
        try:
            return pa_csv.read_csv(
                pa.py_buffer(csv),
                read_options=pa_csv.ReadOptions(column_names=self._names, block_size=len(csv) + 1, use_threads=False),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                convert_options=self._conversion,
            )
        except pa.ArrowInvalid as error:
            raise InternalError(f"rows of Postgres cannot be read: {error}", hint="please report this") from error


def _convert_options(names: Sequence[str], fields: Sequence[pa.Field]) -> pa_csv.ConvertOptions:
    return pa_csv.ConvertOptions(
        column_types={name: field.type for name, field in zip(names, fields, strict=True)},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
    )


def read_columns(path: Path) -> tuple[int, tuple[StoredColumn, ...]]:
    """Return the number of rows of the file, and its columns without the hash.

    Raises:
        ValueError: it is no file of a baseline.
    """
    with pq.ParquetFile(path) as file:
        *fields, last = file.schema_arrow
        if last.name != ROW_HASH or any(_TYPE_KEY not in (field.metadata or {}) for field in fields):
            raise ValueError("its columns are not those of a baseline")
        columns = tuple(StoredColumn(name=one.name, type=one.metadata[_TYPE_KEY].decode()) for one in fields)
        return file.metadata.num_rows, columns


def read_hashes(path: Path, column: str | None = None) -> tuple[pa.Int64Array, pa.Int64Array | None]:
    """Return the hash of each row of the file, in its order, and its value of *column*, which is of integers.

    Hashes are null where the values were masked.
    """
    with pq.ParquetFile(path) as file:
        # A dot in a name says to Arrow that something is nested: "atdm row hash.x" comes along.
        table = file.read(columns=[ROW_HASH] if column is None else [column, ROW_HASH])
        hashes = _join(table.column(table.num_columns - 1))
        return hashes, None if column is None else _join(table.column(column).cast(pa.int64()))


def _join(column: pa.ChunkedArray) -> pa.Int64Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.int64())


def iter_csv(path: Path, mask: pa.BooleanArray | None = None) -> Iterator[bytes]:
    """Yield the file's rows as CSV for ``COPY ... FROM STDIN (FORMAT csv)``, without their hashes, in their order.

    *mask* has a truth value for each row of the file, as ``read_hashes`` has a hash: only those where it is true are
    yielded. Each piece consists of whole rows. Booleans are ``true`` and ``false``.
    """
    done = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if mask is None or mask.slice(done, rows).true_count:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
                    chosen = batch if mask is None else batch.filter(mask.slice(done, batch.num_rows))
                    done += batch.num_rows
                    if chosen.num_rows:
                        yield _render(chosen)
            else:
                done += rows
            pa.default_memory_pool().release_unused()  # what one thread has freed another does not use


def _render(batch: pa.RecordBatch) -> bytes:
    cells = batch.columns[:-1]
    if not cells:
        return b"\n" * int(batch.num_rows)
    named = pa.RecordBatch.from_arrays(cells, names=[str(place) for place in range(len(cells))])
    sink = pa.BufferOutputStream()
    # "needed" puts every text into quotes, and nothing else.
    pa_csv.write_csv(named, sink, pa_csv.WriteOptions(include_header=False, quoting_style="needed"))
    rendered: bytes = sink.getvalue().to_pybytes()
    return rendered

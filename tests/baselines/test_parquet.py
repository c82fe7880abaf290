"""Rows between CSV and Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.errors import InternalError, SchemaMismatch
from seeder.baselines.manifest import ROW_HASH, StoredColumn
from seeder.baselines.parquet import TableWriter, iter_csv, read_columns, read_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Row = tuple[str | int | bool | None, ...]

TEXT = StoredColumn(name="text", type="text")


def copy_csv(rows: Sequence[Row]) -> bytes:
    """The rows as COPY writes them: text in quotes only where there must be some."""
    return "".join(",".join(map(_copy_cell, row)) + "\n" for row in rows).encode()


def _copy_cell(cell: str | int | bool | None) -> str:  # noqa: FBT001 - a cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "t" if cell else "f"
    text = str(cell)
    if text and text != "\\." and not set(text) & set(',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def read_csv(content: bytes) -> list[list[tuple[bool, str]]]:
    """The cells of the CSV, each with whether it was in quotes; read one character after the other."""
    rows: list[list[tuple[bool, str]]] = []
    row: list[tuple[bool, str]] = []
    text, quoted, inside = "", False, False
    for sign in content.decode():
        if sign == '"':
            # A second one right after the end of a quoted part stands for itself.
            text += '"' if quoted and not inside else ""
            quoted, inside = True, not inside
        elif inside or sign not in ",\n":
            text += sign
        else:
            row.append((quoted, text))
            text, quoted = "", False
            if sign == "\n":
                rows.append(row)
                row = []
    return rows


def write(path: Path, columns: Sequence[StoredColumn], *blocks: Sequence[Row]) -> TableWriter:
    """A file with the blocks of rows, each with a hash before its cells."""
    with TableWriter(path, columns) as writer:
        for block in blocks:
            writer.add(copy_csv(block))
    return writer


cells = st.one_of(
    st.none(),
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    st.sampled_from(["", "\\.", "\ufeff", '"', "\r"]),
)
tables = st.integers(0, 4).flatmap(
    lambda width: st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.one_of(st.none(), st.booleans()),
            st.one_of(st.none(), st.integers(-(2**15), 2**15 - 1)),
            *[cells] * width,
        ),
        max_size=20,
    )
)


@given(rows=tables, mask=st.data())
def test_csv_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], mask: st.DataObject
) -> None:
    """Whatever text, NULL, number or truth is written comes back, as far as the mask says so, and in its order."""
    path = tmp_path_factory.mktemp("property") / "1.parquet"
    texts = [StoredColumn(name=f'{place}."\u00e4', type="citext") for place in range(len(rows[0]) - 3 if rows else 2)]
    columns = [StoredColumn(name="b", type="boolean"), StoredColumn(name="i", type="smallint"), *texts]
    chosen = mask.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))

    writer = write(path, columns, *([row] for row in rows))

    assert (len(rows), tuple(columns)) == read_columns(path)
    assert [row[0] for row in rows] == read_hashes(path)[0].to_pylist()
    assert (len(rows), sum(int(row[0] or 0) for row in rows) % 2**64) == (writer.rows, writer.hash_sum)
    back = b"".join(iter_csv(path, pa.array(chosen, pa.bool_())))
    assert [_expected(row[1:]) for row, take in zip(rows, chosen, strict=True) if take] == read_csv(back)


def _expected(row: Row) -> list[tuple[bool, str]]:
    words = {None: "", True: "true", False: "false"}
    truth, number, *texts = row
    return [(False, words[truth]), (False, "" if number is None else str(number))] + [  # type: ignore[index]
        (text is not None, str(text or "")) for text in texts
    ]


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    """A table without rows is a file with columns and their types."""
    path = tmp_path / "1.parquet"

    write(path, [TEXT])

    assert (0, (TEXT,)) == read_columns(path)
    assert [] == read_hashes(path)[0].to_pylist()
    assert [] == list(iter_csv(path))


def test_rows_without_columns_are_counted(tmp_path: Path) -> None:
    """A table without columns may have rows, and COPY reads an empty line for each."""
    path = tmp_path / "1.parquet"

    write(path, [], [(5,), (5,)], [(5,)])

    assert (3, ()) == read_columns(path)
    assert b"\n\n\n" == b"".join(iter_csv(path))


def test_a_null_alone_is_an_empty_line(tmp_path: Path) -> None:
    """A single column with NULL differs from one with an empty text."""
    path = tmp_path / "1.parquet"

    write(path, [TEXT], [(1, None), (2, ""), (3, None)])

    assert b'\n""\n\n' == b"".join(iter_csv(path))


def test_a_cell_may_be_tens_of_megabytes(tmp_path: Path) -> None:
    """A very long value comes back whole, with its quotes and its ends of lines."""
    path = tmp_path / "1.parquet"
    long = 'a"\n,\r' * 8_000_000

    write(path, [TEXT, TEXT], [(1, "x", long), (2, None, "y")])

    back = b"".join(iter_csv(path))
    assert copy_csv([("x", long)]).removeprefix(b"x") == back[: -len(b',"y"\n')].removeprefix(b'"x"')


def test_columns_are_called_anything_and_are_many(tmp_path: Path) -> None:
    """Quotes, dots, pictures, and names that begin like that of the hash are names; there may be 1600 of them."""
    path = tmp_path / "1.parquet"
    names = ['a"b', "a.b", "a", "\N{GRINNING FACE}", f"{ROW_HASH}.x", " ", *(f"c{place}" for place in range(1594))]
    columns = [StoredColumn(name=name, type="text") for name in names]

    write(path, columns, [(7, *names)])

    assert (1, tuple(columns)) == read_columns(path)
    assert [7] == read_hashes(path)[0].to_pylist()
    assert [names] == [[text for _, text in row] for row in read_csv(b"".join(iter_csv(path)))]


def test_a_column_called_like_the_hash_is_refused(tmp_path: Path) -> None:
    """Two columns of one name could not be told apart."""
    with pytest.raises(SchemaMismatch) as caught:
        TableWriter(tmp_path / "1.parquet", [StoredColumn(name=ROW_HASH, type="text")])

    assert "rename the column" == caught.value.hint


@pytest.mark.parametrize("csv", [b"1,a,b\n", b"1\n", b"1,\xff\n", b"x,a\n"])
def test_what_is_no_row_of_the_table_is_refused(tmp_path: Path, csv: bytes) -> None:
    """A column too many or too few, bytes that are no text, and a hash that is none are not taken for rows."""
    with TableWriter(tmp_path / "1.parquet", [TEXT]) as writer, pytest.raises(InternalError) as caught:
        writer.add(csv)

    assert "please report this" == caught.value.hint


def test_a_foreign_file_has_no_columns_of_a_baseline(tmp_path: Path) -> None:
    """A Parquet file of somebody else is told from one of a baseline."""
    pq.write_table(pa.table({"a": [1]}), tmp_path / "1.parquet")

    with pytest.raises(ValueError, match="not those of a baseline"):
        read_columns(tmp_path / "1.parquet")

"""Batches as Arrow IPC streams: what goes over the wire."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.errors import InvalidRequest
from pytest_atdm.core.volume.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from pytest_atdm.core.model import Cell, Volume

_KIND: Final = b"kind"
_VALUE: Final = b"value"
_JSON: Final = b"json"  # cells of several types, arrays and objects, each as its JSON
_KEY: Final = b"key"
#: A column with fewer different entries than this part of its rows is sent as a dictionary.
_REPEATS: Final = 4
_WHOLE: Final = range(-(2**63), 2**63)


def encode(batch: Batch) -> bytes:
    """Return *batch* as one Arrow IPC stream of one record batch."""
    import pyarrow as pa  # lazy: startup

    columns = [_encode_cells(pa, name, cells) for name, cells in batch.values.items()]
    columns += [_encode_texts(pa, name, pointers, _KEY) for name, pointers in batch.keys.items()]
    facts = {"entity": batch.volume.entity, "start": str(batch.start), "rows": str(batch.size)}
    schema = pa.schema([field for field, _ in columns], metadata=facts)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.record_batch([array for _, array in columns], schema=schema))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _encode_cells(pa: Any, name: str, cells: Sequence[Cell]) -> tuple[pa.Field, pa.Array]:
    types = {type(cell) for cell in cells} - {type(None)}
    if types <= {str}:
        return _encode_texts(pa, name, cells, _VALUE)
    if types == {int} and all(cell is None or cell in _WHOLE for cell in cells):
        return _name(pa, name, pa.array(cells, pa.int64()), _VALUE)
    if types == {float}:
        return _name(pa, name, pa.array(cells, pa.float64()), _VALUE)
    if types == {bool}:
        return _name(pa, name, pa.array(cells, pa.bool_()), _VALUE)
    return _encode_texts(pa, name, [None if cell is None else json.dumps(cell) for cell in cells], _JSON)


def _encode_texts(pa: Any, name: str, texts: Sequence[Cell], kind: bytes) -> tuple[pa.Field, pa.Array]:
    array = pa.array(texts, pa.string())
    repeats = len(set(texts)) * _REPEATS <= len(texts)
    return _name(pa, name, array.dictionary_encode() if repeats else array, kind)


def _name(pa: Any, name: str, array: pa.Array, kind: bytes) -> tuple[pa.Field, pa.Array]:
    return pa.field(name, array.type, metadata={_KIND: kind}), array


def decode(data: bytes, volumes: Mapping[str, Volume]) -> Batch:
    """Return the batch in *data*, which belongs to one of *volumes*, by entity.

    Raises:
        InvalidRequest: the bytes are no such stream, or of another entity.
    """
    import pyarrow as pa  # lazy: startup

    try:
        with pa.ipc.open_stream(data) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
        facts = {key.decode(): value.decode() for key, value in (batch.schema.metadata or {}).items()}
        columns = {kind: _decode_columns(pa, batch, kind) for kind in (_VALUE, _JSON, _KEY)}
        start, size = int(facts["start"]), int(facts["rows"])
        volume = volumes[facts["entity"]]
    except (pa.ArrowException, StopIteration, ValueError, KeyError) as exc:
        raise InvalidRequest(
            f"a batch of rows cannot be read: {type(exc).__name__}: {str(exc)[:200]}",
            hint="send what core.volume.encode makes of the plan's own volumes",
        ) from exc
    if batch.num_rows != size and batch.num_columns:
        raise InvalidRequest(
            f"a batch says {size} rows and has {batch.num_rows}", hint="send what core.volume.encode makes"
        )
    values = {**columns[_VALUE], **{name: list(map(_parse, texts)) for name, texts in columns[_JSON].items()}}
    return Batch(volume=volume, start=start, size=size, values=values, keys=columns[_KEY])


def _decode_columns(pa: Any, batch: pa.RecordBatch, kind: bytes) -> dict[str, list[Any]]:
    found = {}
    for field, array in zip(batch.schema, batch.columns, strict=True):
        if (field.metadata or {}).get(_KIND) == kind:
            plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
            found[field.name] = plain.to_pylist()
    return found


def _parse(text: str | None) -> Cell:
    return None if text is None else json.loads(text)

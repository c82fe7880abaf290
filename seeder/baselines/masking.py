"""Rows on their way into a baseline, with made-up values in the columns that the catalog names."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pytest_atdm.core.errors import CatalogError, InternalError
from pytest_atdm.core.masks import find_checks, find_refused, resolve_masks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Catalog
    from pytest_atdm.core.masks import ColumnMask, Installed, Masks
    from pytest_atdm.core.rulebook import Condition
    from pytest_atdm.core.schema import Schema
    from seeder.db.snapshot import SourceTable

_KEY_BYTES: Final = 32
_HASH_BYTES: Final = 8
#: Values of one column that are known with what stands for them: most columns have fewer, and each is asked for once.
_KNOWN_VALUES: Final = 100_000
#: Rows of a table that are tried with its CHECKs.
_TRIED_ROWS: Final = 10_000


class Masking:
    """The masks of one baseline; *applied* has the strategy by ``schema.table.column`` of those that it needed so far.

    Equal values of a family of columns get equal ones, as long as the *key* is the same; None is one that nobody keeps.
    """

    def __init__(self, catalog: Catalog, installed: Installed, key: str | None) -> None:
        self._catalog = catalog
        self._installed = installed
        self._key = key.encode() if key is not None else secrets.token_bytes(_KEY_BYTES)
        self._schema: Schema | None = None
        self._masks: Masks = {}
        self.applied: dict[str, str] = {}

    def begin(self, schema: Schema) -> None:
        """Find the masks of the tables in *schema*.

        Raises:
            SchemaMismatch, CatalogError, SettingError: as ``resolve_masks``.
        """
        self._masks = resolve_masks(self._catalog, schema, self._installed)
        self._schema = schema

    def of_table(self, table: SourceTable) -> TableMasks | None:
        """Return what masks the rows of the table, None where nothing does; a partition has the masks of its root."""
        found = {name: self._masks[table.root, name] for name, _ in table.columns if (table.root, name) in self._masks}
        if not found:
            return None
        if self._schema is None:
            raise InternalError("masks are asked for before they are found", hint="please report this")
        self.applied |= {f"{table.root}.{name}": mask.strategy for name, mask in found.items()}
        apply = {name: self._bind(mask) for name, mask in found.items()}
        return TableMasks(table, self._schema, found, apply)

    def _bind(self, mask: ColumnMask) -> Callable[[str], str | None]:
        key = hmac.digest(self._key, mask.family.encode(), hashlib.sha256)
        return lru_cache(maxsize=_KNOWN_VALUES)(partial(_apply, mask, key))


def _apply(mask: ColumnMask, key: bytes, value: str) -> str | None:
    return mask.apply(value, key)


class TableMasks:
    """What masks the rows of one table, block by block; *columns* are those that it masks. It blocks: use a thread."""

    def __init__(
        self,
        table: SourceTable,
        schema: Schema,
        masks: Mapping[str, ColumnMask],
        apply: Mapping[str, Callable[[str], str | None]],
    ) -> None:
        self.columns = frozenset(masks)
        self._table = table
        self._schema = schema
        self._masks = masks
        self._apply = apply
        self._is_tried = False

    def mask(self, rows: pa.Table) -> pa.Table:
        """Return *rows* with masked values.

        Raises:
            CatalogError: a CHECK refuses a masked row, or a generator has no value.
            SettingError: a strategy of a package does not do what it should.
        """
        for place, name in enumerate(rows.column_names):
            if name in self._apply:
                rows = rows.set_column(place, rows.schema.field(place), self._mask_column(rows.column(place), name))
        if not self._is_tried:
            self._is_tried = True
            self._try_checks(rows.slice(0, _TRIED_ROWS))
        return rows

    def sum_hashes(self, rows: pa.Table, others: pa.ChunkedArray) -> int:
        """Return the sum of the hashes of masked rows, of 64 bits each; *others* hashes what is not masked of each."""
        texts = (_texts_of(rows.column(place)) for place in self._places(rows))
        hashed = (
            hashlib.blake2b(repr(row).encode(), digest_size=_HASH_BYTES)
            for row in zip(others.to_pylist(), *texts, strict=True)
        )
        return sum(int.from_bytes(one.digest(), "big") for one in hashed)

    def _places(self, rows: pa.Table) -> Iterator[int]:
        return (place for place, name in enumerate(rows.column_names) if name in self.columns)

    def _mask_column(self, values: pa.ChunkedArray, name: str) -> pa.Array:
        known = values.combine_chunks().dictionary_encode()
        apply = self._apply[name]
        texts = [apply(text) for text in known.dictionary.cast(pa.utf8()).to_pylist()]
        return pa.array(texts, pa.utf8()).cast(values.type).take(known.indices)

    def _try_checks(self, rows: pa.Table) -> None:
        checks = find_checks(self._schema, self._table.root, self.columns)
        read = frozenset(name for check in checks for name in check.columns)
        places = [place for place, name in enumerate(rows.column_names) if name in read]
        if not places:
            return
        names = [rows.column_names[place] for place in places]
        distinct = set(zip(*(_texts_of(rows.column(place)) for place in places), strict=True))
        found = (dict(zip(names, row, strict=True)) for row in distinct)
        refused = find_refused(checks, found, self._schema.tables[self._table.root], self._schema)
        if refused is not None:
            raise self._refusal(refused)

    def _refusal(self, check: Condition) -> CatalogError:
        blamed = [self._masks[name] for name in sorted(self.columns & check.columns)]
        what = ", ".join(f"{mask.strategy} ({mask.source})" for mask in blamed)
        return CatalogError(
            f"{blamed[0].source}: {check.source} refuses a row of {self._table.id} masked by {what}: {check.text}",
            hint="use generator, whose values keep the conditions on their column, or a strategy of your own",
        )


def _texts_of(values: pa.Array | pa.ChunkedArray) -> Sequence[str | None]:
    texts: list[str | None] = values.cast(pa.utf8()).to_pylist()
    return texts

"""Which table a reference goes to that hangs on a discriminator, before there are values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_atdm.core.catalog import Literal
from pytest_atdm.core.errors import CatalogError
from pytest_atdm.core.types import to_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_atdm.core.catalog import Formula
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.schema import Table
    from pytest_atdm.core.virtual_keys import PolymorphicReference, VirtualKey


class Discriminators:
    """What the columns *given* of a row of *table* (an id) say, and *linked*, the names of the keys that are named.

    *evaluate* gives the value of a formula of parameters.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        table: str,
        given: dict[str, Literal | Formula],
        linked: Collection[str],
        evaluate: Callable[[Formula], object],
    ) -> None:
        self._rulebook = rulebook
        self._table = rulebook.schema.tables[table]
        self._given = given
        self._linked = linked
        self._evaluate = evaluate

    def choose(self) -> Table:
        """Return the table with the keys that are meant; their discriminators join what is given.

        That of the given discriminator, else that to the linked row, else the first, where there must be one.

        Raises:
            CatalogError: the discriminator says otherwise than the link.
        """
        keys = []
        for pair in self._rulebook.polymorphic.get(self._table.id, ()):
            key = self._choose_key(pair)
            if key is not None:
                keys.append(key)
                self._given.setdefault(pair.by, Literal(key.value, key.source))
        return self._rulebook.shape_with(self._table.id, keys)

    def _choose_key(self, pair: PolymorphicReference) -> VirtualKey | None:
        linked = next((key for key in pair.keys if key.name in self._linked), None)
        if pair.by in self._given:
            return self._told_key(pair, self._given[pair.by], linked)
        if linked is not None:
            return linked
        value = self._given.get(pair.column)
        is_null = isinstance(value, Literal) and value.value is None
        is_needed = value is not None or not self._table.column_by_name[pair.column].nullable
        return pair.keys[0] if is_needed and not is_null else None

    def _told_key(
        self, pair: PolymorphicReference, given: Literal | Formula, linked: VirtualKey | None
    ) -> VirtualKey | None:
        value = given.value if isinstance(given, Literal) else self._evaluate(given)
        try:
            found = pair.find(to_cell(self._table.column_by_name[pair.by].type, value, self._rulebook.schema))
        except ValueError:
            found = None  # the filling says that it is no value of the type
        if linked is not None and found is not linked:
            raise CatalogError(
                f'{given.source}: "{pair.by}" is {value!r}, and the row refers to one of {linked.parent}',
                hint=f"leave {pair.by} out, or make it {linked.value!r}",
            )
        return found

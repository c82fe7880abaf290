"""What a test sees of its rows: typed, immutable, by attribute or by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, overload

from pytest_atdm.core.text import suggest

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_atdm.emit.bundle import FixtureBundle

__all__ = ("AliasedData", "AtdmData", "AtdmRun", "Facts", "Row", "VolumeRows")


class Row(Mapping[str, Any]):
    """One row as the database holds it: ``row.status``, ``row["status"]``, ``dict(row)``; columns in table order.

    Values are Python's own (``date``, ``Decimal``, ``UUID``). A column named like a method of a mapping (``items``) is
    reached by item. Equal to every mapping with the same content.
    """

    __slots__ = ("_entity", "_values")

    def __init__(self, entity: str, values: Mapping[str, object]) -> None:
        object.__setattr__(self, "_entity", entity)
        object.__setattr__(self, "_values", dict(values))

    def __getitem__(self, column: str) -> Any:
        if column not in self._values:
            raise KeyError(_explain(f"{self._entity} has", column, self._values, "column"))
        return self._values[column]

    def __getattr__(self, column: str) -> Any:
        if column.startswith("__") or column not in self._values:
            raise AttributeError(_explain(f"{self._entity} has", column, self._values, "column"))
        return self._values[column]

    def __setattr__(self, column: str, value: object) -> NoReturn:
        raise _read_only(f"{self._entity}.{column}")

    def __delattr__(self, column: str) -> NoReturn:
        raise _read_only(f"{self._entity}.{column}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._values})

    def __repr__(self) -> str:
        return f"{self._entity}({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


class VolumeRows(Sequence[Row]):
    """The rows of a volume: so many as its count says, of which the first are here and the rest in the database only.

    ``len(rows)`` counts all, ``rows.listed`` are those that are here, by index too; iterating beyond them is an error.
    """

    __slots__ = ("_count", "_entity", "listed")

    def __init__(self, entity: str, listed: tuple[Row, ...], count: int) -> None:
        self._entity = entity
        self._count = count
        self.listed = listed

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        wanted = range(self._count)[index]
        if isinstance(wanted, range):
            return tuple(self._find(one) for one in wanted)
        return self._find(wanted)

    def _find(self, index: int) -> Row:
        if index >= len(self.listed):
            raise LookupError(
                f"row {index} of {self._entity} stands in the database only: of the {self._count} rows of this volume "
                f"the first {len(self.listed)} are here; see {self._entity}.listed"
            )
        return self.listed[index]

    def __repr__(self) -> str:
        return f"<{self._count} rows of {self._entity}, the first {self.listed[0]!r}>"


Rows: TypeAlias = "Row | tuple[Row, ...] | VolumeRows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Where rows come from. *expects* is what the application should do; *fixtures* maps emitter to written file."""

    scenario: str
    expects: str
    requirements: tuple[str, ...]
    request_id: str
    run_id: str
    as_of: datetime.date
    audit_url: str
    fixtures: Mapping[str, Path] = field(default_factory=dict)


class AtdmData:
    """The rows of one request by entity: ``data.order.status``, ``data["order"]["status"]``.

    An entity with a count is a tuple of rows, with a count above 1,000 ``VolumeRows``. An entity named ``rows``,
    ``request``, ``facts`` or ``asking`` is reached by item.
    """

    __slots__ = ("_entities", "_facts", "_request")

    def __init__(self, bundle: FixtureBundle, facts: Facts, request: Callable[..., AtdmData]) -> None:
        entities: dict[str, Rows] = {}
        for name, entity in bundle.entities.items():
            rows = tuple(Row(name, values) for values in entity.rows)
            listed = rows if entity.many else rows[0]
            entities[name] = VolumeRows(name, rows, len(rows) + entity.more) if entity.more else listed
        object.__setattr__(self, "_entities", entities)
        object.__setattr__(self, "_facts", facts)
        object.__setattr__(self, "_request", request)

    @property
    def facts(self) -> Facts:
        """Scenario, request id, run id, as_of, expectation, audit URL, fixture files."""
        return self._facts  # type: ignore[no-any-return]  # slots are typed by __getattr__

    def rows(self, entity: str) -> tuple[Row, ...]:
        """Return the rows of *entity* as a tuple, also where it has only one; of a volume those that are here.

        Raises:
            KeyError: there is no such entity; names the nearest.
        """
        found = self[entity]
        if isinstance(found, VolumeRows):
            return found.listed
        return found if isinstance(found, tuple) else (found,)

    def request(self, name: str, /, **overrides: object) -> AtdmData:
        """Seed the scenario *name* now; its rows go when those of the test go.

        Raises:
            UnknownScenario, OverrideError, PlanRejected: as for the mark, but now.
        """
        return self._request(name, **overrides)  # type: ignore[no-any-return]

    def asking(self, request: Callable[..., AtdmData]) -> AtdmData:
        """Return the same rows for another test, whose ``request`` is *request*."""
        other = object.__new__(AtdmData)
        for name, value in (("_entities", self._entities), ("_facts", self._facts), ("_request", request)):
            object.__setattr__(other, name, value)
        return other

    def __getitem__(self, entity: str) -> Any:
        if entity not in self._entities:
            raise KeyError(self._explain(entity))
        return self._entities[entity]

    def __getattr__(self, entity: str) -> Any:
        if entity.startswith("__") or entity not in self._entities:
            raise AttributeError(self._explain(entity))
        return self._entities[entity]

    def __setattr__(self, entity: str, value: object) -> NoReturn:
        raise _read_only(f"atdm_data.{entity}")

    def __delattr__(self, entity: str) -> NoReturn:
        raise _read_only(f"atdm_data.{entity}")

    def __contains__(self, entity: object) -> bool:
        return entity in self._entities

    def __iter__(self) -> Iterator[str]:
        return iter(self._entities)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._entities})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AtdmData) and bool(self._entities == other._entities)

    __hash__ = None  # type: ignore[assignment]  # rows may hold JSON, which has no hash

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={rows!r}" for name, rows in self._entities.items())
        return f"<{self._facts.scenario}: {shown}>"

    def _explain(self, entity: str) -> str:
        return _explain(f"the scenario {self._facts.scenario} has", entity, self._entities, "entity")


class AliasedData(Mapping[str, AtdmData]):
    """The rows of several scenarios that stand together, by what their marks call them: ``data.first.order.status``.

    A mark called like a method of a mapping (``items``) is reached by item.
    """

    __slots__ = ("_by_alias", "_request")

    def __init__(self, by_alias: Mapping[str, AtdmData], request: Callable[..., AtdmData]) -> None:
        self._by_alias = dict(by_alias)
        self._request = request

    def request(self, name: str, /, **overrides: object) -> AtdmData:
        """Seed the scenario *name* now; its rows go when those of the test go.

        Raises:
            UnknownScenario, OverrideError, PlanRejected: as for the mark, but now.
        """
        return self._request(name, **overrides)

    def __getitem__(self, alias: str) -> AtdmData:
        if alias not in self._by_alias:
            raise KeyError(_explain("atdm_data has", alias, self._by_alias, "mark"))
        return self._by_alias[alias]

    def __getattr__(self, alias: str) -> AtdmData:
        if alias.startswith("_") or alias not in self._by_alias:
            raise AttributeError(_explain("atdm_data has", alias, self._by_alias, "mark"))
        return self._by_alias[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_alias)

    def __len__(self) -> int:
        return len(self._by_alias)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._by_alias})

    def __repr__(self) -> str:
        return f"<{', '.join(f'{alias}={data!r}' for alias, data in self._by_alias.items())}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtdmRun:
    """The run that a test belongs to. *audit_url* opens its page; *seeder_url* is the seeder's address."""

    run_id: str
    session_id: str
    seed: int
    as_of: datetime.date
    audit_url: str
    seeder_url: str


def _explain(owner: str, name: str, known: Mapping[str, object], kind: str) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    return f'{owner} no {kind} "{name}"; {suggest(name, known, kind) or f"there is not {article} {kind}"}'


def _read_only(name: str) -> AttributeError:
    return AttributeError(f"{name} cannot be set: it shows what stands in the database; ask for it by an override")

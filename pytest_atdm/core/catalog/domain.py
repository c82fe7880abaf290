"""A domain: its rules, reference rows and requirements, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_atdm.core.catalog.files import DomainFile, ReferenceFile, RequirementFile, parse_file
from pytest_atdm.core.catalog.generators import read_generators
from pytest_atdm.core.catalog.masks import read_masks
from pytest_atdm.core.catalog.references import read_references
from pytest_atdm.core.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_atdm.core.catalog.files import UseKind
    from pytest_atdm.core.catalog.generators import Generator, Mimesis
    from pytest_atdm.core.catalog.masks import Mask
    from pytest_atdm.core.catalog.references import VirtualReference
    from pytest_atdm.core.catalog.yaml_reader import Document
    from pytest_atdm.core.model import Cell

RuleKind = Literal["temporal", "synthetic", "values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A boolean expression over one row of *table* (an unqualified name or an id)."""

    id: str
    kind: RuleKind
    table: str
    expression: str
    fix: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTable:
    """Rows that every database of the domain has; ``key`` names the columns that identify one."""

    table: str
    key: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]
    source: str

    def find(self, wanted: Mapping[str, object]) -> Mapping[str, Cell] | None:
        """Return the first row whose columns have the values *wanted*, or None."""
        return next((row for row in self.rows if all(row.get(name) == value for name, value in wanted.items())), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUse:
    """What is done with *table* (an unqualified name or an id)."""

    table: str
    kind: UseKind
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What the files of one domain say beside its scenarios.

    ``requirements`` maps id to title; None where the domain has no list of them.
    """

    name: str
    title: str = ""
    rules: tuple[Rule, ...] = ()
    reference: tuple[ReferenceTable, ...] = ()
    requirements: Mapping[str, str] | None = None
    columns: tuple[Generator, ...] = ()
    tables: tuple[TableUse, ...] = ()
    references: tuple[VirtualReference, ...] = ()
    masks: tuple[Mask, ...] = ()


def read_domain(
    document: Document,
    *,
    name: str,
    reference: tuple[ReferenceTable, ...],
    requirements: Mapping[str, str] | None,
    mimesis: Mimesis | None = None,
) -> Domain:
    """Return the domain *name* with the ``domain.yaml`` *document*; its other files have been read.

    Raises:
        CatalogError: a fault of the file, with file and line.
    """
    file = parse_file(document, DomainFile)
    return Domain(
        name=name,
        title=file.title,
        rules=_read_rules(document, file),
        reference=reference,
        requirements=requirements,
        columns=read_generators(document, file.columns, mimesis),
        tables=tuple(
            TableUse(table=table, kind=kind, source=document.source(("tables", table)))
            for table, kind in file.tables.items()
        ),
        references=read_references(document, file.references),
        masks=read_masks(document, file.masks),
    )


def _read_rules(document: Document, file: DomainFile) -> tuple[Rule, ...]:
    """Return the rules; their ids are unique within the file."""
    rules: dict[str, Rule] = {}
    kinds: tuple[RuleKind, ...] = ("temporal", "synthetic", "values")
    for kind in kinds:
        for index, rule in enumerate(getattr(file.rules, kind)):
            source = document.source(("rules", kind, index))
            if rule.id in rules:
                raise CatalogError(f'{source}: rule "{rule.id}" stands twice', hint="give each rule its own id")
            rules[rule.id] = Rule(
                id=rule.id, kind=kind, table=rule.table, expression=rule.rule, fix=rule.fix, source=source
            )
    return tuple(rules.values())


def read_requirements(document: Document) -> dict[str, str]:
    """Return id to title, in the order of the file."""
    requirements: dict[str, str] = {}
    for index, entry in enumerate(parse_file(document, list[RequirementFile]) if document.value else []):
        if entry.id in requirements:
            source = document.source((index,))
            raise CatalogError(f'{source}: requirement "{entry.id}" stands twice', hint="keep one of them")
        requirements[entry.id] = entry.title
    return requirements


def read_reference(document: Document) -> ReferenceTable:
    """Return the reference rows of one file; every row has the key, no key stands twice."""
    file = parse_file(document, ReferenceFile)
    seen: set[str] = set()
    for index, row in enumerate(file.rows):
        _check_reference_row(row, file.key, seen, document.source(("rows", index)))
    return ReferenceTable(table=file.table, key=tuple(file.key), rows=tuple(file.rows), source=document.source(()))


def _check_reference_row(row: Mapping[str, object], key: Sequence[str], seen: set[str], source: str) -> None:
    missing = [name for name in key if row.get(name) is None]
    if missing:
        raise CatalogError(f"{source}: the row lacks its key ({', '.join(missing)})", hint="give each row its key")
    value = repr([row[name] for name in key])
    if value in seen:
        raise CatalogError(f"{source}: the key {value} stands twice", hint="keep one of the rows")
    seen.add(value)

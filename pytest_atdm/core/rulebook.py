"""Schema and domain as one set of conditions: every CHECK and every rule, parsed and compiled once.

Planner and gate read the same book, so that what the one chooses the other accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pytest_atdm.core.constraints import read_shapes
from pytest_atdm.core.errors import AtdmError, CatalogError
from pytest_atdm.core.expressions import (
    SOME,
    UNDECIDED,
    Expr,
    IsNull,
    Name,
    Not,
    compile_expression,
    conjuncts,
    names,
    parse,
    rename,
    substitute,
)
from pytest_atdm.core.generators import find_generators
from pytest_atdm.core.relations import find_relations
from pytest_atdm.core.schema import Check
from pytest_atdm.core.tables import find_uses
from pytest_atdm.core.values import Drawer
from pytest_atdm.core.virtual_keys import add_virtual_keys, find_virtual_keys, with_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_atdm.core.catalog import Domain, ReferenceTable, Rule
    from pytest_atdm.core.expressions import Evaluator, Parts, Value
    from pytest_atdm.core.model import Cell
    from pytest_atdm.core.planner.pattern import Pattern
    from pytest_atdm.core.schema import Column, ForeignKey, Schema, Table
    from pytest_atdm.core.virtual_keys import VirtualKey

#: Of a table with more partitions, rows go into one of the last.
MAX_PARTITIONS: Final = 16
#: Rows by table id.
Standing: TypeAlias = "Mapping[str, Sequence[Mapping[str, Cell]]]"
NO_ROWS: Final[Standing] = MappingProxyType({})
Validator: TypeAlias = Literal["temporal", "synthetic", "value"]
#: So many are kept; where conditions take in values of other columns, every plan may need new ones.
MAX_DRAWERS: Final = 4096
#: So many plans are kept as patterns, some 30 kB each for a plan of 16 rows.
MAX_PATTERNS: Final = 256


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What must not be false of a row of one table.

    *columns* are the row's own columns that it names; *is_local* says that it names nothing else; *text* is the
    expression as written; *source* is ``constraint <name>`` or catalog file and line.
    """

    id: str
    validator: Validator
    expr: Expr
    evaluate: Evaluator
    columns: frozenset[str]
    is_local: bool
    text: str
    source: str
    fix: str

    def parts_about(self, column: str) -> tuple[Expr, ...]:
        """Return the parts joined by AND that name *column*: each must hold by itself."""
        return self._parts.get(column, ())

    @cached_property
    def _parts(self) -> Mapping[str, tuple[Expr, ...]]:
        parts = [(part, names(part)) for part in conjuncts(self.expr)]
        return {name: tuple(part for part, named in parts if (name,) in named) for name in self.columns}


class Rulebook:
    """A schema, a domain, and the conditions that follow from both.

    *schema* has the domain's references as foreign keys; *fingerprint* is that of the schema as the database has it.

    *generators*: by table id and column, what draws the values of that column. By table id: *uses*, what the domain
    says of whole tables; *polymorphic*, the references that hang on a discriminator; *standing*, rows that stand in the
    database, of tables that are reference data.

    Raises:
        SchemaMismatch: the domain names a table or column that the database lacks.
        CatalogError: a rule is not an expression over a row and the rows that it refers to; a generator does not fit
            its column.
    """

    def __init__(self, schema: Schema, domain: Domain, standing: Standing = NO_ROWS) -> None:
        self.fingerprint = schema.fingerprint
        virtual = find_virtual_keys(schema, domain)
        schema = add_virtual_keys(schema, virtual.steady)
        self.schema = schema
        self.polymorphic = virtual.polymorphic
        self.domain = domain
        self.standing = standing
        self.uses = find_uses(schema, domain)
        self.generators = find_generators(schema, domain)
        self._rules = _rules_by_table(schema, domain)
        self._conditions: dict[str, tuple[Condition, ...]] = {}
        self._predicates: dict[str, Mapping[str, tuple[Evaluator, ...]]] = {}
        self._constants: dict[str, Mapping[str, Value]] = {}
        self._required: dict[str, frozenset[str]] = {}
        self._shapes: dict[tuple[str, ...], Table] = {}
        self._relations: dict[str, Mapping[str, ForeignKey]] = {}
        self._drawers: dict[tuple[object, ...], Drawer] = {}
        self.patterns: dict[tuple[object, ...], Pattern] = {}
        for id in self._rules:  # a rule that does not fit is an error now; the CHECKs of other tables wait for use
            self.conditions(schema.tables[id])

    def conditions(self, table: Table) -> tuple[Condition, ...]:
        """Return what must hold of every row of *table*: its CHECKs, then the domain's rules."""
        if table.id not in self._conditions:
            checks = (_check_condition(check, table) for check in table.checks)
            rules = (self._rule_condition(rule, table) for rule in self._rules.get(table.id, ()))
            bounds = _partition_conditions(table)
            self._conditions[table.id] = (*checks, *_domain_conditions(self.schema, table), *bounds, *rules)
        return self._conditions[table.id]

    def drawer(self, table: Table, column: Column, conditions: Sequence[tuple[Condition, Expr]]) -> Drawer:
        """Return what draws values for *column* under *conditions*, each with what is known of other columns put in."""
        # As text, since a constant may be JSON, which has no hash.
        parts = (condition.id if expr is condition.expr else repr(expr) for condition, expr in conditions)
        key = (table.id, column.name, *parts)
        if key not in self._drawers:
            if len(self._drawers) >= MAX_DRAWERS:
                self._drawers.clear()
            generator = self.generators.get((table.id, column.name))
            self._drawers[key] = Drawer(column, self.schema, [expr for _, expr in conditions], generator)
        return self._drawers[key]

    def remember_pattern(self, key: tuple[object, ...], pattern: Pattern) -> None:
        """Keep the *pattern* of a plan for the planner; beyond ``MAX_PATTERNS`` all are forgotten."""
        if len(self.patterns) >= MAX_PATTERNS:
            self.patterns.clear()
        self.patterns[key] = pattern

    def predicates(self, table: Table) -> Mapping[str, tuple[Evaluator, ...]]:
        """Return, by column, the conditions of partial unique indexes that name that column alone."""
        if table.id not in self._predicates:
            found: dict[str, list[Evaluator]] = {}
            for exclusion in table.exclusions:
                expr = parse(exclusion.predicate or "true", source=exclusion.name)
                if len(named := names(expr)) == 1:
                    found.setdefault(next(iter(named))[0], []).append(compile_expression(expr))
            self._predicates[table.id] = {name: tuple(parts) for name, parts in found.items()}
        return self._predicates[table.id]

    def constants(self, table: Table) -> Mapping[str, Value]:
        """Return the columns of *table* to which its conditions leave one value, and that: known before it is drawn."""
        if table.id not in self._constants:
            parts = [part for one in self.conditions(table) if one.is_local for part in conjuncts(one.expr)]
            self._constants[table.id] = _find_constants(parts, [one.name for one in table.columns if not one.nullable])
        return self._constants[table.id]

    def required(self, table: Table) -> frozenset[str]:
        """Return the columns of *table* that may be NULL, but for a condition that says that they are not."""
        if table.id not in self._required:
            parts = [part for one in self.conditions(table) if one.is_local for part in conjuncts(one.expr)]
            found = (part.arg.arg for part in parts if isinstance(part, Not) and isinstance(part.arg, IsNull))
            self._required[table.id] = frozenset(name.parts[0] for name in found if isinstance(name, Name))
        return self._required[table.id]

    def relations(self, table: Table) -> Mapping[str, ForeignKey]:
        """Return the foreign keys of *table* by every name that a catalog may call them."""
        if table.id not in self._relations:
            self._relations[table.id] = find_relations(self.schema.tables[table.id])
        return self._relations[table.id]

    def find_relation(self, table: Table, name: str, parent: str) -> ForeignKey | None:
        """Return the foreign key of *table* that a scenario calls *name*; of a polymorphic one that to *parent*."""
        for one in self.polymorphic.get(table.id, ()):
            if name in one.names:
                return next((key for key in one.keys if key.parent == parent), None)
        return self.relations(table).get(name)

    def shape(self, table: str, values: Mapping[str, Cell]) -> Table:
        """Return the table with this id as it is for a row of *values*: with the keys that its discriminators tell."""
        choices = self.polymorphic.get(table)
        if choices is None:
            return self.schema.tables[table]
        return self.shape_with(table, [key for one in choices if (key := one.find(values.get(one.by))) is not None])

    def shape_with(self, table: str, keys: Sequence[VirtualKey]) -> Table:
        """Return the table with this id and *keys*; the same one each time."""
        if not keys:
            return self.schema.tables[table]
        names = (table, *(key.name for key in keys))
        if names not in self._shapes:
            self._shapes[names] = with_keys(self.schema.tables[table], keys)
        return self._shapes[names]

    @cached_property
    def reference(self) -> Mapping[str, ReferenceTable]:
        """The domain's reference rows by table id."""
        return {self.schema.table(part.table, where=part.source).id: part for part in self.domain.reference}

    def reference_source(self, table: str, row: Mapping[str, Cell]) -> str:
        """Return where the catalog has the *row* of the table with this id as reference data; empty where nowhere."""
        reference = self.reference.get(table)
        if reference is not None and row in reference.rows:
            return reference.source
        use = self.uses.get(table)
        return use.source if use is not None and use.kind == "reference" else ""

    def reference_cells(self, table: str, column: str) -> Sequence[Cell]:
        """Return what *column* holds in the domain's reference rows of the table with the id *table*."""
        reference = self.reference.get(table)
        return [row.get(column) for row in reference.rows] if reference else ()

    def _rule_condition(self, rule: Rule, table: Table) -> Condition:
        expr = _parse_rule(rule)
        self._check_names(rule, expr, table)
        return Condition(
            id=rule.id,
            validator="value" if rule.kind == "values" else rule.kind,
            expr=expr,
            evaluate=compile_expression(expr),
            columns=_own_columns(expr, table),
            is_local=_is_local(expr, table),
            text=rule.expression,
            source=rule.source,
            fix=rule.fix,
        )

    def _check_names(self, rule: Rule, expr: Expr, table: Table) -> None:
        for parts in names(expr):
            if parts == ("as_of",):
                continue
            holder = table
            if len(parts) == 2 and parts[0] in self.relations(table):
                holder = self.schema.table(self.relations(table)[parts[0]].parent)
            elif len(parts) != 1:
                raise CatalogError(
                    f'{rule.source}: rule "{rule.id}": "{".".join(parts)}" is neither a column nor relation.column',
                    hint=f"relations of {table.id}: {', '.join(sorted(self.relations(table))) or 'none'}",
                )
            holder.column(parts[-1], where=f'{rule.source}: rule "{rule.id}"')


def _find_constants(parts: Sequence[Expr], columns: Collection[str]) -> dict[str, Value]:
    """Return which of *columns* have one value in all rows of which *parts* hold; one may follow from another."""
    found: dict[str, Value] = {}

    def look_up(parts: Parts) -> Value:
        return found.get(parts[0], UNDECIDED)

    for _ in columns:
        alone: dict[str, list[Expr]] = {}
        for expr in (substitute(part, look_up) for part in parts):
            if len(named := names(expr)) == 1:
                alone.setdefault(next(iter(named))[0], []).append(expr)
        new = {name: value for name in columns for value in _only_value(name, alone.get(name, ()))}
        if not new:
            break
        found |= new
    return found


def _only_value(column: str, exprs: Sequence[Expr]) -> tuple[Value, ...]:
    """Return the one value that *exprs* leave to *column*; empty where there are more."""
    shapes = read_shapes(column, exprs)
    if len(shapes) != 1 or shapes[0].fold:
        return ()
    low, high = shapes[0].minimum, shapes[0].maximum
    values = (low.value,) if low and low == high and not low.strict else shapes[0].choices
    return values if values and len(values) == 1 else ()


def _rules_by_table(schema: Schema, domain: Domain) -> dict[str, list[Rule]]:
    rules: dict[str, list[Rule]] = {}
    for rule in domain.rules:
        table = schema.table(rule.table, where=f'{rule.source}: rule "{rule.id}"')
        rules.setdefault(table.id, []).append(rule)
    return rules


def _parse_rule(rule: Rule) -> Expr:
    try:
        return parse(rule.expression, source=rule.source)
    except AtdmError as exc:
        raise CatalogError(f'rule "{rule.id}": {exc.message}', hint=exc.hint) from exc


def _check_condition(check: Check, table: Table) -> Condition:
    return _database_condition(check, parse(check.expression, source=f"{table.id}.{check.name}"), table)


def _partition_conditions(table: Table) -> Iterator[Condition]:
    """A row of a partitioned table lies within the bounds of some partition."""
    if table.partitions is None:
        return
    shown = table.partitions[-MAX_PARTITIONS:]
    if any(not part.bounds for part in shown):
        return
    name = "partitions" if table.partitions else "no partition"
    text = " OR ".join(f"({part.bounds})" for part in shown) or "false"
    yield _database_condition(Check(name=name, expression=text), parse(text, source=f"{table.id}.{name}"), table)


def _database_condition(check: Check, expr: Expr, table: Table) -> Condition:
    expr = substitute(expr, partial(_tell_nullability, table))
    return Condition(
        id=f"check:{check.name}",
        validator="value",
        expr=expr,
        evaluate=compile_expression(expr),
        columns=_own_columns(expr, table),
        is_local=_is_local(expr, table),
        text=check.expression,
        source=f"constraint {check.name} of {table.id}",
        fix="give values that satisfy the constraint",
    )


def _tell_nullability(table: Table, parts: Parts) -> Value:
    """Say of a NOT NULL column that it has a value: a condition on whether it has one need not wait for it."""
    column = table.column_by_name.get(parts[0]) if len(parts) == 1 else None
    return UNDECIDED if column is None or column.nullable else SOME


def _domain_conditions(schema: Schema, table: Table) -> Iterator[Condition]:
    """The CHECKs of domain types, said of the columns that have these types."""
    for column in table.columns:
        for check in _domain_checks(schema, column):
            expr = parse(check.expression, source=f"{column.type}.{check.name}")
            yield _database_condition(check, rename(expr, partial(_say_column, column.name)), table)


def _domain_checks(schema: Schema, column: Column) -> Iterator[Check]:
    domain = schema.domains.get(column.type)
    while domain is not None:
        yield from domain.checks
        domain = schema.domains.get(domain.type)


def _say_column(column: str, parts: Parts) -> Parts:
    return (column,) if parts == ("value",) else parts


def _own_columns(expr: Expr, table: Table) -> frozenset[str]:
    return frozenset(parts[0] for parts in names(expr) if len(parts) == 1 and parts[0] in table.column_by_name)


def _is_local(expr: Expr, table: Table) -> bool:
    return all(len(parts) == 1 and parts[0] in table.column_by_name for parts in names(expr))

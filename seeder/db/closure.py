"""What hangs below a set of tables, and the recursive query that walks it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.virtual_keys import VirtualKey
from seeder.db.keys import cell_sql, identify, key_sql, match_sql
from seeder.db.queries import quote_ident, quote_table, quote_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_atdm.core.schema import ForeignKey, Table
    from seeder.db.introspect import Target


#: Whether the row *e* was made after the request. A serial key is evidence; without one a mandatory reference can only
#: have been made after the row it refers to, while a nullable one may have been set in a row that stood there before.
_NEW: Final = "coalesce(atdm.is_new(q.positions, e.relation, e.serial), e.mandatory)"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One foreign or virtual key below a seeded table: rows of *child* may refer to rows of *parent*."""

    number: int
    child: Table
    parent: Table
    key: ForeignKey

    @cached_property
    def nullable_columns(self) -> tuple[str, ...]:
        """The columns to set to NULL to loosen the reference; none where it is mandatory."""
        return tuple(name for name in self.key.columns if self.child.column_by_name[name].nullable)


@dataclass(frozen=True, kw_only=True)
class Closure:
    """The seeded *tables*, all from which their rows can be referred to, and the *edges* between them."""

    tables: tuple[Table, ...]
    edges: tuple[Edge, ...]


def close_over(target: Target, roots: Collection[str]) -> Closure:
    """Return the closure of the table ids *roots* under "is referred to by"."""
    schema = target.schema
    reached = {name for name in roots if name in schema.tables}
    frontier = sorted(reached)
    edges: list[Edge] = []
    while frontier:
        parent = frontier.pop()
        for child, key in target.children[parent]:
            if "select" in child.missing_rights:
                continue  # nothing can be found there; should a row refer to ours, the database refuses its deletion
            edges.append(Edge(number=len(edges), child=child, parent=schema.tables[parent], key=key))
            if child.id not in reached:
                reached.add(child.id)
                frontier.append(child.id)
    return Closure(tables=tuple(schema.tables[name] for name in sorted(reached)), edges=tuple(edges))


def reached_sql(closure: Closure, target: Target, *, with_edges: bool = False, wide: bool = False) -> str:
    """Return the SQL of ``reached``: seeded rows of ``req`` and, down every foreign key, what refers to them.

    Columns: relation, key, request_id (whose reset finds the row), old (it stands there without us: not followed
    further), seeded; with *with_edges* also via (the edge's number) and parent (the key referred to), both NULL for
    rows of the ledger. *wide*: some of the requests have volumes, whose rows the ledger holds as ranges.
    """
    edge_names, edge_nulls, edge_cells = (
        (", via, parent", ", NULL::integer, NULL::jsonb", ", e.via, e.parent") if with_edges else ("", "", "")
    )
    ledger = f"""
    SELECT l.relation, l.key, l.request_id, false, true{edge_nulls}
    FROM req JOIN atdm.ledger l ON l.request_id = req.request_id"""
    if wide:
        # A key that stands alone in the ledger was taken anew since: whose range holds it too has lost that row.
        ledger += f"""
    UNION ALL
    SELECT l.relation, k.key, l.request_id, false, true{edge_nulls}
    FROM req JOIN atdm.ledger_range l ON l.request_id = req.request_id, generate_series(l.first, l.last) AS n,
        LATERAL (SELECT jsonb_build_object(l.key_column, n) AS key) k
    WHERE NOT EXISTS (SELECT FROM atdm.ledger o WHERE o.relation = l.relation AND o.key = k.key)"""
    names = f"reached (relation, key, request_id, old, seeded{edge_names})"
    if not closure.edges:
        return f"{names} AS ({ledger})"
    branches = "\n        UNION ALL".join(_branch_sql(edge, target, with_edges=with_edges) for edge in closure.edges)
    return f"""{names} AS ({ledger}
    UNION
    -- A row that another live request seeded is that request's. A scalar subquery: EXISTS would hash the whole ledger.
    SELECT e.relation COLLATE "C", e.key, d.request_id, CASE WHEN {_NEW} THEN coalesce((
        SELECT o.request_id <> ALL ($1::text[]) FROM atdm.ledger o
        WHERE o.relation = e.relation AND o.key = e.key),
        CASE WHEN e.serial IS NOT NULL THEN atdm.range_owner(e.relation, e.serial) <> ALL ($1::text[]) END, false)
        ELSE true END, false{edge_cells}
    FROM reached d JOIN req q ON q.request_id = d.request_id, LATERAL ({branches}
    ) e
    WHERE NOT d.old
)"""


def _branch_sql(edge: Edge, target: Target, *, with_edges: bool) -> str:
    """Rows of one child table that refer to the row *d*. The first condition spares rows of other tables the search."""
    trace = f", {edge.number} AS via, d.key AS parent" if with_edges else ""
    serial = target.serial_keys.get(edge.child.id)
    evidence = f"c.{quote_ident(serial.name)}::bigint" if serial else "NULL::bigint"
    mandatory = "false" if edge.nullable_columns else "true"
    source, condition = _reference_sql(edge)
    return f"""
        SELECT {quote_text(edge.child.id)} AS relation, {key_sql(edge.child, "c")} AS key,
            {evidence} AS serial, {mandatory} AS mandatory{trace}
        FROM {source}
        WHERE d.relation = {quote_text(edge.parent.id)} AND {condition}{_discriminator_sql(edge.key)}"""


def _discriminator_sql(key: ForeignKey) -> str:
    """The condition under which a polymorphic reference is this one."""
    if not isinstance(key, VirtualKey) or not key.by:
        return ""
    return f" AND c.{quote_ident(key.by)} = {quote_text(str(key.value))}"


def _reference_sql(edge: Edge) -> tuple[str, str]:
    """The FROM and WHERE of "c refers to d"; through the parent's row where another key of it is referred to."""
    operators = ["="] * len(edge.key.columns)
    if edge.key.period:
        operators[-1] = "&&"  # the parent's time covers the child's, alone or with others
    pairs = list(zip(edge.key.columns, operators, edge.key.parent_columns, strict=True))
    child = f"{quote_table(edge.child.id)} c"
    if set(edge.key.parent_columns) <= set(identify(edge.parent)):
        refers = (f"c.{quote_ident(own)} {sign} {cell_sql(edge.parent, other, 'd.key')}" for own, sign, other in pairs)
        return child, " AND ".join(refers)
    refers = (f"c.{quote_ident(own)} {sign} p.{quote_ident(other)}" for own, sign, other in pairs)
    return f"{quote_table(edge.parent.id)} p, {child}", " AND ".join((match_sql(edge.parent, "p", "d.key"), *refers))

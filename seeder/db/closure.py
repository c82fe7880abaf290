"""What hangs below a set of tables, and the recursive query that walks it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.virtual_keys import VirtualKey
from seeder.db.keys import cell_sql, identify, key_sql, match_sql
from seeder.db.queries import quote_ident, quote_text
from seeder.db.steps import source_sql

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_atdm.core.schema import ForeignKey, Table
    from seeder.db.introspect import Target


#: Whether the row *e* was made after the request. A serial key is evidence; without one a mandatory reference can only
#: have been made after the row it refers to, while a nullable one may have been set in a row that stood there before.
_NEW: Final = "coalesce(atdm.is_new(q.positions, e.relation, e.serial), e.mandatory)"

#: Conditions that hold of every row, and of which Postgres, knowing nothing, expects that one in 200 satisfies each.
#: Where many rows refer to few, as to a code, it would expect a part of the whole table behind each key: reserve memory
#: for millions of rows, and read whole indexes rather than look up rows by their keys.
_FEW: Final = "num_nulls({column}) = 0 AND num_nonnulls({column}) = 1 AND num_nulls({column}, {column}) = 0"

#: What ``atdm.range_owner`` gives for the row *e*; to call a function for each row takes a quarter of the whole walk.
_RANGE_OWNER: Final = """SELECT CASE WHEN e.serial <= r.last THEN r.request_id END FROM atdm.ledger_range r
            WHERE r.relation = e.relation AND r.first <= e.serial ORDER BY r.first DESC LIMIT 1"""


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
    """The seeded *tables*, all from which their rows can be referred to, and the *edges* between them.

    *is_blind*: a foreign key that acts may hit rows which the walk does not see, or which nothing keeps from coming to
    refer to one that goes.
    """

    tables: tuple[Table, ...]
    edges: tuple[Edge, ...]
    is_blind: bool = False
    locks_all: bool = False

    @cached_property
    def locked_tables(self) -> tuple[Table, ...]:
        """Tables whose rows are locked before they go, as far as they can be: no key that acts has new prey then.

        With *locks_all* they are all that anything refers to: whoever writes below them without end has to wait.
        """
        keen = (edge for edge in self.edges if self.locks_all or edge.key.acts)
        parents = {edge.parent.id: edge.parent for edge in keen if is_lockable(edge.parent)}
        return tuple(parents[name] for name in sorted(parents))


def close_over(target: Target, roots: Collection[str], *, locks_all: bool = False) -> Closure:
    """Return the closure of the table ids *roots* under "is referred to by"."""
    schema = target.schema
    reached = {name for name in roots if name in schema.tables}
    frontier = sorted(reached)
    edges: list[Edge] = []
    is_blind = False
    while frontier:
        parent = schema.tables[frontier.pop()]
        for child, key in target.children[parent.id]:
            edge = Edge(number=len(edges), child=child, parent=parent, key=key)
            is_blind |= key.acts and (is_hidden(child) or not is_lockable(parent))
            if "select" in child.missing_rights:
                continue  # nothing can be found there; a key that does not act has the database refuse the deletion
            edges.append(edge)
            if child.id not in reached:
                reached.add(child.id)
                frontier.append(child.id)
    tables = tuple(schema.tables[name] for name in sorted(reached))
    return Closure(tables=tables, edges=tuple(edges), is_blind=is_blind, locks_all=locks_all)


def is_hidden(table: Table) -> bool:
    """Return whether *table* may have rows that the role does not see."""
    return table.row_security or "select" in table.missing_rights


def is_lockable(table: Table) -> bool:
    """Return whether the role can lock every row that *table* has."""
    return not is_hidden(table) and "update" not in table.missing_rights


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
    parents = ", ".join(quote_text(name) for name in sorted({edge.parent.id for edge in closure.edges}))
    branches = "\n        UNION ALL".join(_branch_sql(edge, target, with_edges=with_edges) for edge in closure.edges)
    return f"""{names} AS ({ledger}
    UNION
    -- A row that another live request seeded is that request's. A scalar subquery: EXISTS would hash the whole ledger.
    SELECT e.relation COLLATE "C", e.key, d.request_id, CASE WHEN {_NEW} THEN coalesce((
        SELECT o.request_id <> ALL ($1::text[]) FROM atdm.ledger o
        WHERE o.relation = e.relation AND o.key = e.key),
        CASE WHEN e.serial IS NOT NULL THEN ({_RANGE_OWNER}) <> ALL ($1::text[]) END, false)
        ELSE true END, false{edge_cells}
    FROM reached d JOIN req q ON q.request_id = d.request_id, LATERAL ({branches}
    ) e
    WHERE NOT d.old AND d.relation IN ({parents})
)"""


def _branch_sql(edge: Edge, target: Target, *, with_edges: bool) -> str:
    """Rows of one child table that refer to the row *d*. The first condition spares rows of other tables the search."""
    trace = f", {edge.number} AS via, d.key AS parent" if with_edges else ""
    serial = target.serial_keys.get(edge.child.id)
    evidence = f"c.{quote_ident(serial.name)}::bigint" if serial else "NULL::bigint"
    mandatory = "false" if edge.nullable_columns else "true"
    source, condition = _reference_sql(edge, target)
    return f"""
        SELECT {quote_text(edge.child.id)} AS relation, {key_sql(edge.child, "c")} AS key,
            {evidence} AS serial, {mandatory} AS mandatory{trace}
        FROM {source}
        WHERE d.relation = {quote_text(edge.parent.id)} AND {condition}{discriminator_sql(edge.key, "c")}
            AND {_FEW.format(column=f"c.{quote_ident(identify(edge.child)[0])}")}"""


def discriminator_sql(key: ForeignKey, alias: str) -> str:
    """Return the condition, with AND before it, under which a polymorphic reference is this one; empty for others."""
    if not isinstance(key, VirtualKey) or not key.by:
        return ""
    return f" AND {alias}.{quote_ident(key.by)} = {quote_text(str(key.value))}"


def _reference_sql(edge: Edge, target: Target) -> tuple[str, str]:
    """The FROM and WHERE of "c refers to d"; through the parent's row where another key of it is referred to."""
    parent, condition = refers_sql(edge, target, "c", "d.key")
    return ", ".join(filter(None, (parent, f"{source_sql(target, edge.child.id)} c"))), condition


def refers_sql(edge: Edge, target: Target, alias: str, key: str) -> tuple[str, str]:
    """Return a FROM item (empty where none is needed) and the condition that *alias* refers to the row with *key*."""
    operators = ["="] * len(edge.key.columns)
    if edge.key.period:
        operators[-1] = "&&"  # the parent's time covers the child's, alone or with others
    pairs = list(zip(edge.key.columns, operators, edge.key.parent_columns, strict=True))
    if set(edge.key.parent_columns) <= set(identify(edge.parent)):
        refers = (
            f"{alias}.{quote_ident(own)} {sign} {cell_sql(edge.parent, other, key)}" for own, sign, other in pairs
        )
        return "", " AND ".join(refers)
    refers = (f"{alias}.{quote_ident(own)} {sign} p.{quote_ident(other)}" for own, sign, other in pairs)
    return f"{source_sql(target, edge.parent.id)} p", " AND ".join((match_sql(edge.parent, "p", key), *refers))

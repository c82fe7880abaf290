"""What an explanation is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from pytest_atdm.core.model import Cell

#: Where a cell comes from:
#: ``override`` the caller; ``scenario`` a line of the catalog; ``key`` a sequence, or another row by a foreign key;
#: ``generator`` drawn as the rules file says of the column; ``unique`` drawn so that the row differs from others;
#: ``rule`` and ``check`` drawn within the limits of conditions;
#: ``type`` drawn, any value of the type; ``default`` left to the database; ``existing`` the row stands already;
#: ``advice`` chosen because the database had refused another plan.
Origin: TypeAlias = Literal[
    "override", "scenario", "key", "generator", "unique", "rule", "check", "type", "default", "existing", "advice"
]
#: Why a row is there: the scenario names it; a reference needed it, and it is ``created`` or ``reused``; or ``advice``.
PresenceKind: TypeAlias = Literal["entity", "created", "reused", "advice"]
#: The source that the planner gives the cells of a row that a search added to a scenario.
ADVICE: Final = "advice"
CauseKind: TypeAlias = Literal["sequence", "foreign key", "generator", "unique", "check", "rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A part of schema or domain that has a say in something.

    *text*: a condition as written; of a foreign key the ``row.column`` that it leads to; of a unique constraint its
    columns, or the definition of an index; of a generator, whose *name* is its kind, what it draws from. *source* is
    the table's id, or catalog file and line.
    """

    kind: CauseKind
    name: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCell:
    """One column of a row, and where its value comes from.

    *pointer* is the ``row.column`` whose value the database will allot; *value* is None then, and where the database
    fills the column. *source* is catalog file and line, where there is one. *text*: a formula, with ``=``; for ``key``
    the ``row.column`` it is equal to; for ``default`` what the database does; for ``type`` the type.
    """

    column: str
    value: Cell
    origin: Origin
    pointer: str = ""
    source: str = ""
    text: str = ""
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """*columns* of a row refer to the row *parent* by the foreign key *constraint*.

    *source* is catalog file and line, where the scenario says to which row.
    """

    constraint: str
    columns: tuple[str, ...]
    parent: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The row *row* needs another for its foreign key *constraint* over *columns*.

    *required*: the columns cannot be NULL. *causes* are the conditions that are false where they are NULL; where there
    are none and it is not required, all that is known is that the row refers.
    """

    row: str
    constraint: str
    columns: tuple[str, ...]
    required: bool
    causes: tuple[Cause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Why a row is in the plan.

    *source* is where the scenario names it; *reference* is where the catalog has it as reference data: a row that is
    reused without that stands in the database, and a new one could not be written. *needs* are the references that
    nobody named, that of the row for whose sake it came first.
    """

    kind: PresenceKind
    source: str = ""
    reference: str = ""
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRow:
    """One row: *references* in the order of the foreign keys' names, *cells* in the order of the columns.

    *is_existing*: the row stands already; it is referred to and not written.
    """

    name: str
    entity: str
    table: str
    presence: Presence
    references: tuple[Reference, ...]
    cells: tuple[ExplainedCell, ...]
    is_existing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of the tree: *row* stands *depth* steps below a root, referred to *by* a foreign key of the row above.

    *repeated*: the row has been shown further up, with what is below it.
    """

    depth: int
    row: str
    by: str = ""
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A plan explained.

    *tree*, depth first: below each row those that it refers to; roots are the rows that none refers to, and one of each
    circle. *rows* by name, in the order of the plan, then those that stand already. *more* says by entity how many rows
    of a volume follow, each like one of those that are explained.
    """

    scenario: str
    as_of: str
    seed: int
    parameters: Mapping[str, Cell]
    tree: tuple[Branch, ...]
    rows: Mapping[str, ExplainedRow]
    more: Mapping[str, int] = field(default_factory=dict)

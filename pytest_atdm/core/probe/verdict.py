"""What a probe found, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_atdm.core.model import Plan, Refusal, Residue, Trial
    from pytest_atdm.core.schema import Schema, Table

Outcome = Literal["planted", "reused", "refused", "failed"]
Kind = Literal["impossible", "taken", "denied", "refused", "unexplained"]

_KINDS: Final[dict[str, Kind]] = {"23505": "taken", "23P01": "taken", "42501": "denied"}
#: Classes of SQLSTATE that say of a value of ours that it is none: the planner's fault, whatever the column.
_OURS: Final = ("22P02", "22P03", "42804", "22007", "22008")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a plan came to nothing; ``taken`` is a key that stands there already, ``unexplained`` a fault of ours.

    Reasons with one *key* say the same of different values.
    """

    kind: Kind
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one table.

    *outcome*: ``planted``; ``reused``: no new row, but rows that stand there can be referred to; ``refused``: *reason*
    says by what; ``failed``: not explained. *plan* and *trial* are those that went well; *trials* counts the plans.
    """

    table: str
    outcome: Outcome
    reason: str = ""
    plan: Plan | None = None
    trial: Trial | None = None
    trials: int = 0


def explain_refusal(refusal: Refusal, schema: Schema) -> Reason:
    """Return what the database said, with the text of the constraint or the names of the triggers that said it."""
    text = refusal.message
    if refusal.detail:
        text += f" ({refusal.detail})"
    if refusal.constraint and (definition := _find_definition(refusal, schema)):
        text += f" [{refusal.constraint}: {definition}]"
    elif triggers := _find_triggers(refusal, schema):
        text += f" [{triggers}]"
    if refusal.stage != "insert":
        text = f"at {refusal.stage}: {text}"
    is_ours = refusal.code in _OURS and not refusal.context.startswith("PL/pgSQL")
    kind: Kind = "unexplained" if is_ours else _KINDS.get(refusal.code, "refused")
    return Reason(kind, text, f"{refusal.code} {refusal.constraint or refusal.message}")


def _find_definition(refusal: Refusal, schema: Schema) -> str:
    table = schema.tables.get(refusal.table)
    if table is None:
        return ""
    texts = {check.name: f"CHECK ({check.expression})" for check in table.checks}
    texts |= {one.name: one.definition for one in table.exclusions}
    texts |= {one.name: f"UNIQUE ({', '.join(one.columns)})" for one in table.uniques}
    texts |= {key.name: f"FOREIGN KEY ({', '.join(key.columns)}) REFERENCES {key.parent}" for key in table.foreign_keys}
    return texts.get(refusal.constraint, "")


def _find_triggers(refusal: Refusal, schema: Schema) -> str:
    """Return the triggers whose function the database was in."""
    called = [
        f"trigger {trigger.name} of {table.id}"
        for table in schema.tables.values()
        for trigger in table.triggers
        if trigger.function and _is_called(trigger.function, refusal.context)
    ]
    return ", ".join(called[:3])


def calls_trigger_of(table: Table, refusal: Refusal) -> bool:
    """Return whether the database was in the function of a trigger of *table* when it refused."""
    return any(one.function and _is_called(one.function, refusal.context) for one in table.triggers)


def _is_called(function: str, context: str) -> bool:
    """Return whether Postgres names *function* in an error's context; with its schema or without."""
    name = function.rpartition(".")[2]
    return any(f"{before}{name}(" in context for before in ("function ", "."))


def explain_residue(residue: Sequence[Residue]) -> str:
    """Return which tables are not as before, and how."""
    return ", ".join(f"{one.table} with {one.rows:+} rows" if one.rows else f"{one.table} changed" for one in residue)

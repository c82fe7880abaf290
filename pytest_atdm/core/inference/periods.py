"""Rules about the order of two dates of a row, where their names tell which comes first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.catalog import Rule
from pytest_atdm.core.expressions import UNDECIDED, EvaluationError, Name, Operation, render
from pytest_atdm.core.expressions.casting import parse_type
from pytest_atdm.core.inference.guess import Guess
from pytest_atdm.core.inference.spelling import INFERRED, spell_table
from pytest_atdm.core.inference.words import join_words, split_words
from pytest_atdm.core.types import base_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm.core.expressions import Parts, Value
    from pytest_atdm.core.inference.words import Words
    from pytest_atdm.core.rulebook import Condition, Rulebook
    from pytest_atdm.core.schema import Column, Table

#: Two words of which the first is the earlier, where two names differ in nothing else.
ORDERED: Final = frozenset({
    ("start", "end"), ("starts", "ends"), ("started", "ended"), ("start", "finish"), ("started", "finished"),
    ("started", "completed"), ("started", "stopped"), ("begin", "end"), ("begins", "ends"), ("began", "ended"),
    ("from", "to"), ("from", "until"), ("from", "through"), ("from", "thru"), ("since", "until"), ("open", "close"),
    ("opens", "closes"), ("opened", "closed"), ("created", "updated"), ("created", "modified"), ("created", "changed"),
    ("created", "deleted"), ("issued", "expires"), ("issued", "expired"), ("first", "last"), ("sent", "received"),
})  # fmt: skip
#: What may stand behind the word that tells, in the one name and not in the other.
_TRAILING: Final = frozenset({"at", "on", "date", "time", "timestamp", "ts"})
_DAY: Final = date(2020, 1, 2)
_INSTANT: Final = datetime(2020, 1, 2, tzinfo=UTC)
#: A later and an earlier value by type: what a CHECK that orders two columns refuses.
_REVERSED: Final[dict[str, tuple[Value, Value]]] = {
    "date": (_DAY, date(2020, 1, 1)),
    "timestamp without time zone": (_INSTANT.replace(tzinfo=None), datetime(2020, 1, 1)),
    "timestamp with time zone": (_INSTANT, datetime(2020, 1, 1, tzinfo=UTC)),
}


def infer_order(rulebook: Rulebook, table: Table) -> Iterator[Guess]:
    """Yield, for each two dates of *table* of which one must not come before the other, the rule that says so.

    Both have one type, their names differ in a pair of ``ORDERED``, and no CHECK says so already.
    """
    dates = [column for column in table.columns if not column.generated and _type_of(rulebook, column) in _REVERSED]
    for first, second in permutations(dates, 2):
        kind = _type_of(rulebook, first)
        if kind != _type_of(rulebook, second) or not are_ordered(first.name, second.name):
            continue
        if not any(_orders(condition, first, second, kind) for condition in rulebook.conditions(table)):
            yield _guess(rulebook, table, first.name, second.name)


def are_ordered(first: str, second: str) -> bool:
    """Return whether the names tell that *first* comes before *second*."""
    one, other = _core(first), _core(second)
    different = [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]]
    return len(one) == len(other) and len(different) == 1 and different[0] in ORDERED


def _core(name: str) -> Words:
    words = split_words(name)
    while len(words) > 1 and words[-1] in _TRAILING:
        words = words[:-1]
    return words


def _type_of(rulebook: Rulebook, column: Column) -> str:
    base = base_type(column.type, rulebook.schema)
    kind = parse_type(base)
    return base if kind.dimensions else kind.name


def _orders(condition: Condition, first: Column, second: Column, kind: str) -> bool:
    """Return whether *condition* refuses a row whose *first* is later than its *second*."""
    if not {first.name, second.name} <= condition.columns:
        return False
    later, earlier = _REVERSED[kind]
    known: dict[Parts, Value] = {(first.name,): later, (second.name,): earlier}
    try:
        return condition.evaluate(lambda parts: known.get(parts, UNDECIDED)) is False
    except EvaluationError:
        return False


def _guess(rulebook: Rulebook, table: Table, first: str, second: str) -> Guess:
    spelt = spell_table(rulebook.schema, table.id)
    rule = Rule(
        id="-".join(join_words(part, "-") for part in (spelt, first, "before", second)),
        kind="temporal",
        table=spelt,
        expression=render(Operation("<=", (Name((first,)), Name((second,))))),
        fix=f"set {second} no earlier than {first}",
        source=INFERRED,
    )
    return Guess(rule=rule, why=f"the names say that {first} comes first, and no CHECK does")

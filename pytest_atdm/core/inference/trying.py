"""Rules and scenarios that were tried: what a database did not take, or no plan could keep, is not proposed.

Sans I/O, like a probe: each step is a generator that asks questions and is sent their answers.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_atdm.core.catalog import Domain, Entity, Scenario, load_catalog
from pytest_atdm.core.errors import AtdmError
from pytest_atdm.core.gate import Gate
from pytest_atdm.core.inference.choices import list_choices
from pytest_atdm.core.inference.guess import Guess, LeftOut
from pytest_atdm.core.inference.markers import infer_markers
from pytest_atdm.core.inference.notes import list_notes
from pytest_atdm.core.inference.periods import infer_order
from pytest_atdm.core.inference.render import Starter, render_domain, render_scenario, render_test
from pytest_atdm.core.inference.spelling import INFERRED, spell_table
from pytest_atdm.core.inference.tables import is_of_tool, order_parents_first
from pytest_atdm.core.inference.words import join_words, name_entity
from pytest_atdm.core.planner import NO_ADVICE, plan
from pytest_atdm.core.planner.drafts import is_required
from pytest_atdm.core.probe import MAX_SCENARIO_TRIALS, Found, Search
from pytest_atdm.core.probe.verdict import explain_residue
from pytest_atdm.core.rulebook import Rulebook

if TYPE_CHECKING:
    import datetime
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence

    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.planner import Advice
    from pytest_atdm.core.probe.questions import Answer, Question
    from pytest_atdm.core.schema import ForeignKey, Schema

#: Names that a scenario's formulas and promises have already.
_RESERVED: Final = frozenset({"as_of", "index"})

Trying: TypeAlias = "Generator[Question, Answer, Found | str]"


class Inference:
    """Infers the rules of one domain table by table, then its starters, each tried as a session would plant it.

    *files* are those of the catalog that stand already, by path. Where the domain's ``domain.yaml`` is among them its
    rules hold and none are inferred. ``guesses`` and ``left_out`` fill up.
    """

    def __init__(
        self, schema: Schema, files: Mapping[str, str], *, domain: str, run_id: str, seed: int, as_of: datetime.date
    ) -> None:
        self._schema = schema
        self._files = dict(files)
        self._domain = domain
        self._run_id = run_id
        self._seed = seed
        self._as_of = as_of
        self._plain = Rulebook(schema, Domain(name=domain))
        self._ids = set(_list_ids_beyond(files, domain))
        self.has_domain = f"{domain}/domain.yaml" in files
        self.guesses: list[Guess] = []
        self.left_out: list[LeftOut] = []

    def ask_rules(self, table: str) -> Generator[Question, Answer, None]:
        """Infer the rules of the table with the id *table*: all of them where a row keeps all, else one by one."""
        if self.has_domain:
            return
        shape = self._schema.tables[table]
        found = [*infer_order(self._plain, shape), *infer_markers(self._plain, shape, self._as_of)]
        self.left_out += [one for one in found if isinstance(one, LeftOut)]
        guesses = self._number([one for one in found if isinstance(one, Guess)])
        if not guesses or isinstance((yield from self._try_rules(table, guesses)), Found):
            self.guesses += guesses
            return
        if isinstance((yield from self._try_rules(table, [])), str):
            return  # no row at all: nothing that a rule could judge
        for guess in guesses:
            outcome = yield from self._try_rules(table, [guess])
            if isinstance(outcome, Found):
                self.guesses.append(guess)
            else:
                self.left_out.append(LeftOut(table=table, what=guess.rule.expression, reason=outcome))

    def ask_starter(self, table: str) -> Generator[Question, Answer, Starter | str]:
        """Return a scenario of one row of *table* (an id) that a session can plant, or why there is none."""
        starter = self.make_starter(table)
        outcome = yield from self._try_files(starter)
        if isinstance(outcome, str):
            return outcome
        self._ids.add(starter.id)
        return dataclasses.replace(starter, remarks=tuple(_remark(outcome)))

    def write_files(
        self,
        starters: Iterable[Starter],
        *,
        lists: Mapping[str, int],
        refused: Mapping[str, str],
        looked_at: Sequence[str],
    ) -> dict[str, str]:
        """Return the files of *starters* and the domain by path below the project's folder, a test for the first.

        *lists*, *refused* and *looked_at* (ids of tables) go into the notes of ``domain.yaml``.
        """
        starters = list(starters)
        told = {*lists, *refused, *(self._schema.table(one.table).id for one in starters)}
        untold = sum(1 for id in self._schema.tables if id not in told and not is_of_tool(id))
        notes = list_notes(self._plain, looked_at, lists=lists, left_out=self.left_out, refused=refused, untold=untold)
        base = f"catalog/{self._domain}"
        return {
            f"{base}/domain.yaml": render_domain(self._domain, self.guesses, notes),
            **{f"{base}/scenarios/{one.id}.yaml": render_scenario(one) for one in starters},
            f"test_{join_words(self._domain, '_')}_starter.py": render_test(starters[0]),
        }

    def make_starter(self, table: str) -> Starter:
        """Return a scenario of one row of *table* (an id), untried, with an id that no other scenario has."""
        shape = self._schema.tables[table]
        schema, _, name = table.partition(".")
        entity = name_entity(name, _RESERVED)
        names = self._plain.relations(shape)
        required = [key for key in shape.foreign_keys if is_required(shape, key, self._schema)]
        return Starter(
            id=_find_free((f"one_{entity}", f"one_{name_entity(f'{schema}_{name}')}"), self._ids),
            entity=entity,
            table=spell_table(self._schema, table),
            key=shape.primary_key,
            relations={_name_relation(names, key): spell_table(self._schema, key.parent) for key in required},
            choices=list_choices(self._plain, shape),
        )

    def _number(self, guesses: Sequence[Guess]) -> list[Guess]:
        """Return *guesses* with ids that no other rule has."""
        taken = {guess.rule.id for guess in self.guesses}
        numbered = []
        for guess in guesses:
            id = _find_free((guess.rule.id,), taken)
            taken.add(id)
            numbered.append(dataclasses.replace(guess, rule=dataclasses.replace(guess.rule, id=id)))
        return numbered

    # -- trying

    def _try_rules(self, table: str, guesses: Sequence[Guess]) -> Trying:
        """Return what comes of a row of *table* under *guesses* and the rules of all that it may refer to."""
        near = {spell_table(self._schema, id) for id in order_parents_first(self._schema, [table])}
        rules = [guess.rule for guess in (*self.guesses, *guesses) if guess.rule.table in near]
        entity = Entity(name="row", table=table, source=INFERRED)
        scenario = Scenario(id=table, domain="", source=INFERRED, title="", intent="", entities={entity.name: entity})
        try:
            rulebook = Rulebook(self._schema, Domain(name="", rules=tuple(rules)))
            return (yield from self._search(scenario, rulebook))
        except AtdmError as error:
            return error.message

    def _try_files(self, starter: Starter) -> Trying:
        """Return what a session would come to with the files that stand and those that are to be written."""
        files = {**self._files, f"{self._domain}/scenarios/{starter.id}.yaml": render_scenario(starter)}
        if not self.has_domain:
            files[f"{self._domain}/domain.yaml"] = render_domain(self._domain, self.guesses, ())
        try:
            catalog = load_catalog(files)
            rulebook = Rulebook(self._schema, catalog.domain(self._domain))
            # Of no domain: the seeder that tries the plan does not know this one yet; its rules are kept here.
            scenario = dataclasses.replace(catalog.scenario(starter.id), domain="")
            return (yield from self._search(scenario, rulebook))
        except AtdmError as error:
            return error.message

    def _search(self, scenario: Scenario, rulebook: Rulebook) -> Trying:
        search = Search(
            partial(self._plan, scenario, rulebook),
            Gate(rulebook),
            rulebook,
            tables=[self._schema.table(entity.table).id for entity in scenario.entities.values()],
            as_of=self._as_of,
            at_most=MAX_SCENARIO_TRIALS,
        )
        if search.plan(NO_ADVICE) is None:  # a session goes no further
            return search.reasons[-1].text
        return (yield from search.ask(NO_ADVICE)) or search.reasons[-1].text

    def _plan(self, scenario: Scenario, rulebook: Rulebook, advice: Advice) -> Plan:
        return plan(
            scenario,
            rulebook,
            overrides={},
            run_id=self._run_id,
            request_key=scenario.id,
            seed=self._seed,
            as_of=self._as_of,
            advice=advice,
        )


def _list_ids_beyond(files: Mapping[str, str], domain: str) -> Iterator[str]:
    """Yield the ids of the scenarios of all domains but *domain*, whose own files may be written anew."""
    for path in files:
        if "/scenarios/" in path and not path.startswith(f"{domain}/"):
            yield path.rpartition("/")[2].removesuffix(".yaml")


def _find_free(wanted: Sequence[str], taken: Collection[str]) -> str:
    """Return the first of *wanted* that is not *taken*; where all are, the last with a number."""
    free = (name for name in wanted if name not in taken)
    numbered = (name for number in count(2) if (name := f"{wanted[-1]}_{number}") not in taken)
    return next(free, None) or next(numbered)


def _name_relation(names: Mapping[str, ForeignKey], key: ForeignKey) -> str:
    """Return what a scenario calls *key*: the shortest of its names."""
    return min((name for name, other in names.items() if other is key), key=lambda name: (len(name), name))


def _remark(found: Found) -> Iterator[str]:
    """Yield what the trial showed beyond the rows of the plan."""
    for row in found.plan.existing:
        yield (
            f"{row.name}: the database takes no new row of {row.table} here, so one that stands there is referred to. "
            "DECIDE: list such rows in reference/, so that every database has them."
        )
    for table, rows in found.trial.made.items():
        yield f"Triggers make rows of {table} too ({rows}); they go with this one."
    if found.trial.residue:
        yield f"A reset leaves {explain_residue(found.trial.residue)}."

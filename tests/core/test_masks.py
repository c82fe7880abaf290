"""Which columns the masks of a catalog reach, and which masks are refused."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import AtdmError, CatalogError, SchemaMismatch, SettingError
from pytest_atdm.core.masks import Hook, find_checks, find_refused, resolve_masks
from pytest_atdm.core.schema import (
    Attribute,
    Check,
    Column,
    Domain,
    Exclusion,
    ForeignKey,
    Partition,
    Schema,
    Unique,
)
from pytest_atdm.realistic import iter_realistic
from tests.core.schemas import table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_atdm.core.masks import Masks

KEY = b"k" * 32
READERS = table(
    "readers",
    Column(name="id", type="bigint", nullable=False, identity="always", sequence="public.readers_id_seq"),
    Column(name="email", type="text", nullable=False),
    Column(name="name", type="text", nullable=False),
    Column(name="card", type="character(8)"),
    Column(name="code", type="character varying(12)"),
    Column(name="born", type="date"),
    Column(name="score", type="smallint"),
    Column(name="note", type="short_text"),
    Column(name="address", type="place"),
    Column(name="tags", type="text[]"),
    Column(name="data", type="jsonb"),
    Column(name="initial", type="text", generated=True, expression="left(name, 1)"),
    uniques=(Unique(name="readers_email_key", columns=("email",)),),
    exclusions=(Exclusion(name="readers_code", columns=("code",), definition="UNIQUE lower(code)"),),
    checks=(Check(name="short", expression="(length(name) < 9)", columns=("name",)),),
)
LOANS = table(
    "loans",
    Column(name="id", type="integer", nullable=False),
    Column(name="reader", type="character varying(40)"),
    Column(name="before", type="integer"),
    Column(name="kind", type="text", nullable=False),
    Column(name="subject_type", type="text"),
    Column(name="subject", type="integer"),
    foreign_keys=(
        ForeignKey(name="loans_reader", columns=("reader",), parent="public.readers", parent_columns=("email",)),
        ForeignKey(name="loans_before", columns=("before",), parent="public.loans", parent_columns=("id",)),
    ),
    partitions=(Partition(id="public.loans_a", bounds="((kind IS NOT NULL) AND (kind = 'a'::text))"),),
)
NOTES = table(
    "notes",
    Column(name="id", type="uuid", nullable=False),
    Column(name="by", type="text"),
    Column(name="text", type="text", nullable=False),
    Column(name="about", type="text"),
)
LETTERS = table("letters", *NOTES.columns, Column(name="street", type="text"), inherits=("public.notes",))
SCHEMA = Schema(
    tables={one.id: one for one in (READERS, LOANS, NOTES, LETTERS)},
    domains={"short_text": Domain(name="short_text", type="character varying(30)", nullable=True)},
    composites={"place": (Attribute(name="town", type="text"),)},
)
REFERENCES = (
    "references:\n"
    "  - {table: notes, columns: [by], to: readers, to_columns: [email]}\n"
    "  - {table: loans, columns: [subject], by: subject_type, to: {loan: loans.id}}\n"
)


class Strategies:
    """Installed strategies that are told here."""

    def __init__(self, **functions: Callable[[str, bytes], Any]) -> None:
        self._functions = functions

    def names(self) -> Collection[str]:
        """Return what they are called."""
        return self._functions.keys()

    def load(self, name: str) -> Hook:
        """Return one."""
        return Hook(function=self._functions[name], package="acme-masks")


def resolve(*masks: str, schema: Schema = SCHEMA, more: str = "", second: str = "", **functions: Any) -> Masks:
    """Resolve the lines below ``masks`` of a domain with these other lines, and perhaps with a second domain."""
    lines = "".join(f"  {line}\n" for line in masks)
    files = {"library/domain.yaml": f"title: Library\n{more}masks:\n{lines}"}
    if second:
        files["other/domain.yaml"] = f"title: Other\nmasks:\n  {second}\n"
    return resolve_masks(load_catalog(files, iter_realistic), schema, Strategies(**functions))


def strategies_of(masks: Masks) -> dict[str, str]:
    """Return the strategy by column."""
    return {".".join(place).removeprefix("public."): mask.strategy for place, mask in masks.items()}


def test_a_catalog_without_masks_masks_nothing() -> None:
    """Nothing is asked of the schema then."""
    assert {} == resolve_masks(load_catalog({"library/domain.yaml": "title: L\n"}), SCHEMA, Strategies())


def test_a_mask_is_that_of_all_columns_tied_to_it() -> None:
    """By foreign keys, references of the catalog and inheritance; with one key, and equal values stay equal."""
    masks = resolve("notes.by: format", more=REFERENCES)

    assert {"readers.email": "format", "loans.reader": "format", "notes.by": "format", "letters.by": "format"} == (
        strategies_of(masks)
    )
    assert {"public.letters.by"} == {mask.family for mask in masks.values()}
    assert {"library/domain.yaml:6"} == {mask.source for mask in masks.values()}
    assert len({mask.apply("ada@example.com", KEY) for mask in masks.values()}) == 1


def test_a_reference_that_hangs_on_a_discriminator_ties_too() -> None:
    """So does one of a table to itself; and the types of all are heeded."""
    masks = resolve("loans.subject: format", more=REFERENCES)

    assert {"loans.id", "loans.before", "loans.subject"} == strategies_of(masks).keys()


def test_padding_of_a_text_does_not_count() -> None:
    """A text of fixed length is masked without the blanks that Postgres fills it up with."""
    mask = resolve("readers.card: format")["public.readers", "card"]

    assert mask.apply("ab", KEY) == mask.apply("ab      ", KEY)


def test_domains_may_say_the_same_of_one_column() -> None:
    """Twice the same mask is one; a column of another domain is masked beside it."""
    assert {"readers.card": "null"} == strategies_of(
        resolve("readers.card: null", second="public.readers.card: 'null'")
    )
    assert 2 == len(resolve("readers.card: null", second="readers.note: null"))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("readers.name", "{constant: removed}", "removed"),
        ("readers.score", "{constant: 7}", "7"),
        ("readers.born", "{constant: 2000-01-31}", "2000-01-31"),
        ("readers.tags", "{constant: [a, b c]}", '{a,"b c"}'),
        ("readers.data", "{constant: {a: [1, x]}}", '{"a": [1, "x"]}'),
        ("readers.born", "null", None),
        ("readers.note", "~", None),
        ("letters.street", "null", None),
    ],
)
def test_a_constant_is_the_same_for_all(column: str, value: str, expected: str | None) -> None:
    """It is written as Postgres reads it; null is NULL."""
    (mask,) = resolve(f"{column}: {value}").values()

    assert expected == mask.apply("anything", KEY)
    assert expected == mask.apply("else", KEY)


def test_heirs_may_share_a_mask_that_merges() -> None:
    """Inheritance alone does not ask that values stay different."""
    assert {"notes.about": "null", "letters.about": "null"} == strategies_of(resolve("notes.about: null"))


@pytest.mark.parametrize(
    "generator", ["{values: [Ada, Bo, Christopher]}", "{pattern: '[A-Z][a-z]{3,20}'}", "{mimesis: person.first_name}"]
)
def test_generated_values_depend_on_value_and_key(generator: str) -> None:
    """They are those of the column's generator, keep the conditions on the column, and are the same each time."""
    (mask,) = resolve("readers.name: generator", more=f"columns:\n  readers.name: {generator}\n").values()

    names = {f"reader {number}": mask.apply(f"reader {number}", KEY) for number in range(40)}

    assert names == {value: mask.apply(value, KEY) for value in names}
    assert names != {value: mask.apply(value, b"o" * 32) for value in names}
    assert all(name is not None and len(name) < 9 for name in names.values())
    assert len(set(names.values())) > 1


def test_threads_that_mask_at_once_draw_the_same() -> None:
    """What draws is shared by all of them: none disturbs the seed of another."""
    (mask,) = resolve(
        "readers.name: generator", more="columns:\n  readers.name: {mimesis: person.first_name}\n"
    ).values()
    values = [f"reader {number}" for number in range(100)]
    expected = [mask.apply(value, KEY) for value in values]

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: [mask.apply(value, KEY) for value in values], range(4))

    assert [expected] * 4 == list(found)


def test_a_generator_refers_to_reference_rows() -> None:
    """A generator of the kind reference draws of the catalog's rows."""
    files = {
        "library/domain.yaml": (
            "title: L\ncolumns:\n  notes.text: {reference: loans.kind}\nmasks: {notes.text: generator}\n"
        ),
        "library/reference/loans.yaml": "table: loans\nkey: [id]\nrows: [{id: 1, kind: a}]\n",
    }
    masks = resolve_masks(load_catalog(files), SCHEMA, Strategies())

    assert "a" == masks["public.notes", "text"].apply("x", KEY)


def test_a_strategy_of_a_package_is_called_for_any_type() -> None:
    """It is given the text form and the key; of a number the usual form comes back."""
    masks = resolve("readers.score: mine", "readers.note: mine", mine=lambda value, key: f"0{len(value)}{len(key)}")

    assert "232" == masks["public.readers", "score"].apply("99", KEY)
    assert "0232" == masks["public.readers", "note"].apply("99", KEY)


def fail(value: str, _key: bytes) -> str:
    """Raise what says the value."""
    raise ValueError(value)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (fail, "raised ValueError"),
        (lambda value, _key: value.encode(), "gave bytes where a text is wanted"),
        (lambda _value, _key: None, "gave NoneType where a text is wanted"),
        (lambda value, _key: f"{value}x", "gave what is no smallint"),
    ],
)
def test_a_strategy_that_fails_is_named_without_the_value(function: Any, said: str) -> None:
    """The error names package and column, and neither what was given nor what came."""
    mask = resolve("readers.score: mine", mine=function)["public.readers", "score"]

    with pytest.raises(SettingError) as caught:
        mask.apply("4711", KEY)

    assert f"column public.readers.score: the strategy mine of the package acme-masks {said}" == caught.value.message
    assert "mend the package, or name another strategy in library/domain.yaml:3" == caught.value.hint
    assert "4711" not in repr(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_half_a_character_is_no_value() -> None:
    """What cannot be said in UTF-8 is refused, as what is no text."""
    mask = resolve("readers.note: mine", mine=lambda _value, _key: "\udc00")["public.readers", "note"]

    with pytest.raises(SettingError, match="gave what is no short_text") as caught:
        mask.apply("x", KEY)

    assert caught.value.hint.startswith("mend the package")


@pytest.mark.parametrize(
    ("mask", "said", "hint"),
    [
        ("name: null", '"name" is no column of a table', "write it as table.column"),
        ("readers.card: 7", '"readers.card": 7 is no strategy', "write hash, format"),
        ("readers.card: constant", "'constant' is no strategy", "write hash, format"),
        ("readers.card: 'two words'", "'two words' is no strategy", "write hash, format"),
        ("readers.card: {constant: null}", "the constant is null", "write null in place"),
        ("readers.card: {hash: 7}", "a mapping has the key constant and no other", "write hash, format"),
        ("readers.card: hash", "is character(8): a hash has 16 characters or more", "use format"),
        ("readers.code: hash", "is character varying(12)", "use format"),
        ("readers.score: hash", "is of type smallint", "hash masks text, uuid and bytea; use format"),
        ("readers.born: format", "is of type date", "use null, {constant: value}, generator, or a strategy"),
        ("readers.tags: hash", "is of type text[]", "use null"),
        ("notes.id: format", "is of type uuid", "format masks text and integers; use hash"),
        ("readers.score: {constant: many}", "cannot be 'many'", "give a value of type smallint"),
        ("readers.address: {constant: {town: x}}", "values of place have parts", "give a value of type place"),
        ("readers.name: null", "cannot be NULL", "use another strategy"),
        ("readers.email: null", "is tied to other columns by references", "use hash, format"),
        ("loans.reader: {constant: x}", "loans.reader is tied to other columns by references: public.letters.by,",
         "use hash, format"),
        ("readers.code: {constant: x}", "must differ from row to row (code is unique)", "use hash, format"),
        ("readers.id: format", "is filled from a sequence", "leave it as it is"),
        ("readers.initial: hash", "is computed by the database", "mask the columns that it is computed from"),
        ("loans.kind: format", "decides in which partition a row lies", "mask other columns"),
        ("loans.subject_type: hash", "says to which table others refer", "mask other columns"),
        ("readers.name: generator", "has no generator", 'say under "columns:" of the same file'),
        ("readers.card: mask_card", 'there is no strategy "mask_card"',
         "built in: hash, format, generator, null, constant; installed: mine"),
    ],
)  # fmt: skip
def test_a_mask_that_cannot_be_is_refused(mask: str, said: str, hint: str) -> None:
    """The error has file and line, says what is wrong, and what fits."""
    with pytest.raises(CatalogError) as caught:
        resolve(mask, more=REFERENCES, mine=lambda value, _key: value)

    assert caught.value.message.startswith("library/domain.yaml:6: ")
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(("mask", "hint"), [("raeders.name: null", "readers"), ("readers.nam: null", "name")])
def test_a_name_that_is_written_wrong_is_not_passed_over(mask: str, hint: str) -> None:
    """Its values would get into the baseline as they are."""
    with pytest.raises(SchemaMismatch, match=r"library/domain\.yaml:3") as caught:
        resolve(mask)

    assert hint in caught.value.hint


def test_a_reference_that_does_not_fit_is_not_passed_over() -> None:
    """The column that was meant would keep the values that are masked where it refers to."""
    with pytest.raises(SchemaMismatch, match=r"library/domain\.yaml:3") as caught:
        resolve("readers.email: format", more="references:\n  - {table: notes, columns: [bye], to: readers}\n")

    assert "by" in caught.value.hint


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("readers.email: format", "loans.reader: hash"),
        ("readers.note: {constant: 1}", "readers.note: {constant: '1'}"),
        ("notes.text: null", "letters.text: format"),
    ],
)
def test_two_masks_of_what_is_tied_are_refused(first: str, second: str) -> None:
    """The error names both places."""
    with pytest.raises(CatalogError, match=r"library/domain\.yaml:3") as caught:
        resolve(first, second=second)

    assert "other/domain.yaml:3" in caught.value.message
    assert "give both the same mask, or remove one" in caught.value.hint


def test_text_that_tells_case_apart_is_not_hashed_with_text_that_does_not() -> None:
    """One of the two would get equal hashes for different values, or different ones for equal values."""
    columns = (
        dataclasses.replace(READERS.columns[1], type="citext") if one.name == "email" else one
        for one in READERS.columns
    )
    readers = dataclasses.replace(READERS, columns=tuple(columns))
    schema = dataclasses.replace(SCHEMA, tables={**SCHEMA.tables, readers.id: readers})

    with pytest.raises(CatalogError, match="tells case apart, or does not") as caught:
        resolve("readers.email: hash", schema=schema)

    assert "use format" == caught.value.hint
    assert resolve("readers.email: format", schema=schema)


def test_periods_of_a_key_are_not_masked() -> None:
    """The ranges of a parent cover those of a child: no mask of single values keeps that."""
    stays = table("stays", Column(name="room", type="integer"), Column(name="at", type="daterange"))
    key = ForeignKey(
        name="k", columns=("room", "at"), parent="public.stays", parent_columns=("room", "at"), period=True
    )
    meals = table("meals", *stays.columns, foreign_keys=(key,))
    schema = Schema(tables={one.id: one for one in (stays, meals)})

    with pytest.raises(CatalogError, match="is among the periods of a key") as caught:
        resolve("stays.at: mine", schema=schema, mine=lambda value, _key: value)

    assert "mask other columns" in caught.value.hint
    assert {"stays.room", "meals.room"} == strategies_of(resolve("stays.room: format", schema=schema)).keys()


def test_a_generator_that_never_fits_is_told_at_once() -> None:
    """No row is needed to see that every value of its list breaks a condition."""
    with pytest.raises(CatalogError, match="gets no value from values Maximiliana") as caught:
        resolve("readers.name: generator", more="columns:\n  readers.name: {values: [Maximiliana]}\n")

    assert "give values that its type and conditions allow" == caught.value.hint


@pytest.mark.parametrize("section", ["masks: [a]", "masks: x"])
def test_a_section_of_another_kind_is_refused(section: str) -> None:
    """As in every other section, with file and line."""
    with pytest.raises(AtdmError, match=r"library/domain\.yaml:2") as caught:
        load_catalog({"library/domain.yaml": f"title: L\n{section}\n"}).domain("library")

    assert "catalog reference" in caught.value.hint


def test_checks_judge_masked_rows() -> None:
    """A CHECK that reads a masked column is tried; one that is false, or raises, refuses; what is not known passes."""
    checks = (
        Check(name="short", expression="(length(name) < 9)"),
        Check(name="old", expression="(born < '2020-01-01'::date)"),
        Check(name="numbers", expression="((name)::integer > 0)"),
    )
    readers = dataclasses.replace(READERS, checks=checks)
    schema = dataclasses.replace(SCHEMA, tables={readers.id: readers})

    def refused(masked: str, **row: str | None) -> str:
        found = find_refused(find_checks(schema, readers.id, {masked}), [row], readers, schema)
        return found.id if found is not None else ""

    assert "" == refused("name", name="12345678")
    assert "check:short" == refused("name", name="123456789")
    assert "check:numbers" == refused("name", name="Ada")
    assert "" == refused("name", name=None)
    assert "check:old" == refused("born", born="2020-01-02", name="ignored and long")
    assert "" == refused("born", born="infinite")
    assert "" == refused("score", name="123456789")

"""Masked baselines: nothing of what a column held is in them, and they can be restored."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from pytest_atdm.core.catalog import load_catalog
from pytest_atdm.core.errors import AtdmError, CatalogError, SettingError
from pytest_atdm.realistic import iter_realistic
from seeder.baselines.manifest import ROW_HASH
from seeder.baselines.masking import Masking
from seeder.baselines.strategies import InstalledStrategies
from seeder.baselines.taking import take_baseline
from seeder.baselines.usecases import Baselines
from tests.database.world import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_atdm.core.catalog import Catalog
    from seeder.baselines.manifest import Manifest
    from tests.baselines.site import Site

    MakeSite = Callable[..., Site]

KEY = "a key of these tests"
DDL = """
CREATE EXTENSION citext;
CREATE DOMAIN account AS varchar(30) CHECK (length(VALUE) > 3);
CREATE TABLE readers (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext UNIQUE NOT NULL,
    name varchar(40) NOT NULL CHECK (length(name) BETWEEN 5 AND 9), ssn text, card char(8), token uuid, raw bytea,
    account account, born date, initial text GENERATED ALWAYS AS (left(name, 1)) STORED, member bool NOT NULL
);
CREATE UNIQUE INDEX ON readers (lower(ssn));
INSERT INTO readers (email, name, ssn, card, token, raw, account, born, member)
    SELECT 'Reader' || i || '@Example.com', 'Person' || i, CASE WHEN i <> 17 THEN '123-45-' || (6000 + i) END,
        'CARD' || i,
        ('0e37df36-f698-11e6-8dd4-cb9ced3df9' || i)::uuid, decode('c0ffee' || i, 'hex'), 'DE-77' || i,
        date '1990-01-01' + i, true
    FROM generate_series(10, 60) i;
CREATE TABLE copies (
    branch text, number int, from_branch text, from_number int, PRIMARY KEY (branch, number),
    FOREIGN KEY (from_branch, from_number) REFERENCES copies
);
INSERT INTO copies SELECT 'North' || i % 3, 4000 + i FROM generate_series(1, 30) i;
UPDATE copies SET from_branch = 'North1', from_number = 4001 WHERE number > 4010;
CREATE TABLE loans (
    id int PRIMARY KEY, reader citext REFERENCES readers (email) ON UPDATE CASCADE, branch text, number bigint,
    note text, remark text NOT NULL, FOREIGN KEY (branch, number) REFERENCES copies
);
INSERT INTO loans
    SELECT i, lower('Reader' || 10 + i || '@Example.com'), 'North' || i % 3, 4000 + i, 'called Ada', 'rude'
    FROM generate_series(1, 30) i;
CREATE TABLE notes (id int PRIMARY KEY, written_by citext NOT NULL, about text);
CREATE TABLE letters (street text) INHERITS (notes);
INSERT INTO notes VALUES (1, 'Reader12@Example.com', 'Secret one');
INSERT INTO letters VALUES (2, 'Reader13@Example.com', 'Secret two', 'Privet Drive 4');
CREATE TABLE visits (at int, who citext REFERENCES readers (email), UNIQUE (at, who)) PARTITION BY RANGE (at);
CREATE TABLE visits_early PARTITION OF visits FOR VALUES FROM (0) TO (50);
CREATE TABLE visits_late PARTITION OF visits DEFAULT;
INSERT INTO visits SELECT i, 'Reader' || 10 + i % 9 || '@Example.com' FROM generate_series(1, 99) i;
"""
DOMAIN = r"""
title: Library
columns:
  readers.name: {mimesis: person.first_name}
references:
  - {table: notes, columns: [written_by], to: readers, to_columns: [email]}
masks:
  readers.email: format
  readers.name: generator
  readers.ssn: hash
  readers.card: format
  readers.token: hash
  readers.raw: hash
  readers.account: hash
  readers.born: {constant: 2000-01-01}
  copies.branch: format
  copies.number: format
  loans.note: null
  loans.remark: {constant: removed}
  notes.about: 'null'
  letters.street: format
"""
ORIGINALS = (
    "Reader", "Example", "Person", "123-45-", "CARD", "0e37df36", "c0ffee", "DE-77", "1990", "North", "Ada", "rude",
    "Secret", "Privet",
)  # fmt: skip
HELD_TOGETHER = """
SELECT (SELECT count(*) FROM loans JOIN readers ON email = reader),
    (SELECT count(*) FROM loans JOIN copies USING (branch, number)),
    (SELECT count(*) FROM copies c JOIN copies f ON (f.branch, f.number) = (c.from_branch, c.from_number)),
    (SELECT count(*) FROM notes JOIN readers ON email = written_by),
    (SELECT count(*) FROM visits JOIN readers ON email = who),
    (SELECT count(DISTINCT who) FROM visits), (SELECT count(*) FROM readers WHERE ssn IS NULL)
"""


def read(domain: str) -> Catalog:
    """The catalog of one domain."""
    return load_catalog({"library/domain.yaml": domain.lstrip()}, iter_realistic)


def take(site: Site, name: str, *, domain: str = DOMAIN, key: str | None = KEY, **more: Any) -> Manifest:
    """Take a baseline with the masks of the domain."""
    masking = Masking(read(domain), InstalledStrategies(), key)
    return site.wait(take_baseline(settings(site.url), site.store, name, actor="tests", masking=masking, **more))


def read_cells(site: Site, manifest: Manifest) -> dict[str, list[Any]]:
    """Every value in the files by table and column."""
    found: dict[str, list[Any]] = {}
    for table in manifest.tables:
        with site.shelf.open_file(table) as path:
            found |= {f"{table.table}.{name}": cells for name, cells in pq.read_table(path).to_pydict().items()}
    return found


def masked_columns(manifest: Manifest) -> set[str]:
    """The columns whose values are made up."""
    return {f"{table.table}.{column.name}" for table in manifest.tables for column in table.columns if column.masked}


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A library."""
    return make_site(DDL)


def test_no_original_value_is_in_a_file(site: Site) -> None:
    """Of masked columns, those tied to them, and leaf partitions; other columns are as they were, NULL stays NULL."""
    manifest = take(site, "masked")

    cells = read_cells(site, manifest)
    texts = [str(cell) for column in cells.values() for cell in column]

    assert not [(text, one) for text in texts for one in ORIGINALS if one in text]
    assert not {cell for column in ("copies.number", "loans.number") for cell in cells[f"public.{column}"]} & {
        *range(4001, 4031)
    }
    assert {
        "public.readers.name", "public.readers.email", "public.readers.ssn", "public.readers.card",
        "public.readers.token", "public.readers.raw", "public.readers.account", "public.readers.born",
        "public.copies.branch", "public.copies.number", "public.copies.from_branch", "public.copies.from_number",
        "public.loans.reader", "public.loans.branch", "public.loans.number", "public.loans.note",
        "public.loans.remark", "public.notes.written_by", "public.letters.written_by", "public.notes.about",
        "public.letters.about", "public.letters.street", "public.visits_early.who", "public.visits_late.who",
    } == masked_columns(manifest)  # fmt: skip
    assert list(range(1, 31)) == cells["public.loans.id"]
    assert {None} == set(cells["public.loans.note"])
    assert {"removed"} == set(cells["public.loans.remark"])
    assert [None] * 51 == cells[f"public.readers.{ROW_HASH}"]
    assert 51 == len(set(cells["public.readers.email"])) == len(set(cells["public.readers.account"]))


def test_a_masked_baseline_is_restored(site: Site) -> None:
    """References hold as before, by virtual ones too; after it there is nothing that differs."""
    held = site.wait(site.sut.fetchrow(HELD_TOGETHER))
    before = site.state()
    take(site, "masked")

    first, standing, second = site.restore("masked"), site.state(), site.restore("masked")

    assert held == site.wait(site.sut.fetchrow(HELD_TOGETHER))
    assert before != standing
    assert before.keys() == standing.keys()
    assert not [text for texts in standing.values() for text in texts for one in ORIGINALS if one in text]
    assert 51 == first.tables["public.readers"].changes
    assert (0, 0, ()) == (second.changes, site.compare("masked").changes, site.compare("masked").sequences)
    assert standing == site.state()


def test_masked_rows_are_brought_back_from_any_state(site: Site) -> None:
    """What was changed since is found, as with any baseline."""
    take(site, "masked")
    site.restore("masked")
    standing = site.state()
    site.execute(
        "UPDATE readers SET name = 'Charlie' WHERE id = 3; DELETE FROM visits WHERE at < 9; DELETE FROM letters"
    )

    report = site.restore("masked")

    assert standing == site.state()
    assert {"public.readers", "public.visits_early", "public.letters"} == {
        name for name, changes in report.tables.items() if changes.changes
    }


def test_foreign_keys_of_partitions_tie_too(make_site: MakeSite) -> None:
    """One that a partition alone has, and one that refers to a partition alone."""
    site = make_site(
        "CREATE TABLE people (code text UNIQUE); INSERT INTO people VALUES ('Ada'), ('Bo')",
        "CREATE TABLE stays (code text, at int, UNIQUE (code, at)) PARTITION BY RANGE (at)",
        "CREATE TABLE stays_early PARTITION OF stays FOR VALUES FROM (0) TO (9)",
        "CREATE TABLE stays_late PARTITION OF stays FOR VALUES FROM (9) TO (99)",
        "ALTER TABLE stays_early ADD FOREIGN KEY (code) REFERENCES people (code), ADD UNIQUE (code)",
        "CREATE TABLE meals (code text REFERENCES stays_early (code))",
        "INSERT INTO stays VALUES ('Ada', 1), ('Bo', 2), ('Cleo', 12); INSERT INTO meals VALUES ('Ada')",
    )

    manifest = take(site, "masked", domain="title: P\nmasks: {people.code: hash}\n")
    site.restore("masked")

    cells = read_cells(site, manifest)
    assert {f"public.{table}.code" for table in ("people", "stays_early", "stays_late", "meals")} == (
        masked_columns(manifest)
    )
    assert set(cells["public.people.code"]) == set(cells["public.stays_early.code"])
    assert set(cells["public.meals.code"]) < set(cells["public.people.code"])


def test_with_a_key_values_are_the_same_each_time(site: Site) -> None:
    """Two baselines of one state are equal with one key, and differ in all keyed values with two or none."""
    first, again, other, none, none_again = (
        take(site, name, key=key)
        for name, key in {"first": KEY, "again": KEY, "other": KEY[::-1], "none": None, "none-again": None}.items()
    )

    cells = read_cells(site, first)

    assert first.content == again.content
    assert cells == read_cells(site, again)
    assert 4 == len({one.content for one in (first, other, none, none_again)})
    for manifest in (other, none, none_again):
        theirs = read_cells(site, manifest)
        assert not set(cells["public.readers.email"]) & set(theirs["public.readers.email"])
        assert not set(cells["public.readers.ssn"]) & set(theirs["public.readers.ssn"]) - {None}


def test_the_digest_of_a_baseline_tells_nothing_of_originals(site: Site) -> None:
    """It depends on masked values and on what is not masked; a value that a constant stands for does not count."""
    domain = "title: Library\nmasks: {loans.remark: {constant: removed}}\n"
    first = take(site, "first", domain=domain)
    site.execute("UPDATE loans SET remark = 'polite' WHERE id = 3")
    masked = take(site, "masked", domain=domain)
    site.execute("UPDATE loans SET note = 'called Bo' WHERE id = 3")
    changed = take(site, "changed", domain=domain)
    other = take(site, "other", domain=domain.replace("removed", "gone"))

    assert first.content == masked.content
    assert 3 == len({masked.content, changed.content, other.content})


def test_each_value_is_masked_however_many_blocks_there_are(make_site: MakeSite) -> None:
    """Large tables are masked block by block, equal values alike."""
    site = make_site(
        "CREATE TABLE big (id int, code text, flag bool, small smallint)",
        "INSERT INTO big SELECT i, 'code' || i % 100, i % 2 = 0, i % 7 FROM generate_series(1, 60000) i",
    )
    manifest = take(
        site, "big", domain="title: B\nmasks: {big.code: format, big.small: format, big.flag: {constant: true}}\n"
    )

    cells = read_cells(site, manifest)

    assert 60_000 == manifest.rows
    pairs = set(zip((one % 100 for one in cells["public.big.id"]), cells["public.big.code"], strict=True))
    assert 100 == len(pairs) == len({code for _, code in pairs})
    assert {True} == set(cells["public.big.flag"])
    assert 7 == len(set(zip((one % 7 for one in cells["public.big.id"]), cells["public.big.small"], strict=True)))


PACKAGE = """
import hashlib

def mask_card(value, key):
    return hashlib.blake2b(value.encode(), key=key, digest_size=4).hexdigest()

def leak(value, key):
    raise ValueError(value)

number = 7
"""
ENTRY_POINTS = """[pytest_atdm.masks]
mask_card = {name}:mask_card
leak = {name}:leak
absent = {name}:absent
number = {name}:number
"""


def install(folder: Path, name: str, *, entry_points: str = ENTRY_POINTS) -> None:
    """Install a package of masks in the folder."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}.py").write_text(PACKAGE)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points.format(name=name))


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The module of an installed package of masks."""
    install(tmp_path / "site", "acme_masks")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "acme_masks", raising=False)
    return "acme_masks"


def test_a_strategy_of_an_installed_package_masks(site: Site, acme: str) -> None:
    """It is loaded only where a catalog uses it, and gets value and key."""
    take(site, "without")
    assert acme not in sys.modules

    manifest = take(site, "with", domain="title: L\nmasks: {readers.card: mask_card}\n")

    cards = read_cells(site, manifest)["public.readers.card"]
    assert acme in sys.modules
    assert 51 == len({card for card in cards if len(card) == 8 and "CARD" not in card})
    site.restore("with")
    assert sorted(cards) == [
        card for (card,) in site.wait(site.sut.fetch('SELECT card FROM readers ORDER BY card COLLATE "C"'))
    ]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("leak", "strategy leak of the package acme-masks raised ValueError", "mend the package"),
        (
            "absent",
            'strategy "absent" of the package acme-masks cannot be loaded: AttributeError',
            "mend acme_masks:absent",
        ),
        ("number", 'strategy "number" of the package acme-masks is no function', "let acme_masks:number be called"),
    ],
)
def test_a_package_that_does_not_work_is_named(site: Site, name: str, said: str, hint: str) -> None:
    """Nothing is in the store then, and no value in the error."""
    with pytest.raises(SettingError) as caught:
        take(site, "failed", domain=f"title: L\nmasks: {{readers.card: {name}}}\n")

    assert said in caught.value.message
    assert hint in caught.value.hint
    assert "CARD10" not in repr(caught.value)
    assert () == site.store.names("baselines/")


@pytest.mark.usefixtures("acme")
def test_one_name_in_two_packages_is_refused(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them masks would depend on the order of installation."""
    install(tmp_path / "more", "more_masks")
    monkeypatch.syspath_prepend(tmp_path / "more")

    with pytest.raises(SettingError, match="in several packages: acme-masks, more-masks") as caught:
        take(site, "failed", domain="title: L\nmasks: {readers.card: mask_card}\n")

    assert "remove all of them but one" == caught.value.hint


def test_values_that_a_check_refuses_are_told_at_once(make_site: MakeSite) -> None:
    """The error names mask, CHECK and table, and no value; nothing is in the store."""
    site = make_site(
        "CREATE TABLE calls (id int, phone text CHECK (phone LIKE '+49%'), place text)",
        "INSERT INTO calls VALUES (1, '+49 4711', 'Kiel')",
    )

    with pytest.raises(CatalogError) as caught:
        take(site, "failed", domain="title: L\nmasks: {calls.phone: format, calls.place: format}\n")

    assert "library/domain.yaml:2: constraint calls_phone_check of public.calls refuses" in caught.value.message
    assert "use generator" in caught.value.hint
    assert "4711" not in repr(caught.value)
    assert () == site.store.names("baselines/")


def test_the_audit_log_and_the_description_say_what_was_masked(site: Site) -> None:
    """By column, with the strategy; of some tables, those columns alone; the columns stand in the description too."""
    baselines = Baselines(site.database, settings(site.url, mask_key=KEY), read(DOMAIN), site.store)

    taken = site.wait(
        baselines.take("some", actor="tests", tables=["public.copies", "public.visits"], tell=lambda _: None)
    )

    detail = json.loads(
        site.fetch(
            "SELECT body::json ->> 'detail' FROM atdm.audit_event WHERE body::json ->> 'kind' = 'baseline_taken'"
        )
    )
    assert {
        "public.copies.branch": "format", "public.copies.from_branch": "format", "public.copies.from_number": "format",
        "public.copies.number": "format", "public.visits.who": "format",
    } == detail["masked"]  # fmt: skip
    assert [("branch", "number", "from_branch", "from_number"), ("who",), ("who",)] == [
        one.masked for one in taken.tables
    ]


def test_a_mask_that_does_not_fit_leaves_nothing(site: Site) -> None:
    """It is refused before any row is read."""
    with pytest.raises(AtdmError, match="is of type date") as caught:
        take(site, "failed", domain="title: L\nmasks: {readers.born: hash}\n")

    assert "hash masks text, uuid and bytea" in caught.value.hint
    assert () == site.store.names("baselines/")

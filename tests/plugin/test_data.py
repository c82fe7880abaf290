"""What a test sees of its rows."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pytest_atdm._data import AtdmData, Facts, Row
from pytest_atdm.emit.bundle import FixtureBundle, FixtureEntity

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

AS_OF = datetime.date(2026, 1, 31)
NO_COLUMN = r'sale has no column "prize"; did you mean "price"\?'
NO_ENTITY = r'the scenario sale has no entity "sail"; did you mean "sale"\?'
ROW = {"id": 7, "price": Decimal("1.50"), "items": 3, "made_on": AS_OF}


def make_data(**entities: FixtureEntity) -> AtdmData:
    """Return the data of a request with these entities."""
    bundle = FixtureBundle(
        scenario="sale",
        intent="",
        expects="",
        requirements=(),
        request_id="01JD0000000000000000000001",
        run_id="01JD0000000000000000000000",
        as_of=AS_OF,
        plan_hash="sha256:0",
        entities=entities,
    )
    facts = Facts(
        scenario="sale",
        expects="",
        requirements=(),
        request_id=bundle.request_id,
        run_id=bundle.run_id,
        as_of=AS_OF,
        audit_url="",
    )
    return AtdmData(bundle, facts, lambda name, **overrides: (name, overrides))  # type: ignore[arg-type]


def one(*rows: dict[str, object], many: bool = False) -> FixtureEntity:
    """Return an entity of these rows."""
    return FixtureEntity(table="public.sales", columns=(), rows=rows, many=many)


def test_a_row_is_read_by_attribute_by_item_and_as_mapping() -> None:
    """A row is a mapping whose columns are attributes as well."""
    row = Row("sale", ROW)

    assert row.price == row["price"] == Decimal("1.50")
    assert dict(row) == ROW
    assert row == ROW
    assert row == Row("other", ROW)
    assert row != Row("sale", {**ROW, "id": 8})
    assert list(row) == ["id", "price", "items", "made_on"]


def test_a_column_named_like_a_method_is_reached_by_item() -> None:
    """The method wins as attribute, the column as item."""
    row = Row("sale", ROW)

    assert row["items"] == 3
    assert ("id", 7) in row.items()


def test_a_row_shows_itself_readably() -> None:
    """The repr names the entity and every value."""
    expected = "sale(id=7, price=Decimal('1.50'), items=3, made_on=datetime.date(2026, 1, 31))"

    assert expected == repr(Row("sale", ROW))


def test_nothing_can_be_set_or_deleted() -> None:
    """Rows and data show the database; a change would lie."""
    data = make_data(sale=one(ROW))

    with pytest.raises(AttributeError, match=r"sale\.price cannot be set"):
        data.sale.price = 2
    with pytest.raises(AttributeError, match=r"sale\.price cannot be set"):
        del data.sale.price
    with pytest.raises(TypeError):
        data.sale["price"] = 2
    with pytest.raises(AttributeError, match=r"atdm_data\.sale cannot be set"):
        data.sale = None
    with pytest.raises(AttributeError, match=r"atdm_data\.sale cannot be set"):
        del data.sale


def test_a_misspelt_column_or_entity_names_the_nearest() -> None:
    """Both ways of access say what to write instead."""
    data = make_data(sale=one(ROW))

    with pytest.raises(AttributeError, match=NO_COLUMN):
        _ = data.sale.prize
    with pytest.raises(KeyError, match=NO_COLUMN):
        _ = data.sale["prize"]
    with pytest.raises(AttributeError, match=NO_ENTITY):
        _ = data.sail
    with pytest.raises(KeyError, match=NO_ENTITY):
        _ = data["sail"]
    with pytest.raises(KeyError, match=NO_ENTITY):
        data.rows("sail")


def test_an_entity_with_a_count_is_a_tuple() -> None:
    """One row and many rows differ by the scenario, not by how many there are; ``rows`` does not mind."""
    data = make_data(sale=one(ROW), line=one({"id": 1}, many=True))

    assert isinstance(data.sale, Row)
    assert data["line"] == ({"id": 1},)
    assert data.rows("sale") == (data.sale,)
    assert data.rows("line") == data.line


def test_an_entity_named_like_a_method_is_reached_by_item() -> None:
    """The reserved names are rows, request and facts."""
    data = make_data(rows=one(ROW), facts=one(ROW))

    assert data["rows"].id == data["facts"].id == 7
    assert data.facts.scenario == "sale"


def test_data_are_equal_where_their_rows_are() -> None:
    """Ids of request and run do not count; order of entities does not either."""
    assert make_data(a=one(ROW), b=one(ROW)) == make_data(b=one(ROW), a=one(ROW))
    assert make_data(a=one(ROW)) != make_data(a=one({**ROW, "id": 8}))
    assert {"sale"} == {name for name in make_data(sale=one(ROW)) if name in make_data(sale=one(ROW))}


def test_data_show_themselves_and_complete_their_names() -> None:
    """Repr and dir are for people at a prompt."""
    data = make_data(sale=one({"id": 7}))

    assert repr(data) == "<sale: sale=sale(id=7)>"
    assert "sale" in dir(data)
    assert "id" in dir(data.sale)


def test_values_come_from_the_database_as_python_has_them(suite: Suite) -> None:
    """Dates, decimals, uuids and keys that the database allots are in the rows, typed."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_types(atdm_data):
            assert type(atdm_data.loan.lent_on) is datetime.date
            assert type(atdm_data.reader.reader_id) is uuid.UUID
            assert atdm_data.book.price == decimal.Decimal("12.50")
            assert type(atdm_data.loan.loan_id) is int
            assert atdm_data.loan.book_id == atdm_data.book.book_id
            assert atdm_data.loan.returned_on is None
            assert atdm_data.genre == {"code": "crime", "title": "Crime"}

        @atdm_scenario("reader_with_books", books=3)
        def test_count(atdm_data):
            assert len(atdm_data.book) == 3
            assert {book.genre for book in atdm_data.book} == {"poems"}

        @atdm_scenario("overdue_loan")
        def test_stands_in_the_database(atdm_data, atdm_database_url):
            (row,) = fetch(atdm_database_url, "SELECT * FROM loans WHERE loan_id = $1", atdm_data.loan.loan_id)
            assert atdm_data.loan == row
        """
    )

    suite.run().assert_outcomes(passed=3)


def test_facts_say_where_the_rows_come_from(suite: Suite) -> None:
    """Scenario, expectation, requirements, ids and the day are there; a token is not."""
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_facts(atdm_data, atdm_run):
            facts = atdm_data.facts
            assert (facts.scenario, facts.expects) == ("overdue_loan", "The reader is reminded.")
            assert facts.requirements == ("REQ-LIB-1",)
            assert facts.as_of == atdm_run.as_of == datetime.date(2026, 1, 31)
            assert facts.run_id == atdm_run.run_id == atdm_run.session_id
            assert len(facts.request_id) == 26
            assert facts.fixtures == {}
            assert atdm_run.run_id in atdm_run.audit_url and atdm_run.run_id in facts.audit_url
            assert "token" not in repr(facts) + repr(atdm_run) + repr(dir(atdm_data))
        """
    )

    suite.run("--atdm-as-of=2026-01-31").assert_outcomes(passed=1)


def test_a_second_request_in_mid_test_goes_with_the_test(suite: Suite) -> None:
    """``request`` seeds more rows, of the same kind of object, which are removed with the mark's."""
    before = suite.read_all_rows()
    suite.write(
        """
        @atdm_scenario("overdue_loan")
        def test_more(atdm_data, atdm_database_url):
            more = atdm_data.request("reader_with_books", books=4)
            again = more.request("overdue_loan")
            assert type(more) is type(atdm_data)
            assert len(more.book) == 4
            assert len({atdm_data.reader.card, more.reader.card, again.reader.card}) == 3
            assert len(fetch(atdm_database_url, "SELECT FROM readers")) >= 3
        """
    )

    result = suite.run()

    result.assert_outcomes(passed=1)
    assert before == suite.read_all_rows()


def test_a_wrong_request_in_mid_test_fails_the_test_alone(suite: Suite) -> None:
    """The error is ATDM's, with its hint, where the test can catch it; cleanup happens all the same."""
    before = suite.read_all_rows()
    suite.write(
        """
        from pytest_atdm import AtdmError

        @atdm_scenario("overdue_loan")
        def test_more(atdm_data):
            with pytest.raises(AtdmError, match="did you mean"):
                atdm_data.request("overdue_lone")
        """
    )

    suite.run().assert_outcomes(passed=1)
    assert before == suite.read_all_rows()


def test_atdm_data_without_a_mark_says_what_is_missing(suite: Suite) -> None:
    """The fixture alone asks for nothing: an error at setup that names the mark."""
    suite.write("def test_a(atdm_data): pass")

    result = suite.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*test_a takes atdm_data, and no scenario is asked for*", '*put @atdm_scenario("name")*']
    )


def test_a_volume_counts_all_rows_and_shows_the_first() -> None:
    """Its length is that of the whole; rows beyond those that travelled are an error that says where they are."""
    listed = FixtureEntity(table="public.sales", columns=(), rows=(ROW, {**ROW, "id": 8}), many=True, more=1_998)

    sales = make_data(sale=listed).sale

    assert (2_000, 2) == (len(sales), len(sales.listed))
    assert (7, 8) == (sales[0].id, sales[1].id)
    assert sales.listed == sales[:2] == make_data(sale=listed).rows("sale")
    assert "<2000 rows of sale, the first sale(id=7" in repr(sales)
    with pytest.raises(LookupError, match=r"row 1999 of sale stands in the database only: of the 2000 rows .* first 2"):
        sales[-1]
    with pytest.raises(IndexError):
        sales[2_000]

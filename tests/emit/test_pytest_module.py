"""The pytest module that a request leaves behind."""

from __future__ import annotations

import dataclasses
import datetime
import subprocess
import sys
from decimal import Decimal
from textwrap import dedent
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.emit.pytest_module import PytestModule, render_pytest_module
from tests.emit.bundles import SHOP, make_bundle_of

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = '''\
"""Rows of the scenario late_order, fixture format 1.

Intent: An order that was placed yesterday and is still not paid.
Expects: The shop sends a reminder.
Requirements: REQ-ORD-001, REQ-ORD-002
Request 01JD0000000000000000000002 of run 01JD0000000000000000000001, as of 2026-01-31.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Where the rows come from."""

    scenario: str
    request_id: str
    run_id: str
    as_of: datetime.date
    plan_hash: str
    expects: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A row of the table public.orders."""

    id: int
    reference: UUID
    total: Decimal
    placed_on: datetime.date
    changed_at: datetime.datetime
    cancelled_on: datetime.date | None
    note: str | None
    extras: Any | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A row of the table public.order_lines."""

    order_id: int
    class_: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The entities of the scenario."""

    order: Order
    lines: tuple[Lines, ...]


REQUEST: Final = Request(
    scenario="late_order",
    request_id="01JD0000000000000000000002",
    run_id="01JD0000000000000000000001",
    as_of=datetime.date(2026, 1, 31),
    plan_hash="sha256:abababababababababababababababababababababababababababababababab",
    expects="The shop sends a reminder.",
    requirements=("REQ-ORD-001", "REQ-ORD-002"),
)

DATA: Final = Data(
    order=Order(
        id=41,
        reference=UUID("6f1c2a52-7a57-4d0e-9c1d-0b7e43c8f1aa"),
        total=Decimal("120.50"),
        placed_on=datetime.date(2026, 1, 30),
        changed_at=datetime.datetime.fromisoformat("2026-01-31T08:30:00+00:00"),
        cancelled_on=None,
        note='FAKE "note"',
        extras={"gift": True, "tags": ["a", "b"]},
    ),
    lines=(
        Lines(
            order_id=41,
            class_="FAKE_A",
        ),
        Lines(
            order_id=41,
            class_=None,
        ),
    ),
)


@pytest.fixture
def atdm_late_order() -> Data:
    """The rows of the scenario as the database returned them."""
    return DATA
'''

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(datetime.UTC)),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=12,
    ),
)


def load(source: str) -> dict[str, object]:
    """Return the names of the module *source* after its import."""
    names: dict[str, object] = {"__name__": "atdm_loaded"}
    module = type(sys)("atdm_loaded")
    sys.modules["atdm_loaded"] = module  # dataclasses look their module up
    exec(compile(source, "atdm_loaded.py", "exec"), module.__dict__)
    return names | module.__dict__


def test_the_module_is_this_text() -> None:
    """The whole module, as a reader finds it."""
    assert render_pytest_module(SHOP) == EXPECTED


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two emissions of one bundle are equal byte by byte, and the second replaces the first."""
    first = PytestModule().emit(SHOP, tmp_path / "new")
    content = first.read_bytes()

    second = PytestModule().emit(SHOP, tmp_path / "new")

    assert (second, second.read_bytes()) == (tmp_path / "new" / "atdm_late_order.py", content)
    assert [path.name for path in second.parent.iterdir()] == ["atdm_late_order.py"]


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_any_value_comes_back_equal(values: list[object]) -> None:
    """Whatever the values, the module compiles and holds values that are equal and of the same type."""
    row = {f"column_{index}": value for index, value in enumerate(values)}

    data = load(render_pytest_module(make_bundle_of(row)))["DATA"]

    loaded = dataclasses.asdict(data)["thing"]  # type: ignore[call-overload]
    assert loaded == row
    assert [type(value) for value in loaded.values()] == [type(value) for value in values]


@given(st.lists(st.text(), min_size=1, max_size=5, unique=True), st.text(), st.text())
def test_any_name_compiles(columns: list[str], entity: str, scenario: str) -> None:
    """Whatever columns, entity and scenario are called, and whatever the prose says, the module compiles."""
    bundle = make_bundle_of(dict.fromkeys(columns, "x"), entity=entity)
    bundle = dataclasses.replace(bundle, scenario=scenario, intent=scenario, expects=entity)

    names = load(render_pytest_module(bundle))

    data = names["DATA"]
    (rows,) = dataclasses.asdict(data).values()  # type: ignore[call-overload]
    assert len(rows) == len(columns)
    assert names["REQUEST"].expects == entity  # type: ignore[attr-defined]


@given(st.lists(VALUES, min_size=1, max_size=8), st.text(), st.text())
def test_no_line_ends_in_blanks(values: list[object], entity: str, prose: str) -> None:
    """No line of the module ends in blanks, and it ends with one newline."""
    bundle = make_bundle_of({f"c{index}": value for index, value in enumerate(values)}, entity=entity)

    text = render_pytest_module(dataclasses.replace(bundle, intent=prose, expects=prose))

    assert [line for line in text.split("\n") if line != line.rstrip(" ")] == []
    assert text.endswith("DATA\n")


def test_ruff_and_mypy_accept_the_module(tmp_path: Path) -> None:
    """``ruff format``, ``ruff check`` and ``mypy --strict`` have nothing to say, whatever the line length."""
    awkward = {
        "class": 'say "hi" and \'bye\' \\ """',
        'SPECIAL "@/\\#~_-': "tab\tnewline\n\x00\u202e",
        "int": 1,
        "datetime": datetime.datetime(2026, 1, 31, 8, 30, 1, 5),
        "__secret": b"\x00'\"",
        "größe": Decimal("1E+400"),
        "deep": {"list": [{"a": [1, 2, 3], "b": "x" * 120}, ["word " * 6] * 4], "empty": {}, "none": []},
        "a_column_with_quite_a_long_name_that_fills_the_line": datetime.datetime.now(datetime.UTC),
        "span": datetime.timedelta(days=-3, microseconds=5),
        "wide": ["漢字" * 20, "漢字" * 20],
        "infinite": float("-inf"),
    }
    bundle = make_bundle_of(awkward, entity="Decimal")
    prose = '"quoted" """thrice""" back\\slash ' + "long " * 60
    paths = [
        PytestModule().emit(SHOP, tmp_path),
        PytestModule().emit(dataclasses.replace(bundle, scenario="awkward-one", intent=prose, expects=prose), tmp_path),
    ]

    checks = (
        ["ruff", "format", "--isolated", "--diff"],
        ["ruff", "format", "--isolated", "--diff", "--line-length=120"],
        ["ruff", "check", "--isolated", "--ignore=E501", "--select=E,F,I,UP,B"],
        ["mypy", "--strict", "--config-file="],
    )
    answers = [_run([sys.executable, "-m", *check, *map(str, paths)], tmp_path) for check in checks]

    assert [answer for answer in answers if answer] == []


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_importing_needs_pytest_and_the_standard_library_only(tmp_path: Path) -> None:
    """Neither pytest_atdm nor anything that it needs is loaded by the module."""
    PytestModule().emit(SHOP, tmp_path)
    probe = "import sys, atdm_late_order; print([m for m in ('pytest_atdm', 'pydantic', 'httpx') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_test_uses_the_fixture(tmp_path: Path) -> None:
    """Loaded with ``-p``, the module offers its fixture by the scenario's name."""
    PytestModule().emit(SHOP, tmp_path)
    (tmp_path / "test_order.py").write_text(
        dedent("""
            def test_total(atdm_late_order):
                assert str(atdm_late_order.order.total) == "120.50"
                assert [line.class_ for line in atdm_late_order.lines] == ["FAKE_A", None]
        """)
    )

    answer = _run([sys.executable, "-m", "pytest", "-p", "atdm_late_order", "-p", "no:atdm", "test_order.py"], tmp_path)

    assert answer == ""

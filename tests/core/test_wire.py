"""Values to bytes and back, and bytes from anywhere."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_atdm.core.errors import InvalidRequest, PlanTampered
from pytest_atdm.core.model import Finding, Plan, PlannedRow
from pytest_atdm.core.wire import dump_plan, load_lenient, load_plan, plan_hash

PLAN = Plan(
    scenario="s",
    domain="d",
    schema="sha256:0",
    run_id="R",
    request_key="k",
    seed=1,
    as_of="2026-03-01",
    parameters={"b": 1.5, "a": [None, True, {"é": -0.0}]},
    overrides={},
    rows=(
        PlannedRow(name="a", entity="a", table="public.t", values={"x": "\x7f\u2028", "n": 2**70}, keys={"id": "a.id"}),
    ),
)
BODY = dump_plan(PLAN)


def read(data: bytes) -> Plan:
    """Return the plan that *data* is, whatever it hashes to."""
    return load_plan(data, plan_hash(data))


def test_a_plan_survives_the_way() -> None:
    """Every cell comes back as it was, of its own type."""
    assert PLAN == read(BODY)
    assert "[None, True, {'é': -0.0}]" == repr(read(BODY).parameters["a"])


def test_equal_plans_have_equal_bytes() -> None:
    """The order in which a mapping was filled does not show."""
    turned = dataclasses.replace(PLAN, parameters={name: PLAN.parameters[name] for name in ("a", "b")})

    assert list(turned.parameters) != list(PLAN.parameters)
    assert BODY == dump_plan(turned)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "EOF"),
        (b"\xff", "expected value"),
        (BODY.replace(b'"s"', b'"\xff"'), "invalid unicode"),
        (BODY.replace(b'"s"', b'"\\ud800"'), "hex escape"),
        (BODY.replace(b'"seed":1', b'"seed":true'), "$.seed"),
        (BODY.replace(b'"seed":1', b'"seed":1.0'), "$.seed"),
        (BODY.replace(b'"seed":1,', b""), "$.seed"),
        (BODY.replace(b'"seed":1', b'"more":1,"seed":1'), "$.more"),
        (BODY.replace(b'"overrides":{}', b'"overrides":' + b"[" * 5_000 + b"]" * 5_000), "recursion limit"),
        (b'{"parameters":' * 50_000, "recursion limit"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(data: bytes, said: str) -> None:
    """Neither bad bytes, nor wrong types, nor a depth without end gets further than the reader."""
    with pytest.raises(InvalidRequest) as caught:
        read(data)

    assert said in caught.value.message
    assert "send exactly the documented fields" in caught.value.hint


@given(place=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_whatever_is_read_is_what_was_sent(place: int, byte: int) -> None:
    """A body with another byte is refused by an error of the tree, or is another plan whose bytes it is."""
    changed = BODY[:place] + bytes([byte]) + BODY[place + 1 :]

    with contextlib.suppress(InvalidRequest, PlanTampered):
        assert changed == dump_plan(read(changed))


def test_a_field_of_a_newer_version_is_left_out_where_that_is_wanted() -> None:
    """A client reads the answer of a seeder that knows more."""
    body = b'{"rule":"r","path":"p","value":1,"source":"s","message":"m","fix":"f","severity":"high"}'

    assert Finding(rule="r", path="p", value=1, source="s", message="m", fix="f") == load_lenient(
        body, Finding, what="it"
    )

"""The JSON Schema for Playwright is true of rows of a real database, in the JSON file and in the seeder's answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema

from pytest_atdm._markers import Wish
from pytest_atdm._playwright import render_files
from pytest_atdm.emit.bundle import make_bundle
from pytest_atdm.emit.playwright_json import render_playwright_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._session import AtdmSession
    from pytest_atdm.core.model import Receipt


def find_lies(session: AtdmSession, *wishes: Wish) -> list[str]:
    """Seed each of *wishes*, and return where its rows are not what the JSON Schema promises."""
    schema = json.loads(render_files(session.catalog, session.schema)["fixture.schema.json"])
    validator = jsonschema.Draft202012Validator(schema)
    lies = []
    for wish in wishes:
        receipt, _ = session.seed(wish, request_key=str(wish), test="typescript")
        try:
            for document in _write_documents(session, receipt):
                lies += [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]
        finally:
            session.reset(receipt, [])
    return lies


def _write_documents(session: AtdmSession, receipt: Receipt) -> Iterator[Any]:
    """Yield the JSON file of *receipt*, and the same with the entities as whoever asks over HTTP gets them."""
    bundle = make_bundle(receipt, session.catalog.scenario(receipt.scenario), session.schema)
    document = json.loads(render_playwright_json(bundle))
    yield document
    told = {name: [*one.rows] if one.many else one.rows[0] for name, one in receipt.entities.items()}
    assert document["entities"].keys() >= told.keys()
    yield document | {"entities": document["entities"] | told}


def test_schema_is_true_of_every_shipped_scenario(shipped: AtdmSession) -> None:
    """The rows of each scenario have the columns and types that the schema gives them."""
    assert find_lies(shipped, *(Wish(name, {}) for name in shipped.catalog.scenario_ids)) == []


def test_schema_is_true_of_every_type(odd: AtdmSession) -> None:
    """So it is for every type of Postgres, infinity, reference rows, entities without rows, and NULL."""
    wishes = [
        Wish("1st-class", {}),
        Wish("odd_things", {}),
        Wish("odd_things", {"further": 0, "colour__code": "BLU"}),
        Wish("odd_things", {"thing__temper": None, "thing__two words": None, "thing__int": 2**53}),
    ]

    assert find_lies(odd, *wishes) == []

"""The suite with factory_boy over SQLAlchemy: objects are made and committed before the test, deleted after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

from tests.bench.peers.rows import make_rows

TESTS = int(os.environ["BENCH_TESTS"])
URL = os.environ["BENCH_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    """The session of all factories."""
    engine = sa.create_engine(URL)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


@pytest.fixture(scope="session")
def factories(session: Session) -> dict[str, Any]:
    """A factory for each table."""
    base = automap_base()
    base.prepare(autoload_with=session.get_bind(), generate_relationship=lambda *_, **__: None)

    def make(model: type) -> Any:
        meta = type("Meta", (), {"model": model, "sqlalchemy_session": session})
        return type(f"{model.__name__}Factory", (SQLAlchemyModelFactory,), {"Meta": meta})

    return {name: make(model) for name, model in base.classes.items()}


@pytest.fixture
def claim(session: Session, factories: dict[str, Any]) -> Iterator[Any]:
    """A denied claim with its member, coverage, plan and provider."""
    made: dict[str, Any] = {}
    for table, values in make_rows().items():
        if table == "eligibility":
            values["plan_id"] = made["plans"].id
        if table == "claims":
            values["eligibility_id"] = made["eligibility"].id
        made[table] = factories[table](**values)
        session.flush()
    session.commit()
    yield made["claims"]
    for one in reversed(made.values()):
        session.delete(one)
        session.flush()
    session.commit()
    session.expunge_all()


@pytest.mark.parametrize("number", range(TESTS))
def test_claim(claim: Any, session: Session, number: int) -> None:
    """The claim stands, committed."""
    query = sa.text("SELECT status::text FROM claims WHERE claim_number = :number")
    assert session.execute(query, {"number": claim.claim_number}).scalar() == "denied"

"""The fixtures; what they do stands in modules that are imported when a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._data import AtdmData, AtdmRun


@pytest.fixture(autouse=True)
def _atdm_rows(request: pytest.FixtureRequest) -> Iterator[AtdmData | None]:
    """Have the rows stand wherever the mark stands; first of the test's fixtures, so its teardown is the last."""
    if request.node.get_closest_marker("atdm_scenario") is None:
        yield None
        return
    from pytest_atdm._seeding import rows_of  # lazy: startup

    with rows_of(request.node) as data:
        yield data


@pytest.fixture
def atdm_data(request: pytest.FixtureRequest, _atdm_rows: AtdmData | None) -> AtdmData:
    """The rows of the test's scenario: ``atdm_data.order.status`` or ``atdm_data["order"]["status"]``."""
    if _atdm_rows is None:
        from pytest_atdm._seeding import refuse_unmarked  # lazy: startup

        refuse_unmarked(request.node)
    return _atdm_rows


@pytest.fixture(scope="session")
def atdm_run(request: pytest.FixtureRequest) -> AtdmRun:
    """The run that this process's requests belong to: run_id, session_id, seed, as_of, audit_url, seeder_url."""
    from pytest_atdm._seeding import clear_errors  # lazy: startup
    from pytest_atdm._session import session_of

    with clear_errors(request.session):
        return session_of(request.config).run


@pytest.fixture(scope="session")
def atdm_database_url(request: pytest.FixtureRequest) -> str:
    """The URL of the Postgres that the application under test must use."""
    from pytest_atdm._seeding import clear_errors  # lazy: startup
    from pytest_atdm._session import session_of

    with clear_errors(request.session):
        return session_of(request.config).database_url

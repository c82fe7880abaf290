"""The fixtures; what they do stands in modules that are imported when a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_atdm._state import WISHES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_atdm._data import AliasedData, AtdmData, AtdmRun


@pytest.fixture(autouse=True)
def _atdm_rows(request: pytest.FixtureRequest) -> Iterator[AtdmData | AliasedData | None]:
    """Have the rows stand wherever a mark stands; first of the test's fixtures, so its teardown is the last."""
    # A mark may have come after the collection, by a hook.
    if WISHES not in request.node.stash and request.node.get_closest_marker("atdm_scenario") is None:
        yield None
        return
    from pytest_atdm._seeding import rows_of  # lazy: startup

    with rows_of(request.node, request.getfixturevalue("atdm_overrides")) as data:
        if hasattr(request.instance, "_testMethodName"):  # a unittest.TestCase takes no fixtures
            request.instance.atdm_data = data
        yield data


@pytest.fixture
def atdm_data(request: pytest.FixtureRequest, _atdm_rows: AtdmData | AliasedData | None) -> AtdmData | AliasedData:
    """The rows of the test's scenario: ``atdm_data.order.status`` or ``atdm_data["order"]["status"]``.

    Of several marks with names by these: ``atdm_data.first.order``. ``parametrize("atdm_data", [...], indirect=True)``
    asks for a scenario by each parameter: its name, or a pair of that and its overrides.
    """
    if _atdm_rows is None:
        from pytest_atdm._seeding import refuse_unmarked  # lazy: startup

        refuse_unmarked(request.node)
    return _atdm_rows


@pytest.fixture
def atdm_overrides() -> Mapping[str, object]:
    """Overrides that hold where the test's mark says nothing else: define it anew in a conftest, module or class."""
    return {}


@pytest.fixture(scope="session")
def atdm_run(request: pytest.FixtureRequest) -> AtdmRun:
    """The run that this process's requests belong to: run_id, session_id, seed, as_of, audit_url, seeder_url."""
    from pytest_atdm._live import clear_errors  # lazy: startup
    from pytest_atdm._session import session_of

    with clear_errors(request.session):
        return session_of(request.config).run


@pytest.fixture(scope="session")
def atdm_database_url(request: pytest.FixtureRequest) -> str:
    """The URL of the Postgres that the application under test must use."""
    from pytest_atdm._live import clear_errors  # lazy: startup
    from pytest_atdm._session import session_of

    with clear_errors(request.session):
        return session_of(request.config).database_url

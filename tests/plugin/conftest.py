"""A real seeder on a real embedded Postgres, and suites of tests that run against it."""

from __future__ import annotations

import contextlib
import textwrap
from typing import TYPE_CHECKING

import pytest

# In-process suites forget the modules that they load first; loaded here, they are loaded once.
from pytest_atdm import _collect, _lifecycle, _seeding  # noqa: F401
from pytest_atdm._client import SeederClient
from pytest_atdm._commit import VARIABLES
from pytest_atdm._sidecar import SeederAddress, ensure_seeder
from tests.plugin.database import CATALOG, read_all_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_TIMEOUT_S = 60.0


class Suite:
    """A folder of tests, and the database that they work on."""

    def __init__(self, pytester: pytest.Pytester, address: SeederAddress) -> None:
        self.pytester = pytester
        self.address = address
        assert address.database_url is not None
        self.database_url: str = address.database_url

    def write(self, text: str, name: str = "test_it") -> None:
        """Write a test module (or a conftest)."""
        head = "import datetime, decimal, unittest, uuid\nimport pytest\nfrom pytest_atdm import atdm_scenario\n"
        head += "from tests.plugin.database import fetch\n\n"
        self.pytester.makepyfile(**{name: head + textwrap.dedent(text)})

    def run(self, *args: str) -> pytest.RunResult:
        """Run pytest on the folder in this process."""
        return self.pytester.runpytest_inprocess("-p", "no:cacheprovider", *args)

    def run_apart(self, *args: str) -> pytest.RunResult:
        """Run pytest on the folder in a process of its own."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *args, timeout=120)

    def read_all_rows(self) -> dict[str, list[str]]:
        """Return every row of every table."""
        return read_all_rows(self.database_url)

    @contextlib.contextmanager
    def open_client(self) -> Iterator[SeederClient]:
        """Yield a client of the seeder."""
        client = SeederClient(self.address)
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def running_seeder(folder: Path) -> Iterator[SeederAddress]:
    """Yield a seeder with the library's catalog and tables, on a database of its own; its reference rows stand."""
    sidecar = ensure_seeder(folder, catalog=CATALOG, database_url=None, timeout_s=START_TIMEOUT_S)
    with contextlib.closing(sidecar):
        with contextlib.closing(SeederClient(sidecar.address)) as client:
            client.seed_reference("library")
        yield sidecar.address


@pytest.fixture(scope="session")
def seeder_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeederAddress]:
    """A seeder for this process alone."""
    with running_seeder(tmp_path_factory.mktemp("seeder")) as address:
        yield address


@pytest.fixture
def suite(pytester: pytest.Pytester, seeder_address: SeederAddress, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A folder of tests whose environment names the seeder."""
    monkeypatch.setenv("ATDM_URL", seeder_address.url)
    monkeypatch.setenv("ATDM_TOKEN", seeder_address.token)
    monkeypatch.setenv("ATDM_DATABASE_URL", str(seeder_address.database_url))
    monkeypatch.setenv("ATDM_CATALOG", str(CATALOG))
    for name in ("CI", "BUILD_NUMBER"):  # with them pytest tells each error twice in full
        monkeypatch.delenv(name, raising=False)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester, seeder_address)

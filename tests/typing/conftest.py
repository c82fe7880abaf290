"""Sessions over the shipped catalog and over one whose names and types are hard to write, each on a real database."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_atdm._options import OPTIONS, TOKEN_VARIABLE, Given, resolve_settings
from pytest_atdm._sidecar import ensure_seeder
from pytest_atdm.cli.desk import make_session
from pytest_atdm.data import folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_atdm._session import AtdmSession

ODD: Final = Path(__file__).with_name("odd") / "catalog"
START_TIMEOUT_S: Final = 60


@contextlib.contextmanager
def _open_session(catalog: Path) -> Iterator[AtdmSession]:
    # Not below tmp_path: its folders are closed to others, and Postgres does not run as root.
    with tempfile.TemporaryDirectory(prefix="atdm-typing-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        sidecar = ensure_seeder(Path(name) / ".atdm", catalog=catalog, database_url=None, timeout_s=START_TIMEOUT_S)
        with contextlib.closing(sidecar):
            words = {"url": sidecar.address.url, "catalog": str(catalog)}
            given = {
                option.name: Given(words[option.name], "test", Path(name)) if option.name in words else None
                for option in OPTIONS
            }
            session = make_session(resolve_settings(given, Path(name), {TOKEN_VARIABLE: sidecar.address.token}))
            with contextlib.closing(session):
                yield session


@pytest.fixture(scope="session")
def shipped() -> Iterator[AtdmSession]:
    """A session over the shipped catalog."""
    with _open_session(folder("catalog")) as session:
        yield session


@pytest.fixture(scope="session")
def odd() -> Iterator[AtdmSession]:
    """A session over the catalog of odd names."""
    with _open_session(ODD) as session:
        yield session

"""The stores that the tests of this folder are about, each empty."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from seeder.store.local import LocalStore
from seeder.store.places import open_store
from seeder.store.port import Store
from tests.store.server import S3Server

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server that the tests of this process share: they leave it running."""
    with tempfile.TemporaryDirectory(prefix="atdm-s3-") as folder, S3Server(Path(folder)) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test uses."""
    return f"test-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture
def s3_store(s3_server: S3Server, prefix: str) -> Store:
    """A bucket's empty part as a store."""
    return open_store(s3_server.place(prefix))


@pytest.fixture
def local_store(tmp_path: Path) -> Store:
    """A folder as a store, which is not made yet."""
    return LocalStore(tmp_path / "store")


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn."""
    kind: Store = request.getfixturevalue(f"{request.param}_store")
    return kind

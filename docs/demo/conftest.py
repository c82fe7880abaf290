"""The claims application as a fixture, on the database that the rows are planted in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = Path(__file__).with_name("claims_application.py")


@pytest.fixture(scope="session")
def claims_api(atdm_database_url: str) -> Iterator[httpx.Client]:
    """A client of the claims application, which runs as a process of its own until the session ends."""
    command = [sys.executable, str(APPLICATION), "--port", "0"]
    with subprocess.Popen(
        command, env=os.environ | {"DATABASE_URL": atdm_database_url}, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            assert address, "the claims application did not start; its message stands above"
            with httpx.Client(base_url=address) as client:
                yield client
        finally:
            server.terminate()

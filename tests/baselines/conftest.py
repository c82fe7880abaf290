"""Targets of which baselines are taken."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.baselines.site import Site

_NUMBERS = itertools.count(1)


@pytest.fixture
def make_site(make_database: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Make a database of the test's own out of the DDL of its tables, with a store."""
    sites: list[Site] = []

    def make(*ddl: str) -> Site:
        number = next(_NUMBERS)
        sites.append(Site(make_database(f"site{number}"), ";".join(ddl), tmp_path / f"store{number}"))
        return sites[-1]

    yield make
    for site in sites:
        site.close()

"""A database on another machine is not connected to unless its host is allowed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pytest_atdm.core.errors import DatabaseUnavailable, NotATestDatabase, SettingError
from seeder.db.database import Database
from seeder.db.hosts import refuse_far_hosts
from tests.database.world import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The name is nobody's, by RFC 2606: whoever tried to connect would hear that.
FAR = "db.invalid"


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("postgresql://me@127.0.0.1:5432/shop", {}),
        ("postgresql://me@127.1.2.3/shop", {}),
        ("postgresql://me@localhost/shop", {"PGHOST": FAR}),
        ("postgresql://me@[::1]:2,LOCALHOST:1/shop", {}),
        ("postgresql://me@[::ffff:127.0.0.1]/shop", {}),
        ("postgresql:///shop", {}),
        ("postgresql:///shop?host=/var/run/postgresql", {"PGHOST": FAR}),
        ("postgresql://me@%2Frun%2Fpostgresql/shop", {}),
        ("postgresql:///shop", {"PGHOST": "/tmp,localhost"}),
        (f"postgresql://me@localhost/shop?host={FAR}", {}),  # the driver, too, takes the first
    ],
)
def test_this_machine_is_near(url: str, environment: Mapping[str, str]) -> None:
    """Sockets and the loopback address need no permission, however the URL or the environment names them."""
    refuse_far_hosts(url, (), environment)


def test_what_is_no_url_is_a_setting_to_mend() -> None:
    """A bracket that nothing closes is told as such."""
    with pytest.raises(SettingError, match="the database URL cannot be read: Invalid IPv6 URL") as caught:
        refuse_far_hosts("postgresql://me@[::1/shop", ())

    assert "postgresql://role:password@host:port/database" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "environment", "host"),
    [
        (f"postgresql://me:secret@{FAR}:5432/shop", {}, FAR),
        ("postgresql://me@10.0.0.7/shop", {}, "10.0.0.7"),
        ("postgresql://me@[2001:db8::1]:5432/shop", {}, "2001:db8::1"),
        (f"postgresql://me@localhost,{FAR}/shop", {}, FAR),
        (f"postgresql:///shop?host={FAR}", {}, FAR),
        (f"postgresql:///shop?host=localhost&host={FAR}", {}, FAR),
        (f"postgresql:///shop?host=/tmp,{FAR}:5433", {}, FAR),
        ("postgresql:///shop", {"PGHOST": FAR}, FAR),
        ("postgresql:///shop", {"PGHOST": f"localhost,{FAR}"}, FAR),
        ("postgresql:///shop?service=live", {}, "service live"),
        ("postgresql:///shop", {"PGSERVICE": "live"}, "service live"),
        ("postgresql://me@localhost.example.org/shop", {}, "localhost.example.org"),
        (f"postgresql://me:p@ss@{FAR}/shop", {}, f"ss@{FAR}"),  # so the driver reads it
    ],
)
def test_another_machine_is_far_unless_it_is_allowed(url: str, environment: Mapping[str, str], host: str) -> None:
    """One host that is neither near nor allowed is named and refused, with the setting that would allow it."""
    with pytest.raises(NotATestDatabase) as caught:
        refuse_far_hosts(url, ("elsewhere",), environment)

    assert f'the database is on "{host}"' in caught.value.message
    assert f"ATDM_ALLOW_HOSTS={host}" in caught.value.hint
    assert "secret" not in str(caught.value)
    refuse_far_hosts(url, (host.upper(), "elsewhere"), environment)


@pytest.mark.parametrize("way", ["target", "owner"])
def test_nothing_is_connected_to_before_it_is_allowed(postgres_url: str, way: str) -> None:
    """A seeder is refused its database, or its owner's, by name; allowed, it tries to connect."""
    far = f"postgresql://me@{FAR}/shop"
    given = settings(far) if way == "target" else settings(postgres_url, owner_url=far)

    with pytest.raises(NotATestDatabase, match=FAR):
        asyncio.run(Database.open(given))

    allowed = settings(given.database_url, owner_url=given.owner_url, allow_hosts=frozenset({FAR}))
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(Database.open(allowed))

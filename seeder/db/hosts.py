"""Which hosts a database URL leads to, as the driver reads it, and whether they may be written to."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pytest_atdm.core.errors import NotATestDatabase, SettingError
from seeder.db.border import MEND_URL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def refuse_far_hosts(url: str, allowed: Collection[str], environment: Mapping[str, str] = os.environ) -> None:
    """Return if every host that *url* may lead to is this machine, or is one of *allowed*.

    Raises:
        NotATestDatabase: one is not; nothing has been connected to.
        SettingError: *url* is none.
    """
    names = {name.lower() for name in allowed}
    for host in list_hosts(url, environment):
        if not _is_near(host) and host.lower() not in names:
            raise NotATestDatabase(
                f'the database is on "{host}" and not on this machine, so nothing is connected to',
                hint=f"if that host has test databases only, allow it: ATDM_ALLOW_HOSTS={host}",
            )


def list_hosts(url: str, environment: Mapping[str, str]) -> list[str]:
    """Return the hosts and socket folders that the driver may try for *url*; none for the sockets of this machine.

    The URL's host comes first, then its parameter ``host``, then a service (its name stands for the host: which that
    is, a file knows), then ``PGHOST``.

    Raises:
        SettingError: *url* is none.
    """
    parts = _split(url)
    query = parse_qs(parts.query)
    place = parts.netloc.partition("@")[2] if "@" in parts.netloc else parts.netloc  # as the driver does, at the first
    service = query.get("service", [environment.get("PGSERVICE", "")])[-1]
    if place:
        return [unquote(_without_port(spec)) for spec in place.split(",")]
    if found := query.get("host", [""])[-1]:
        return [_without_port(spec) for spec in found.split(",")]
    if service:
        return [f"service {service}"]
    return [_without_port(spec) for spec in environment.get("PGHOST", "").split(",") if spec]


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise SettingError(f"the database URL cannot be read: {error}", hint=MEND_URL) from error


def _without_port(spec: str) -> str:
    if spec.startswith("/"):
        return spec
    return spec[1:].partition("]")[0] if spec.startswith("[") else spec.partition(":")[0]


def _is_near(host: str) -> bool:
    """Return whether *host* is a socket's folder or the loopback address, by whatever name; no name is looked up."""
    if host.startswith("/") or host.lower() in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback)

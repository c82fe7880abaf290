"""The limits that whoever runs a seeder can set: one table, which the command line reads and the reference prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_INTEGER: Final = 2**31 - 1  # what a setting of Postgres takes


class Limit(NamedTuple):
    """The field *field* of ``Settings``, set by the environment variable *variable*: a whole number from 1 on."""

    variable: str
    field: str
    meaning: str
    largest: int = 10**15


LIMITS: Final = (
    Limit("ATDM_MAX_ROWS", "max_rows", "rows of a plan"),
    Limit("ATDM_MAX_VOLUME_ROWS", "max_volume_rows", "rows of all volumes that follow one plan"),
    Limit("ATDM_MAX_BODY_BYTES", "max_body_bytes", "bytes of a request body, and of a plan that volumes follow"),
    Limit("ATDM_MAX_VOLUME_BYTES", "max_volume_bytes", "bytes of a body with volumes"),
    Limit("ATDM_STATEMENT_TIMEOUT_MS", "statement_timeout_ms", "milliseconds of one statement", _LARGEST_INTEGER),
    Limit(
        "ATDM_LOCK_TIMEOUT_MS", "lock_timeout_ms", "milliseconds of waiting for rows that others hold", _LARGEST_INTEGER
    ),
    Limit("ATDM_LEASE_S", "lease_s", "seconds that a run's rows stand without a sign of life from its owner", 86_400),
    Limit(
        "ATDM_IDLE_TIMEOUT_MS",
        "idle_timeout_ms",
        "milliseconds of a transaction in which nothing happens; then Postgres ends it, and its locks",
        _LARGEST_INTEGER,
    ),
)


def read_limits(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the fields of ``Settings`` that *environment* sets, with their values.

    Raises:
        SettingError: a value is no whole number from 1 on, or too large; names the variable.
    """
    return {limit.field: _read(limit, text) for limit in LIMITS if (text := environment.get(limit.variable))}


def _read(limit: Limit, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= limit.largest:
        raise SettingError(
            f'{limit.variable}: "{text}" is not a whole number from 1 to {limit.largest}',
            hint=f"{limit.meaning}: write a number, like 1000",
        )
    return int(text)

"""The key that masked values of baselines depend on, as whoever runs a seeder sets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE: Final = "ATDM_MASK_KEY"
#: A shorter one can be found by trying.
_LEAST_CHARACTERS: Final = 16


def read_mask_key(environment: Mapping[str, str]) -> str | None:
    """Return the key, None where none is set: then each baseline has one of its own, which nobody keeps.

    Raises:
        SettingError: it is too short.
    """
    key = environment.get(_VARIABLE) or None
    if key is not None and len(key) < _LEAST_CHARACTERS:
        raise SettingError(
            f"{_VARIABLE} has {len(key)} characters, and needs {_LEAST_CHARACTERS}",
            hint="set it to a long random text, or to nothing for a new key with each baseline",
        )
    return key

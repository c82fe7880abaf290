"""The way to the seeder that the settings name: somebody else's, or one of our own that is joined or started."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from pytest_atdm._client import SeederClient, load_httpx
from pytest_atdm._head_start import HeadStart
from pytest_atdm._options import TOKEN_VARIABLE
from pytest_atdm._sidecar import SeederAddress
from pytest_atdm.core.errors import SettingError

if TYPE_CHECKING:
    from pytest_atdm._options import Settings
    from pytest_atdm._sidecar import Sidecar

GREET_TIMEOUT_S: Final = 5.0  # who is there answers this at once, whatever its database does


class Connection:
    """A client, the address it calls, and the hold on the seeder where it is ours; ``close`` lets go of all."""

    def __init__(self, address: SeederAddress, timeout_s: float | None, sidecar: Sidecar | None = None) -> None:
        self.address = address
        self.client = SeederClient(address, timeout_s)
        self._sidecar = sidecar

    def close(self) -> None:
        """Close the connection; a seeder of our own ends when nobody else holds it."""
        self.client.close()
        if self._sidecar is not None:
            self._sidecar.close()


def connect(settings: Settings, head_start: HeadStart | None = None) -> Connection:
    """Return a connection to the seeder of *settings*, whose *head_start* may have begun before.

    Raises:
        SettingError: an address without a token.
        SeederError: the seeder could not be started, or what answers at the address is none.
    """
    if settings.url is None:
        head_start = head_start or HeadStart(settings)
        load_httpx()  # meanwhile
        sidecar = head_start.wait()
        return Connection(sidecar.address, settings.timeout_s, sidecar)
    if settings.token is None:
        raise SettingError(
            f"there is no token for the seeder at {settings.url} ({settings.sources['url']})",
            hint=f"set the environment variable {TOKEN_VARIABLE}",
        )
    address = SeederAddress(settings.url, settings.token, settings.database_url, "remote")
    with closing(SeederClient(address, settings.timeout_s or GREET_TIMEOUT_S)) as client:
        client.greet()
    return Connection(address, settings.timeout_s)

"""How long an owned seeder lives: as long as somebody holds on to it.

Its starter holds the other end of its standard input; every joiner holds a TCP connection to the lifeline port. Both
end with the process that holds them, however that ends. When the last one is gone, the seeder ends.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_GREETING_TIMEOUT_S: Final = 5


class Lifeline:
    """The holders of one seeder, counted; lives on the event loop, so that counting needs no lock."""

    def __init__(
        self,
        token: str,
        *,
        suits: Callable[[bytes], bool],
        on_orphaned: Callable[[], None],
        on_end: Callable[[], object],
    ) -> None:
        """Count the starter as the first holder.

        *suits* is asked whether the database is what a joiner wants that says so. *on_orphaned* is called when the
        starter has gone and others still hold; *on_end* when the last one has gone.
        """
        self._token = token.encode()
        self._suits = suits
        self._on_orphaned = on_orphaned
        self._on_end = on_end
        self._holders = 1
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Watch the starter, listen for joiners on 127.0.0.1, and return the port."""
        self._server = await asyncio.start_server(self._hold, host="127.0.0.1", port=0)
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._watch_starter)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Take no more joiners."""
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        if self._server is not None:
            self._server.close()

    def _watch_starter(self) -> None:
        if os.read(sys.stdin.fileno(), 1024):
            return
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._release()
        if self._holders:
            self._on_orphaned()

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count a joiner that shows the token until its connection ends; ``no`` if it wants another database."""
        try:
            token, _, wanted = (await asyncio.wait_for(reader.readline(), _GREETING_TIMEOUT_S)).strip().partition(b" ")
            if not self._is_welcome(token):
                return
            if wanted and not self._suits(wanted):
                writer.write(b"no\n")
            else:
                await self._count(reader, writer)
        except (ConnectionError, TimeoutError, ValueError):  # gone, silent, or talking something else
            pass
        finally:
            writer.close()

    def _is_welcome(self, token: bytes) -> bool:
        # No holder left: the seeder is ending already, and the joiner starts one of its own.
        return self._holders > 0 and hmac.compare_digest(token, self._token)

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._holders += 1
        try:
            writer.write(b"ok\n")
            while await reader.read(1024):
                pass
        finally:
            self._release()

    def _release(self) -> None:
        self._holders -= 1
        if self._holders == 0:
            self._on_end()

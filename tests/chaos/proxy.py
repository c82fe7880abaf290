"""A TCP proxy that can break what it carries: resets, black holes, cuts in mid-message, latency."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Final, Literal

Direction = Literal["request", "answer"]

_NO_LINGER: Final = struct.pack("ii", 1, 0)  # close with RST
_CHUNK_BYTES: Final = 65_536


class Proxy:
    """Listens on a port of 127.0.0.1 and passes everything on to *target*, as long as nobody interferes."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.delay_s = 0.0
        self._cut: tuple[Direction, int] | None = None
        self._open = threading.Event()
        self._open.set()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and break those that there are."""
        self._listener.close()
        self._open.set()
        self.reset()

    def reset(self) -> None:
        """Break every connection with a reset; new ones are taken."""
        for pair in list(self._pairs):
            self._break(pair)

    def swallow(self) -> None:
        """Carry nothing any more: connections are taken, and nothing comes out at the other end."""
        self._open.clear()

    def heal(self) -> None:
        """Carry on, with what was held back meanwhile."""
        self.delay_s, self._cut = 0.0, None
        self._open.set()

    def cut(self, direction: Direction, bytes_through: int) -> None:
        """Let so many bytes of the next message in that *direction* through, then break its connection."""
        self._cut = direction, bytes_through

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self.target, timeout=5)
        except OSError:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = near, far
        self._pairs.add(pair)
        threading.Thread(target=self._pump, args=(pair, near, far, "request"), daemon=True).start()
        threading.Thread(target=self._pump, args=(pair, far, near, "answer"), daemon=True).start()

    def _pump(
        self, pair: tuple[socket.socket, socket.socket], source: socket.socket, sink: socket.socket, way: Direction
    ) -> None:
        try:
            while chunk := source.recv(_CHUNK_BYTES):
                self._open.wait()
                if self.delay_s:
                    time.sleep(self.delay_s)
                if self._cut is not None and self._cut[0] == way:
                    (_, through), self._cut = self._cut, None
                    sink.sendall(chunk[:through])
                    time.sleep(0.05)  # what came through is to be read before the reset throws it away
                    break
                sink.sendall(chunk)
            else:
                sink.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        self._break(pair)

    def _break(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                end.shutdown(socket.SHUT_RD)  # wakes who reads from it, and sends nothing
            end.close()

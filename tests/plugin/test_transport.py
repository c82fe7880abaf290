"""httpx's transport over one connection: what goes wrong below comes out as httpx's errors, and TLS is checked."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from pytest_atdm._transport import OneConnection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def serving(*replies: bytes, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Yield the address of a server of one connection, which gives a reply per request and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), connection:
                speaking = tls.wrap_socket(connection, server_side=True) if tls else connection
                with speaking:
                    for reply in replies:
                        speaking.recv(65_536)
                        speaking.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def ask(transport: OneConnection, address: str) -> bytes:
    """Return the body of the answer to a GET."""
    return transport.handle_request(httpx.Request("GET", f"{address}/x")).read()


def open_transport(address: str) -> contextlib.closing[OneConnection]:
    """Return a transport that gives up soon."""
    return contextlib.closing(OneConnection(httpx.URL(address), connect_s=2, read_s=0.3))


def test_a_connection_is_kept() -> None:
    """Two requests go over one connection."""
    with serving(OK, OK) as address, open_transport(address) as transport:
        assert b"okok" == ask(transport, address) + ask(transport, address)


def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    """A server hangs up where nothing comes for some seconds, as during a slow test; the next request is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)  # only so that the thread ends where nobody comes
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with open_transport(address) as transport:
            for _ in range(2):
                thread = threading.Thread(target=_answer_once, args=(listener,), daemon=True)
                thread.start()
                assert b"ok" == ask(transport, address)
                thread.join(10)


def _answer_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(OK)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", httpx.RemoteProtocolError),
        (b"nonsense\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", httpx.RemoteProtocolError),
    ],
)
def test_half_an_answer_is_an_error(reply: bytes, error: type[Exception]) -> None:
    """What is cut off, or is no HTTP, is never taken for an answer."""
    with serving(reply) as address, open_transport(address) as transport, pytest.raises(error):
        ask(transport, address)


def test_silence_is_a_timeout_and_the_connection_is_dropped() -> None:
    """An answer that comes too late is not taken for that of the next request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with open_transport(address) as transport:
            with pytest.raises(httpx.ReadTimeout):
                ask(transport, address)
            late, _ = listener.accept()
            with pytest.raises(httpx.ReadTimeout):
                ask(transport, address)
            again, _ = listener.accept()
            late.close()
            again.close()


def test_nobody_there_is_a_failed_connection() -> None:
    """A port where nobody listens is told from a server that broke off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with open_transport(address) as transport, pytest.raises(httpx.ConnectError):
        ask(transport, address)


@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "unknown"])
def test_a_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_trusted: bool) -> None:
    """Over TLS only a server with a certificate that is trusted gets the token."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if is_trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    with serving(OK, tls=context) as address, open_transport(address) as transport:
        if is_trusted:
            assert b"ok" == ask(transport, address)
        else:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                ask(transport, address)

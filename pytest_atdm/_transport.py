"""httpx's way to the seeder: one kept connection, spoken over with the standard library's HTTP.

httpx's own transport does more than a seeder next door needs (a pool, HTTP/2, traces) and takes twice the time:
``make bench`` gave 5.5 ms for a request and its reset with it, and 5.1 ms with this one.
"""

from __future__ import annotations

import contextlib
import http.client
import select
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class OneConnection(httpx.BaseTransport):
    """Sends every request over one connection to the host of *url*, opened when it is needed and again when it ended.

    The extension ``target`` stands in for the URL's path, as with httpx's own transport.
    Gives up after *connect_s* seconds without a connection, and after ``read_s`` without a byte. Whatever goes
    wrong is one of httpx's transport errors, and the connection is closed then.
    """

    def __init__(self, url: httpx.URL, *, connect_s: float, read_s: float) -> None:
        self.read_s = read_s
        self._connection = _make_connection(url, connect_s)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to *request*, read to its end."""
        return self._answer(request, request.read() or None)

    def stream(self, request: httpx.Request, body: Iterator[bytes]) -> httpx.Response:
        """Return the answer to *request* with *body*, which is asked for its next part when the last one has been sent.

        The request says that its body comes in chunks. What *body* raises, this raises.
        """
        return self._answer(request, body)

    def listen(self, request: httpx.Request, hear: Callable[[bytes], None]) -> httpx.Response:
        """Return the answer to *request*; *hear* is given each line of its body as it comes."""
        return self._answer(request, request.read() or None, hear)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _answer(
        self,
        request: httpx.Request,
        body: bytes | Iterator[bytes] | None,
        hear: Callable[[bytes], None] | None = None,
    ) -> httpx.Response:
        streamed = body is not None and not isinstance(body, bytes)
        if self._is_over():
            self._connection.close()
        if self._connection.sock is None:
            self._connect(request)
        self._connection.sock.settimeout(self.read_s)
        with self._closed_on_error(), _translated(request):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError) if streamed else contextlib.nullcontext():
                self._send(request, body)  # who has heard enough closes, and may have said why
            answer = self._connection.getresponse()
            stream = httpx.ByteStream(_read_lines(answer, hear) if hear else answer.read())
            return httpx.Response(answer.status, headers=answer.getheaders(), stream=stream, request=request)

    def _is_over(self) -> bool:
        """Return whether the kept connection has something to read: no answer is due, so that can only be its end."""
        if self._connection.sock is None:
            return False
        poll = select.poll()
        poll.register(self._connection.sock, select.POLLIN)
        return bool(poll.poll(0))

    def _connect(self, request: httpx.Request) -> None:
        try:
            self._connection.connect()
        except TimeoutError as exc:
            raise httpx.ConnectTimeout(str(exc), request=request) from exc
        except OSError as exc:
            raise httpx.ConnectError(str(exc), request=request) from exc

    def _send(self, request: httpx.Request, body: bytes | Iterator[bytes] | None) -> None:
        target: bytes = request.extensions.get("target", request.url.raw_path)
        self._connection.putrequest(request.method, target.decode("ascii"), skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw:
            self._connection.putheader(name, value)
        self._connection.endheaders(body, encode_chunked="transfer-encoding" in request.headers)

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:  # also Ctrl-C: half an answer must not be taken for the next one's
            self._connection.close()
            raise


def _read_lines(answer: http.client.HTTPResponse, hear: Callable[[bytes], None]) -> bytes:
    lines = []
    for line in answer:
        hear(line)
        lines.append(line)
    return b"".join(lines)


def _make_connection(url: httpx.URL, timeout_s: float) -> http.client.HTTPConnection:
    if url.scheme == "https":
        return http.client.HTTPSConnection(url.host, url.port, timeout=timeout_s, context=httpx.create_ssl_context())
    return http.client.HTTPConnection(url.host, url.port, timeout=timeout_s)


@contextlib.contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    """Raise httpx's errors instead of the standard library's."""
    try:
        yield
    except TimeoutError as exc:
        raise httpx.ReadTimeout(str(exc), request=request) from exc
    except http.client.HTTPException as exc:  # before OSError: a connection closed without an answer is both
        raise httpx.RemoteProtocolError(str(exc) or type(exc).__name__, request=request) from exc
    except OSError as exc:
        raise httpx.ReadError(str(exc), request=request) from exc

"""What stands between a client and an S3 server in these tests: it passes requests on, or does what stores may do."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Self

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.store.server import KEY, SECRET

if TYPE_CHECKING:
    from tests.store.server import S3Server

_CONDITION: Final = "If-None-Match"
_ERROR: Final = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"


class Forwarder:
    """A server of HTTP before *server*, which passes everything on unless one of these fields says otherwise.

    *refusals* are answers, as (status, code), that it gives itself to the next PUTs; *drops_condition* makes it a store
    that knows nothing of If-None-Match; *loses_answers* is how many answers to PUTs it keeps for itself; *body_bytes*
    is how much of a body comes through before the connection breaks, *delay_s* how long a PUT waits before it is passed
    on. *puts* counts the PUTs that came.
    """

    def __init__(self, server: S3Server) -> None:
        self._server = server
        self.refusals: list[tuple[int, str]] = []
        self.drops_condition = False
        self.loses_answers = 0
        self.body_bytes: int | None = None
        self.delay_s = 0.0
        self.puts = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def endpoint(self) -> str:
        """The URL to call instead of the server's."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        forwarder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                forwarder.handle(self)

            do_PUT = do_DELETE = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Deal with one request."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if request.command == "PUT":
            self.puts += 1
            time.sleep(self.delay_s)
            if self.refusals:
                status, code = self.refusals.pop(0)
                _answer(request, status, _ERROR.format(code=code, text="of the test").encode())
                return
        self._forward(request, body)

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        with contextlib.closing(http.client.HTTPConnection(*self._server.address, timeout=30)) as upstream:
            try:
                self._pass_on(request, body, upstream)
            except OSError:  # the server is gone: so are we, for this client
                request.close_connection = True

    def _pass_on(self, request: BaseHTTPRequestHandler, body: bytes, upstream: http.client.HTTPConnection) -> None:
        upstream.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self._choose_headers(request).items():
            upstream.putheader(name, value)
        upstream.endheaders()
        if self.body_bytes is not None and request.command == "PUT":
            upstream.send(body[: self.body_bytes])
            request.close_connection = True
            return
        upstream.send(body)
        answer = upstream.getresponse()
        content = answer.read()
        if self.loses_answers and request.command == "PUT":
            self.loses_answers -= 1
            request.close_connection = True
            return
        _answer(request, answer.status, content)

    def _choose_headers(self, request: BaseHTTPRequestHandler) -> dict[str, str]:
        headers = dict(request.headers.items())
        if not self.drops_condition or headers.pop(_CONDITION, None) is None:
            return headers
        # The header was signed with the others, so what is left is signed anew.
        del headers["Authorization"]
        signed = AWSRequest(request.command, f"http://{headers['Host']}{request.path}", headers, data=b"")
        signed.context["client_config"] = None
        S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(signed)
        return dict(signed.headers.items())


def _answer(request: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
    request.send_response(status)
    if status != http.client.NO_CONTENT:
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Content-Type", "application/xml")
    request.end_headers()
    request.wfile.write(content)

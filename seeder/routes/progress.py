"""Answers to calls that take long: at once in the end, or line by line with how far the work has come.

A caller who accepts ``application/x-ndjson`` gets lines of JSON: ``{"progress": ...}`` any number of times, and in the
end ``{"answer": ...}`` or ``{"problem": ...}``. The status is 200 then, whatever the end. When it hangs up, the work is
given up.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeAlias

from seeder.routes.answer import JsonAnswer, answer_json, encode_json
from seeder.routes.given import read_header
from seeder.routes.problem import as_atdm_error, describe_problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.types import Receive, Scope, Send

    from pytest_atdm.core.baseline import Progress
    from seeder.routes.given import Call

    #: What takes long; it is given a function to tell its progress.
    Work: TypeAlias = Callable[[Callable[[Progress], None]], Awaitable[object]]

NDJSON: Final = "application/x-ndjson"
#: Whoever waits for the next byte hears at least so often that the work goes on.
_BEAT_S: Final = 5.0
#: Progress is told so often at most.
_TOLD_EVERY_S: Final = 0.1


async def answer_progress(call: Call, work: Work, *, status: int = 200) -> JsonAnswer:
    """Do the *work* and answer with what it returns, line by line if the caller accepts that."""
    if NDJSON in read_header(call.scope, "accept"):
        return _LineAnswer(call, work)
    return answer_json(await work(_tell_nobody), status=status)


def _tell_nobody(_progress: Progress) -> None:
    """Nobody listens."""


class _LineAnswer(JsonAnswer):
    """An answer that is written while the work is done."""

    __slots__ = ("_call", "_work")

    def __init__(self, call: Call, work: Work) -> None:
        super().__init__(b"", 200)
        self._call = call
        self._work = work

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Do the work and send the lines; whoever hangs up ends it."""
        headers = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        news = _News()
        working, leaving = asyncio.ensure_future(self._work(news.tell)), asyncio.create_task(_hear_goodbye(receive))
        for task in (working, leaving):
            task.add_done_callback(lambda _: news.end())
        try:
            while not working.done() and not leaving.done():
                await self._send_line(send, {"progress": await news.wait()}, is_last=False)
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.wait([working, leaving])
        await self._send_line(send, self._describe_end(working), is_last=True)

    def _describe_end(self, working: asyncio.Future[object]) -> dict[str, object]:
        if working.cancelled():
            return {}  # nobody hears it
        error = working.exception()
        if isinstance(error, Exception):
            return {"problem": describe_problem(self._call, as_atdm_error(error, self._call))}
        return {"answer": working.result()}

    async def _send_line(self, send: Send, line: dict[str, object], *, is_last: bool) -> None:
        await send({"type": "http.response.body", "body": encode_json(line) + b"\n", "more_body": not is_last})


async def _hear_goodbye(receive: Receive) -> None:
    """Return when the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _News:
    """The newest progress, for one listener."""

    def __init__(self) -> None:
        self._newest: Progress | None = None
        self._has_come = asyncio.Event()
        self._is_over = False

    def tell(self, progress: Progress) -> None:
        """Take what comes; what nobody heard in time is passed over."""
        self._newest = progress
        self._has_come.set()

    def end(self) -> None:
        """Wake the listener: nothing more will come."""
        self._is_over = True
        self._has_come.set()

    async def wait(self) -> Progress | None:
        """Return what is new, or after a while what was told last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEAT_S):
                await self._has_come.wait()
        if not self._is_over:
            self._has_come.clear()
            await asyncio.sleep(_TOLD_EVERY_S)
        return self._newest

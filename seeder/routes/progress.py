"""Answers to calls that take long: at once in the end, or line by line with how far the work has come.

A caller who accepts ``application/x-ndjson`` gets lines of JSON: ``{"progress": ...}`` any number of times, and in the
end ``{"answer": ...}`` or ``{"problem": ...}``. The status is 200 then, whatever the end. When it hangs up, the work is
given up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from litestar.response import Stream

from seeder.routes.answer import answer_json, encode_json
from seeder.routes.given import read_header
from seeder.routes.problem import as_atdm_error, describe_problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pytest_atdm.core.baseline import Progress
    from seeder.routes.answer import JsonAnswer
    from seeder.routes.given import Call

NDJSON: Final = "application/x-ndjson"
#: Between two lines; a client that waits for the next byte hears from the work now and then.
_BEAT_S: Final = 5.0
#: Progress is told so often at most.
_TOLD_EVERY_S: Final = 0.1


async def answer_progress(
    call: Call, work: Callable[[Callable[[Progress], None]], Awaitable[object]], *, status: int = 200
) -> JsonAnswer | Stream:
    """Do the *work*, which is given a function to tell its progress, and answer with what it returns."""
    if NDJSON not in read_header(call.scope, "accept"):
        return answer_json(await work(_tell_nobody), status=status)
    return Stream(_iter_lines(call, work), media_type=NDJSON)


def _tell_nobody(_progress: Progress) -> None:
    """Nobody listens."""


async def _iter_lines(
    call: Call, work: Callable[[Callable[[Progress], None]], Awaitable[object]]
) -> AsyncIterator[bytes]:
    news = _News()
    task = asyncio.ensure_future(work(news.tell))
    task.add_done_callback(lambda _: news.end())
    try:
        while not task.done():
            yield _line("progress", await news.wait())
        yield _line("answer", task.result())
    except Exception as error:  # noqa: BLE001 - the head of the answer is sent: this is where an error can be said
        yield _line("problem", describe_problem(call, as_atdm_error(error, call)))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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
        try:
            async with asyncio.timeout(_BEAT_S):
                await self._has_come.wait()
        except TimeoutError:
            return self._newest
        if not self._is_over:
            await asyncio.sleep(_TOLD_EVERY_S)
            self._has_come.clear()
        return self._newest


def _line(kind: str, value: object) -> bytes:
    return encode_json({kind: value}) + b"\n"

"""The rows of volumes on their way to the database: out of a body or made here, judged, and one batch ahead."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from pytest_atdm.core.errors import InvalidRequest
from pytest_atdm.core.gate import BatchGate, reject
from pytest_atdm.core.volume import decode, grow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

    from pytest_atdm.core.gate import Gate
    from pytest_atdm.core.model import Plan
    from pytest_atdm.core.rulebook import Rulebook
    from pytest_atdm.core.volume import Batch

#: A frame is the length of its content in so many bytes, the highest first, and the content.
LENGTH_BYTES: Final = 8
MAX_FRAME_BYTES: Final = 64_000_000
#: A caller who sends nothing for so long has gone; the transaction is not kept open for one.
_SILENCE_S: Final = 30.0


async def read_frames(
    chunks: AsyncIterator[bytes], *, max_first_bytes: int, max_bytes: int
) -> AsyncGenerator[bytes, None]:
    """Yield the frames of a body up to the empty one that ends it; at most *max_bytes* of content in all.

    The first frame, the plan, has at most *max_first_bytes*, any other ``MAX_FRAME_BYTES``.

    Raises:
        InvalidRequest: the body ends before, or has too many bytes; they are not waited for.
    """
    held, most, left = bytearray(), max_first_bytes, max_bytes
    while True:
        while (size := _read_size(held, most, left)) is None or len(held) < LENGTH_BYTES + size:
            held += await _next_chunk(chunks)
        frame, held = bytes(held[LENGTH_BYTES : LENGTH_BYTES + size]), held[LENGTH_BYTES + size :]
        if not frame:
            return
        most, left = MAX_FRAME_BYTES, left - size
        yield frame


def _read_size(held: bytearray, most: int, left: int) -> int | None:
    """Return the announced bytes of the frame that *held* begins with; None as long as that has not come."""
    if len(held) < LENGTH_BYTES:
        return None
    size = int.from_bytes(held[:LENGTH_BYTES], "big")
    if size > most:
        raise InvalidRequest(
            f"a frame of {size} bytes is announced, and {most} are the most",
            hint="send smaller batches, or a plan of fewer rows",
        )
    if size > left:
        raise InvalidRequest(
            f"the body has more bytes than one may have: {size} are announced, and {left} are left",
            hint="ask for fewer rows, or raise the seeder's ATDM_MAX_VOLUME_BYTES",
        )
    return size


async def _next_chunk(chunks: AsyncIterator[bytes]) -> bytes:
    try:
        async with asyncio.timeout(_SILENCE_S):
            while not (chunk := await anext(chunks)):
                pass
            return chunk
    except TimeoutError:
        why = f"nothing came for {_SILENCE_S:.0f} seconds"
    except StopAsyncIteration:
        why = "it ends in the middle"
    raise InvalidRequest(f"the body is not whole: {why}", hint="send an empty frame after the last batch")


async def read_out(chunks: AsyncIterator[bytes]) -> None:
    """Read what is left of a body that nobody needs: who sends hears no answer before he has said everything."""
    with contextlib.suppress(InvalidRequest):
        while True:
            await _next_chunk(chunks)


async def decode_batches(frames: AsyncIterator[bytes], plan: Plan) -> AsyncIterator[Batch]:
    """Yield the batches in *frames*, which are all rows of the plan's volumes in their order.

    Raises:
        InvalidRequest: they are not.
    """
    volumes = {volume.entity: volume for volume in plan.volumes}
    due = {volume.entity: volume.sample for volume in plan.volumes}
    async for frame in frames:
        batch = await asyncio.to_thread(decode, frame, volumes)
        entity, end = batch.volume.entity, batch.start + batch.size
        if batch.start != due[entity] or end > batch.volume.count or batch.size < 1:
            raise InvalidRequest(
                f'rows {batch.start} to {end - 1} of "{entity}" came, and {due[entity]} is due',
                hint="send each row of a volume once, in the order of the indexes",
            )
        due[entity] = end
        yield batch
    missing = [name for name, index in due.items() if index < volumes[name].count]
    if missing:
        raise InvalidRequest(f"rows of {', '.join(missing)} are missing", hint="send every row of a volume")


async def grow_batches(plan: Plan, rulebook: Rulebook) -> AsyncIterator[Batch]:
    """Yield the batches of *plan*, made here."""
    growing = grow(plan, rulebook)
    while (batch := await asyncio.to_thread(next, growing, None)) is not None:
        yield batch


async def judge_batches(batches: AsyncIterable[Batch], gate: Gate, plan: Plan) -> AsyncIterator[Batch]:
    """Yield each of *batches* once *gate* has let it pass.

    Raises:
        PlanRejected: with the first findings.
    """
    judge = BatchGate(gate, plan)
    async for batch in batches:
        findings = await asyncio.to_thread(judge.check, batch)
        if findings:
            raise reject(plan, findings)
        yield batch


async def look_ahead(batches: AsyncIterator[Batch]) -> AsyncGenerator[Batch, None]:
    """Yield *batches*; while one is in use, the next is made."""
    coming = asyncio.ensure_future(anext(batches, None))
    try:
        while (batch := await coming) is not None:
            coming = asyncio.ensure_future(anext(batches, None))
            yield batch
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)

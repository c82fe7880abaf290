"""A bucket of S3, or of whatever speaks its language, as a store. S3 is reached through s3fs, and only here."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.errors import StoreUnavailable
from seeder.store.port import check_name, make_missing, probe
from seeder.store.s3_answers import PASSING, Answer, make_error, read_answer
from seeder.store.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from typing import IO, BinaryIO

    from seeder.settings import StorePlace

#: What S3 takes in one piece. An object is sent in one piece: nothing half can be left of it, not even invisibly.
MAX_OBJECT_BYTES: Final = 5 * 1024**3

_CONNECT_S: Final = 5
#: After so long without a byte in either direction an attempt has failed.
_SILENCE_S: Final = 10
#: Before each further attempt. None is made where the attempts took longer: a silent store is given up after one.
_PAUSES_S: Final = (0.1, 0.2, 0.4, 0.8)
_PATIENCE_S: Final = 8
_CHUNK_BYTES: Final = 1024 * 1024
_PAGE_NAMES: Final = 1000  # the most that S3 gives


class S3Store:
    """Objects are those of *bucket* whose keys begin with *prefix*, which is empty or ends with a slash.

    Threads may share it. The first call imports s3fs (0.5 s) and connects. An object has at most ``MAX_OBJECT_BYTES``
    (5 GiB) and is sent from its file; what is read goes to a temporary file, so there must be room for it. Every call
    ends: some 20 s after the last byte went through, or when the answer has stayed a refusal for some seconds.
    """

    def __init__(self, access: StorePlace, bucket: str, prefix: str) -> None:
        self._access = access
        self._bucket = bucket
        self._prefix = prefix
        self._connecting = threading.Lock()
        self._filesystem: Any = None

    @property
    def place(self) -> str:
        """Bucket and prefix as a URL, and the endpoint unless it is that of AWS."""
        url = f"s3://{self._bucket}/{self._prefix}"
        return f"{url} at {self._access.endpoint}" if self._access.endpoint else url

    def create(self, name: str, source: Path) -> bool:
        """Make the object from the file *source*; False where an object of that name stands."""
        return self._create(name, lambda: source.open("rb"))

    def create_bytes(self, name: str, body: bytes) -> bool:
        """Make the object of *body*; False where one of that name stands."""
        return self._create(name, lambda: io.BytesIO(body))

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """Yield a temporary file with the object's content, which is gone with the block."""
        with contextlib.ExitStack() as leaving:  # what the block does is not ours
            with self._translated(f"reading {name}"):
                path = leaving.enter_context(scratch_folder()) / "content"
                file = leaving.enter_context(path.open("wb"))
            self._download(name, file)
            yield path

    def read_bytes(self, name: str) -> bytes:
        """Return the object's content."""
        content = io.BytesIO()
        self._download(name, content)
        return content.getvalue()

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names below the folder *prefix*, sorted."""
        begins, start = f"{self._key(prefix.rstrip('/'))}/", dict[str, Any]()
        found: list[str] = []
        while True:
            page = self._call(f"listing {prefix}", "list_objects_v2", Prefix=begins, MaxKeys=_PAGE_NAMES, **start)
            found += [entry["Key"] for entry in page.get("Contents", ())]
            if not page.get("NextContinuationToken"):
                break
            start = {"ContinuationToken": page["NextContinuationToken"]}
        # A console marks a folder with an empty object whose name ends with a slash.
        return tuple(sorted(key.removeprefix(self._prefix) for key in found if not key.endswith("/")))

    def remove(self, name: str) -> None:
        """Remove the object, where it stands."""
        self._call(f"removing {name}", "delete_object", settles=Answer.MISSING, Key=self._key(name))

    def probe(self) -> None:
        """Write, write again, and remove: see ``Store.probe``."""
        probe(self, hint="take a store that honours conditional writes (the header If-None-Match)")

    def _create(self, name: str, open_body: Callable[[], BinaryIO]) -> bool:
        """Send what *open_body* gives, opened anew for each attempt: a thread of an earlier one may still read."""
        key, doing = self._key(name), f"writing {name}"
        with self._translated(doing), open_body() as body:
            checksum = _compute_md5(body)  # a bucket with Object Lock takes nothing without it
            _check_size(body.tell(), doing)

        async def send() -> None:
            with open_body() as body:
                put = self._send("put_object", Key=key, Body=body, ContentMD5=checksum, IfNoneMatch="*")
                await _while_it_moves(put, body.tell)

        return self._persist(doing, send, settles=Answer.EXISTS) is not Answer.EXISTS

    def _download(self, name: str, file: IO[bytes]) -> None:
        key = self._key(name)

        async def copy() -> None:
            answer = await self._send("get_object", Key=key)
            async with answer["Body"] as content:
                while chunk := await content.read(_CHUNK_BYTES):
                    file.write(chunk)
            file.flush()

        async def receive() -> None:
            file.seek(0)
            file.truncate()
            await _while_it_moves(copy(), file.tell)

        if self._persist(f"reading {name}", receive, settles=Answer.MISSING) is Answer.MISSING:
            raise make_missing(name, self.place)

    def _call(self, doing: str, method: str, *, settles: Answer | None = None, **parameters: object) -> Any:
        async def ask() -> Any:
            return await _while_it_moves(self._send(method, **parameters), lambda: 0)

        return self._persist(doing, ask, settles=settles)

    def _persist(self, doing: str, work: Callable[[], Awaitable[Any]], *, settles: Answer | None = None) -> Any:
        """Return what *work* gives, or *settles* where the store answers that; try again what may pass.

        Raises:
            StoreUnavailable: any other answer, or none.
        """
        begun_s, pauses = time.monotonic(), iter(_PAUSES_S)
        while True:
            try:
                with self._translated(doing):
                    return self._run(work)
            except Exception as error:
                answer = read_answer(error)
                if answer is None:
                    raise
                if answer is settles:
                    return answer
                pause_s = next(pauses, None)
                if answer not in PASSING or pause_s is None or time.monotonic() - begun_s > _PATIENCE_S:
                    raise make_error(answer, error, doing, self.place) from error
                time.sleep(pause_s)

    def _run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Run *work* in the thread where fsspec has its event loop."""
        from fsspec.asyn import sync  # lazy: startup

        return sync(self._connect().loop, work)

    async def _send(self, method: str, **parameters: object) -> Any:
        return await self._connect()._call_s3(method, Bucket=self._bucket, **parameters)

    def _connect(self) -> Any:
        """Return the file system of s3fs: its client, retries and caches are not wanted, only its sessions."""
        with self._connecting:
            if self._filesystem is None:
                self._filesystem = _open_filesystem(self._access)
            return self._filesystem

    def _key(self, name: str) -> str:
        return self._prefix + check_name(name)

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        """Make errors of this machine's own files errors of ours; those of the store pass."""
        try:
            yield
        except OSError as error:
            if read_answer(error) is not None:
                raise
            raise StoreUnavailable(
                f"{doing}: {error.strerror or error} on this machine, not in the store {self.place}",
                hint="see that the folder for temporary files can be written to and has space; it is tried again",
            ) from error


def _open_filesystem(access: StorePlace) -> Any:
    import s3fs  # lazy: startup

    filesystem = s3fs.S3FileSystem(
        key=access.key,
        secret=access.secret,
        endpoint_url=access.endpoint,
        client_kwargs={"region_name": access.region} if access.region else {},
        config_kwargs={
            "connect_timeout": _CONNECT_S,
            "read_timeout": _SILENCE_S,
            "retries": {"total_max_attempts": 1},  # ours are the only ones: they know when to end
            # The checksum is sent by us, so that neither the body is read once more, in the thread that all calls
            # share, nor wrapped in chunks that not every store understands.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "s3": {"payload_signing_enabled": False},
        },
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    filesystem.retries = 1
    return filesystem


async def _while_it_moves(work: Coroutine[Any, Any, Any], progress: Callable[[], int]) -> Any:
    """Return what *work* gives; TimeoutError where *progress* stays the same for too long."""
    task, seen = asyncio.ensure_future(work), progress()
    try:
        while not (await asyncio.wait({task}, timeout=_SILENCE_S))[0]:
            if (moved := progress()) == seen:
                raise TimeoutError
            seen = moved
        return task.result()
    finally:
        if task.cancel():
            await asyncio.gather(task, return_exceptions=True)  # its connection is closed then


def _compute_md5(body: IO[bytes]) -> str:
    """Return the value of Content-MD5 for *body*, which is read to its end."""
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := body.read(_CHUNK_BYTES):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def _check_size(size_bytes: int, doing: str) -> None:
    if size_bytes > MAX_OBJECT_BYTES:
        raise StoreUnavailable(
            f"{doing}: {size_bytes} bytes are more than the {MAX_OBJECT_BYTES} that S3 takes in one piece",
            hint="keep it in a folder: set ATDM_STORE to one",
        )

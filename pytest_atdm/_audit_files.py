"""The exported files of an audit log, read and judged without a seeder: all that it takes is a copy of them."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.audit_check import ChainEnd, Flaw, LogCheck, LogVerdict, read_seal
from pytest_atdm.core.audit_file import iter_entries, make_schema, read_checkpoints, read_range
from pytest_atdm.core.errors import SettingError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_atdm.core.audit_check import Checkpoint, Entry
    from pytest_atdm.core.audit_file import SealedRange

#: Events in memory at a time.
_BLOCK: Final = 10_000
_S3: Final = "s3://"
#: What else a seeder keeps in its store, in a folder of this name.
_BASELINES: Final = "baselines"


@dataclass(frozen=True, slots=True)
class _Copies:
    """Files below a place, by their names there; *open* yields what pyarrow reads from."""

    place: str
    names: tuple[str, ...]
    system: Any  # fsspec's file system; None for a folder of this machine

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[Any]:
        where = f"{self.place}/{name}"
        with self.system.open(where, "rb") if self.system else Path(where).open("rb") as file:
            yield file


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    of: SealedRange


def verify_files(place: str, expected: Checkpoint | None) -> LogVerdict:
    """Return the verdict on the files below *place*, a folder or ``s3://bucket/prefix``.

    They must be all files of one log or several; *expected* is a checkpoint that one log must fit, beside those that
    stand among the files. Each file holds the seal over its events, so that all can be judged without the database.

    Raises:
        SettingError: there is no such place, no file of an audit log in it, or several logs and one checkpoint.
        StoreUnavailable: the place cannot be read.
    """
    try:
        copies = _find_copies(place)
        logs, flaws = _read_ranges(copies)
        if not logs and not flaws:
            raise SettingError(
                f"{place}: there is no file of an audit log here", hint="name the folder that has audit/"
            )
        if expected and len(logs) > 1:
            raise SettingError(
                f"{place}: there are {len(logs)} logs here, and a checkpoint is of one",
                hint=f"name the log's folder: one of {', '.join(f'log={log}' for log in sorted(logs))}",
            )
        verdicts = [_judge(copies, log, files, expected) for log, files in sorted(logs.items())]
    except OSError as error:
        raise StoreUnavailable(f"reading {place}: {error}", hint="see that it can be read, and try again") from error
    return _sum_up(verdicts, flaws)


def _find_copies(place: str) -> _Copies:
    if place.startswith(_S3):
        return _find_in_s3(place.removeprefix(_S3).rstrip("/"))
    folder = Path(place)
    if not folder.is_dir():
        raise SettingError(f"{place}: there is no such folder", hint="name the folder that has audit/, or s3://...")
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return _Copies(str(folder), tuple(sorted(names)), None)


def _find_in_s3(place: str) -> _Copies:
    try:
        import s3fs  # lazy: an extra
    except ImportError as error:
        raise SettingError(
            "reading from S3 needs s3fs, which is not installed", hint="pip install 'pytest-atdm[s3]'"
        ) from error
    told = {name: os.environ.get(f"ATDM_STORE_{name.upper()}") for name in ("key", "secret", "endpoint", "region")}
    system = s3fs.S3FileSystem(
        key=told["key"],
        secret=told["secret"],
        endpoint_url=told["endpoint"],
        client_kwargs={"region_name": told["region"]} if told["region"] else None,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    found = (str(name).removeprefix(f"{place}/") for name in system.find(place))
    return _Copies(place, tuple(sorted(found)), system)


def _read_ranges(copies: _Copies) -> tuple[dict[str, list[_File]], list[Flaw]]:
    """Return by log the files that can be judged, and what is wrong with the others."""
    logs: dict[str, list[_File]] = defaultdict(list)
    flaws = []
    for name in copies.names:
        if not name.endswith(".parquet") or _BASELINES in PurePosixPath(name).parts:
            continue
        try:
            found = _read_range(copies, name)
        except ValueError as error:
            flaws.append(Flaw(what=f"{name}: {error}"))
        else:
            logs[found.log_id].append(_File(name, found))
    return logs, flaws


def _read_range(copies: _Copies, name: str) -> SealedRange:
    """Return what the file is of.

    Raises:
        ValueError: the file is not what was exported; says what is wrong with it.
    """
    import pyarrow.parquet as pq  # lazy: startup

    with _damage_named(), copies.open(name) as file:
        schema = pq.ParquetFile(file).schema_arrow
    found = read_range(schema.metadata)
    if not schema.equals(make_schema(found)):
        raise ValueError("the file has other columns than those that were written")
    if not _ends_with(found.name, name):
        raise ValueError(f"the file was moved or copied: it is {found.name}")
    return found


def _ends_with(whole: str, part: str) -> bool:
    """Return whether *part* is the end of the path *whole*; whoever copies files may leave out the first folders."""
    length = len(PurePosixPath(part).parts)
    return PurePosixPath(whole).parts[-length:] == PurePosixPath(part).parts or part.endswith(whole)


def _judge(copies: _Copies, log: str, files: list[_File], expected: Checkpoint | None) -> LogVerdict:
    """Return the verdict on one log."""
    kept = [name for name in copies.names if f"log={log}/" in f"{copies.place}/{name}"]
    given = [expected] if expected else []
    seals = sorted((file.of.seal for file in files), key=lambda seal: seal.seq)
    check = LogCheck(_read_ends(files), seals, [*given, *read_checkpoints(kept)])
    flaws = []
    for file in sorted(files, key=lambda file: (file.of.run_id, file.of.first_seq)):
        try:
            for block in _iter_blocks(copies, file):
                check.add(block)
        except ValueError as error:
            flaws.append(Flaw(what=f"{file.name}: {error}", run_id=file.of.run_id))
    verdict = check.finish()
    return replace(verdict, flaws=(*flaws, *verdict.flaws))


def _read_ends(files: Sequence[_File]) -> Mapping[str, ChainEnd]:
    """Return where each run's chain ended, by the newest seal of it."""
    ends = {}
    for file in sorted(files, key=lambda file: file.of.seal.seq):
        with contextlib.suppress(ValueError, TypeError, KeyError):  # the check names a seal that is none
            run_id, last_seq, head = read_seal(file.of.seal.body)
            ends[run_id] = ChainEnd(True, last_seq, head)
    return ends


def _iter_blocks(copies: _Copies, file: _File) -> Iterator[Iterable[Entry]]:
    """Yield the events of a file.

    Raises:
        ValueError: its content cannot be read.
    """
    import pyarrow.parquet as pq  # lazy: startup

    with _damage_named(), copies.open(file.name) as opened:
        for batch in pq.ParquetFile(opened).iter_batches(_BLOCK):
            yield iter_entries(batch)


@contextlib.contextmanager
def _damage_named() -> Iterator[None]:
    """Raise ValueError where what is read is no Parquet, and leave alone that it cannot be reached."""
    import pyarrow as pa  # lazy: startup

    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"the file cannot be read: {str(error).splitlines()[0]}") from error


def _sum_up(verdicts: Sequence[LogVerdict], flaws: Sequence[Flaw]) -> LogVerdict:
    return LogVerdict(
        events=sum(one.events for one in verdicts),
        runs=sum(one.runs for one in verdicts),
        seals=sum(one.seals for one in verdicts),
        checkpoint=verdicts[0].checkpoint if len(verdicts) == 1 else "",
        flaws=(*flaws, *(flaw for one in verdicts for flaw in one.flaws)),
        more=sum(one.more for one in verdicts),
    )

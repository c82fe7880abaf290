"""Which store a setting means."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pytest_atdm.core.errors import SettingError
from seeder.store.local import LocalStore

if TYPE_CHECKING:
    from seeder.settings import StorePlace
    from seeder.store.port import Store

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
#: A bucket, and a prefix of parts that are no way out of a folder and need no quoting.
_S3: Final = re.compile(r"s3://([A-Za-z0-9._-]{1,255})((?:/[A-Za-z0-9_][A-Za-z0-9_.=-]*)*)/?")
_REGION: Final = re.compile(r"[a-z0-9-]+")


def open_store(place: StorePlace) -> Store:
    """Return the store; nothing is connected to, written, or loaded for it before its first use.

    Raises:
        SettingError: it cannot be used. No value is repeated that may hold a secret.
    """
    scheme = _SCHEME.match(place.url)
    if scheme is None:
        return _open_folder(Path(place.url))
    if scheme[1] == "file":
        return _open_folder(_read_file_url(place.url))
    if scheme[1] == "s3":
        return _open_bucket(place)
    raise SettingError(
        f"ATDM_STORE: {scheme[1]}:// is no store", hint="name a folder, or a bucket as s3://bucket/prefix"
    )


def _open_folder(folder: Path) -> Store:
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"ATDM_STORE: {folder} is no folder", hint="name a folder; it is made where it is missing")
    return LocalStore(folder.absolute())


def _read_file_url(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise SettingError(
            "ATDM_STORE: a URL of a folder has nothing but a path", hint="write file:///path, or the path alone"
        )
    return Path(unquote(parts.path))


def _open_bucket(place: StorePlace) -> Store:
    found = _S3.fullmatch(place.url)
    if found is None:
        raise SettingError(
            "ATDM_STORE: this is no URL of a bucket",
            hint="write s3://bucket or s3://bucket/prefix, of letters, digits, and . _ = -; "
            "credentials go to ATDM_STORE_KEY and ATDM_STORE_SECRET",
        )
    _check_access(place)
    if importlib.util.find_spec("s3fs") is None:
        raise SettingError(
            f"ATDM_STORE: S3 needs the package s3fs, which is not installed for {sys.executable}",
            hint="pip install 'pytest-atdm[s3]'",
        )
    from seeder.store.s3 import S3Store  # lazy: only with a bucket

    return S3Store(place, found[1], f"{found[2][1:]}/" if found[2] else "")


def _check_access(place: StorePlace) -> None:
    if bool(place.key) != bool(place.secret):
        raise SettingError(
            "ATDM_STORE_KEY and ATDM_STORE_SECRET go together", hint="set both, or neither for the AWS credentials"
        )
    if place.region and not _REGION.fullmatch(place.region):
        raise SettingError("ATDM_STORE_REGION is no region", hint="write its name, like eu-central-1")
    if place.endpoint:
        _check_endpoint(place.endpoint)


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        is_one = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # of a port or an IPv6 address
        is_one = False
        parts = urlsplit("")
    if not is_one or parts.username is not None or parts.query or parts.fragment:
        raise SettingError(
            "ATDM_STORE_ENDPOINT is no endpoint", hint="write http://host:port or https://host, without credentials"
        )

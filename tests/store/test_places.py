"""Which store a setting means, and how one that cannot be used is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_atdm.core.errors import SettingError
from seeder.__main__ import read_options
from seeder.serve import choose_store
from seeder.settings import StorePlace
from seeder.store.local import LocalStore
from seeder.store.places import open_store
from tests.process.actors import PATIENCE_S, ROOT


def test_a_folder_is_a_path_or_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, absolute or not, and a file URL mean the folder; it is not made before it is used."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "two words"

    for url in (str(folder), "two words", folder.as_uri(), f"file://localhost{folder}".replace(" ", "%20")):
        store = open_store(StorePlace(url=url))
        assert isinstance(store, LocalStore)
        assert str(folder) == store.place
    assert not folder.exists()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket", "s3://bucket/"),
        ("s3://bucket/", "s3://bucket/"),
        ("s3://bucket/some/prefix=1/", "s3://bucket/some/prefix=1/"),
        ("s3://my.bucket-2/x", "s3://my.bucket-2/x/"),
    ],
)
def test_a_bucket_is_a_url(url: str, place: str) -> None:
    """A URL of S3 is a bucket and perhaps a prefix; nothing is asked of S3 yet."""
    assert place == open_store(StorePlace(url=url)).place


@pytest.mark.parametrize(
    "url",
    [
        "s3://", "s3:///prefix", "s3://key:hidden@bucket/x", "s3://bucket/../hidden", "s3://bucket//x", "s3://bucket/x?hidden=1",
        "s3://bucket/a b", "file://elsewhere/hidden", "file:///x?hidden=1", "gs://hidden/x", "https://hidden/x",
    ],
)  # fmt: skip
def test_a_url_that_is_no_store_is_refused(url: str) -> None:
    """The error names the variable and says what to write; it does not repeat what may be a secret."""
    with pytest.raises(SettingError, match="ATDM_STORE") as caught:
        open_store(StorePlace(url=url))

    assert "hidden" not in str(caught.value)
    assert any(word in caught.value.hint for word in ("s3://bucket", "file:///path"))


def test_a_file_is_no_store(tmp_path: Path) -> None:
    """Where a file stands, no folder can."""
    (tmp_path / "file").touch()

    with pytest.raises(SettingError, match="file is no folder") as caught:
        open_store(StorePlace(url=str(tmp_path / "file")))

    assert "name a folder" in caught.value.hint


@pytest.mark.parametrize(
    ("fields", "variable"),
    [
        ({"key": "hidden"}, "ATDM_STORE_KEY and ATDM_STORE_SECRET"),
        ({"secret": "hidden"}, "ATDM_STORE_KEY and ATDM_STORE_SECRET"),
        ({"region": "hidden place"}, "ATDM_STORE_REGION"),
        ({"endpoint": "hidden:9000"}, "ATDM_STORE_ENDPOINT"),
        ({"endpoint": "ftp://hidden"}, "ATDM_STORE_ENDPOINT"),
        ({"endpoint": "http://hidden:port"}, "ATDM_STORE_ENDPOINT"),
        ({"endpoint": "http://[hidden"}, "ATDM_STORE_ENDPOINT"),
        ({"endpoint": "http://key:hidden@host"}, "ATDM_STORE_ENDPOINT"),
    ],
)
def test_access_that_cannot_be_used_is_refused(fields: dict[str, str], variable: str) -> None:
    """Half a pair of credentials, a region or an endpoint that is none: the variable is named, its value is not."""
    with pytest.raises(SettingError, match=variable) as caught:
        open_store(StorePlace(url="s3://bucket", **fields))

    assert "hidden" not in str(caught.value)
    assert any(word in caught.value.hint for word in ("set both", "write its name", "write http://host:port"))


def test_a_missing_package_is_named() -> None:
    """Without s3fs a bucket is refused, and it is said what to install; a folder needs nothing."""
    script = """
import sys
sys.path.insert(0, sys.argv[1])
from seeder.settings import StorePlace
from seeder.store.places import open_store
print(open_store(StorePlace(url="/folder")).place)
try:
    open_store(StorePlace(url="s3://bucket"))
except Exception as error:
    print(error.code, error)
"""
    words = [sys.executable, "-I", "-S", "-c", script, str(ROOT)]
    said = subprocess.run(words, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout

    assert "/folder\n" in said
    assert f"setting_error ATDM_STORE: S3 needs the package s3fs, which is not installed for {sys.executable}" in said
    assert "hint: pip install 'pytest-atdm[s3]'" in said


def test_s3fs_is_loaded_by_the_first_call_only() -> None:
    """Neither the application nor a folder, nor a bucket before it is used, loads s3fs: it takes half a second."""
    script = """
import sys
import seeder.app, seeder.serve
from seeder.settings import StorePlace
from seeder.store.places import open_store
open_store(StorePlace(url="/folder"))
open_store(StorePlace(url="s3://bucket"))
print(sorted(name for name in ("s3fs", "fsspec", "botocore", "aiohttp") if name in sys.modules))
"""
    words = [sys.executable, "-c", script]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout

    assert said == "[]\n"


def test_a_place_comes_from_the_option_or_the_environment() -> None:
    """--store wins over ATDM_STORE; what S3 needs beside comes from the environment, and an empty value is none."""
    environment = {
        "ATDM_STORE": "s3://from-variable",
        "ATDM_STORE_ENDPOINT": "http://host:1",
        "ATDM_STORE_KEY": "key",
        "ATDM_STORE_SECRET": "secret",
        "ATDM_STORE_REGION": "",
    }
    wanted = StorePlace(url="s3://from-variable", endpoint="http://host:1", key="key", secret="secret")

    assert wanted == read_options(["serve"], environment).store
    assert (named := read_options(["serve", "--store", "/from-line"], environment).store) is not None
    assert named.url == "/from-line"
    assert read_options(["serve"], {"ATDM_STORE": ""}).store is None


def test_an_embedded_postgres_has_its_store_beside_it(tmp_path: Path) -> None:
    """Where nothing is said, objects go to a folder beside the embedded Postgres; without one there is no store."""
    embedded = read_options(["serve", "--embedded", str(tmp_path)], {})

    assert StorePlace(url=str(tmp_path / "store")) == choose_store(embedded)
    assert choose_store(read_options(["serve"], {"ATDM_DATABASE_URL": "postgresql://host/db"})) is None
    assert StorePlace(url="/said") == choose_store(read_options(["serve", "--embedded", "x", "--store", "/said"], {}))


def test_a_store_that_cannot_be_used_ends_the_start() -> None:
    """The seeder does not begin to serve with a store that is none."""
    words = ["serve", "--database-url", "postgresql://host/db", "--store", "ftp://host"]

    with pytest.raises(SettingError, match="ftp:// is no store") as caught:
        choose_store(read_options(words, {"ATDM_TOKEN": "t"}))

    assert "name a folder" in caught.value.hint

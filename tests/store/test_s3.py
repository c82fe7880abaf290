"""A bucket as a store: what becomes of it when the server, or the way there, does not do as it should."""

from __future__ import annotations

import contextlib
import hashlib
import random
from typing import TYPE_CHECKING, Any

import pytest
import s3fs

from pytest_atdm.core.errors import NotFound, SettingError, StoreUnavailable
from seeder.store import s3
from seeder.store.places import open_store
from tests.chaos.proxy import Proxy
from tests.store.forwarder import Forwarder
from tests.store.server import KEY, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from seeder.store.port import Store
    from tests.store.server import S3Server

#: Each way to use a store, on one object.
CALLS: dict[str, Callable[[Store], object]] = {
    "create": lambda store: store.create_bytes("a/b", b"content"),
    "read": lambda store: store.read_bytes("a/b"),
    "list": lambda store: store.names("a/"),
    "remove": lambda store: store.remove("a/b"),
    "probe": lambda store: store.probe(),
}


@pytest.fixture
def forwarder(s3_server: S3Server) -> Iterator[Forwarder]:
    """A server between the test's store and the real one."""
    with Forwarder(s3_server) as between:
        yield between


@pytest.fixture
def bent_store(s3_server: S3Server, forwarder: Forwarder, prefix: str) -> Store:
    """The same part of the bucket as ``s3_store``, reached through ``forwarder``."""
    return open_store(s3_server.place(prefix, endpoint=forwarder.endpoint))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between attempts short."""
    monkeypatch.setattr(s3, "_PAUSES_S", (0.01,) * 4)


@contextlib.contextmanager
def paused(server: S3Server) -> Iterator[None]:
    """Stop *server* for the length of the block.

    A store is taken for silent after a second in place of ten there, and given up then, as after ten.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "_SILENCE_S", 1)
        patch.setattr(s3, "_PATIENCE_S", 0.5)
        server.pause()
        try:
            yield
        finally:
            server.resume()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that is more than what sockets take without a reader."""
    path = tmp_path / "large"
    path.write_bytes(random.Random(3).randbytes(24 * 1024 * 1024))
    return path


def test_a_killed_server_is_said(hasty: None, s3_server: S3Server, s3_store: Store) -> None:
    """Where nobody listens any more, every call ends with an error that says where; later it works again."""
    s3_store.create_bytes("a/b", b"content")
    s3_server.kill()

    try:
        for call in CALLS.values():
            with pytest.raises(StoreUnavailable, match="no connection, or it broke") as caught:
                call(s3_store)
            assert s3_server.endpoint in caught.value.message
            assert "ATDM_STORE_ENDPOINT" in caught.value.hint
    finally:
        s3_server.start()

    assert s3_store.create_bytes("a/c", b"content")


def test_a_silent_server_is_given_up(s3_server: S3Server, s3_store: Store) -> None:
    """A server that takes connections and does not answer is an error, in bounded time; later it works again."""
    s3_store.create_bytes("a/b", b"content")

    with paused(s3_server):
        for call in CALLS.values():
            with pytest.raises(StoreUnavailable, match="no answer in time") as caught:
                call(s3_store)
            assert "see that the store runs" in caught.value.hint

    assert s3_store.create_bytes("a/c", b"content")


def test_a_server_that_does_not_take_the_body_is_given_up(s3_server: S3Server, s3_store: Store, large: Path) -> None:
    """An upload that stands still ends, leaves nothing, and can be made again."""
    with paused(s3_server), pytest.raises(StoreUnavailable, match="no answer in time"):
        s3_store.create("large", large)

    assert s3_store.create("large", large)


@pytest.mark.parametrize("wrong", ["secret", "key"])
def test_wrong_credentials_are_refused(s3_server: S3Server, wrong: str) -> None:
    """A wrong secret and an unknown key are refused by the server; the error names neither, and says what to set."""
    store = open_store(s3_server.place(**{wrong: "wrong-one"}))

    for call in CALLS.values():
        with pytest.raises(StoreUnavailable, match="access is refused") as caught:
            call(store)
        assert "ATDM_STORE_SECRET" in caught.value.hint
        assert not any(word in str(caught.value) for word in ("wrong-", KEY, SECRET))


def test_a_missing_bucket_is_said(s3_server: S3Server) -> None:
    """A bucket that is not there is another error than an object that is not."""
    store = open_store(s3_server.place(url="s3://nobody/made"))

    for call in CALLS.values():
        with pytest.raises(StoreUnavailable, match=r"there is no such bucket \(NoSuchBucket\)") as caught:
            call(store)
        assert "create the bucket" in caught.value.hint


def test_without_credentials_it_is_said_what_to_set(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where neither the settings nor AWS's own places have credentials, nothing is sent unsigned."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)

    with pytest.raises(StoreUnavailable, match="there are no credentials") as caught:
        open_store(s3_server.place(key=None, secret=None)).names("a/")

    assert "ATDM_STORE_KEY" in caught.value.hint


def test_credentials_are_found_where_aws_has_them(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    """Without a key in the settings, the usual variables of AWS count."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    assert open_store(s3_server.place(prefix, key=None, secret=None)).create_bytes("a", b"")


def test_a_store_that_writes_over_objects_is_found_out(forwarder: Forwarder, bent_store: Store) -> None:
    """A store that ignores If-None-Match does not pass the probe."""
    forwarder.drops_condition = True
    assert bent_store.create_bytes("a", b"first")
    assert bent_store.create_bytes("a", b"second")

    with pytest.raises(SettingError, match="writes over what stands") as caught:
        bent_store.probe()

    assert "If-None-Match" in caught.value.hint
    assert () == bent_store.names("probe/")


def test_a_store_that_knows_no_conditions_is_found_out(forwarder: Forwarder, bent_store: Store) -> None:
    """A store that answers that it has not implemented them does not pass either."""
    forwarder.refusals = [(501, "NotImplemented")]

    with pytest.raises(SettingError, match="does not know what it was asked for") as caught:
        bent_store.probe()

    assert "If-None-Match" in caught.value.hint


def test_a_conflict_is_tried_again(forwarder: Forwarder, bent_store: Store) -> None:
    """Where the store answers twice that another write is under way, the third attempt counts."""
    forwarder.refusals = [(409, "ConditionalRequestConflict")] * 2

    assert bent_store.create_bytes("a", b"content")
    assert 3 == forwarder.puts
    assert bent_store.read_bytes("a") == b"content"


@pytest.mark.parametrize("answer", [(409, "ConditionalRequestConflict"), (503, "SlowDown"), (500, "InternalError")])
def test_what_does_not_pass_is_given_up(
    hasty: None, forwarder: Forwarder, bent_store: Store, answer: tuple[int, str]
) -> None:
    """A store that gives the same answer each time is asked five times; then the error has its code."""
    forwarder.refusals = [answer] * 100

    with pytest.raises(StoreUnavailable, match=answer[1]) as caught:
        bent_store.create_bytes("a", b"content")

    assert 5 == forwarder.puts
    assert "tried again" in caught.value.hint
    with pytest.raises(NotFound):
        bent_store.read_bytes("a")


def test_a_refusal_is_not_asked_again(forwarder: Forwarder, bent_store: Store) -> None:
    """What will not pass by itself is an error at once."""
    forwarder.refusals = [(403, "AccessDenied")] * 2

    with pytest.raises(StoreUnavailable, match="AccessDenied"):
        bent_store.create_bytes("a", b"content")

    assert 1 == forwarder.puts


def test_a_lost_answer_is_told_as_exists(forwarder: Forwarder, bent_store: Store) -> None:
    """Where the object was made and the answer lost, the next attempt finds it: False, and the content is ours."""
    forwarder.loses_answers = 1

    assert not bent_store.create_bytes("a", b"content")
    assert 2 == forwarder.puts
    assert bent_store.read_bytes("a") == b"content"


def test_a_body_that_is_cut_leaves_no_object(
    hasty: None, forwarder: Forwarder, bent_store: Store, s3_store: Store, large: Path
) -> None:
    """Where the connection breaks within the body each time, there is an error and no object."""
    forwarder.body_bytes = 5 * 1024 * 1024

    with pytest.raises(StoreUnavailable, match="no connection, or it broke"):
        bent_store.create("large", large)

    with pytest.raises(NotFound):
        s3_store.read_bytes("large")
    assert s3_store.create("large", large)


@pytest.mark.parametrize("bytes_through", [10, 30_000])
def test_a_connection_that_breaks_once_is_made_good(
    s3_server: S3Server, s3_store: Store, prefix: str, large: Path, bytes_through: int
) -> None:
    """After a break within an upload, or within a download, the whole is sent again, from its beginning."""
    with contextlib.closing(Proxy(s3_server.address)) as proxy:
        store = open_store(s3_server.place(prefix, endpoint=f"http://127.0.0.1:{proxy.port}"))
        proxy.cut("request", bytes_through)
        assert store.create("large", large)
        proxy.cut("answer", bytes_through)
        with store.reading("large") as path:
            downloaded = hashlib.sha256(path.read_bytes())

    assert hashlib.sha256(large.read_bytes()).digest() == downloaded.digest()


def test_more_objects_than_a_page_are_listed(s3_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of more names than S3 gives at once is whole."""
    monkeypatch.setattr(s3, "_PAGE_NAMES", 3)
    wanted = tuple(f"many/{number}" for number in range(8))
    for name in wanted:
        s3_store.create_bytes(name, b"")

    assert wanted == s3_store.names("many/")


def test_a_bucket_that_keeps_versions_is_a_store(s3_server: S3Server) -> None:
    """Where Object Lock keeps every version, objects are made, removed and made again as elsewhere."""
    bucket = s3fs.S3FileSystem(key=KEY, secret=SECRET, endpoint_url=s3_server.endpoint, skip_instance_cache=True)
    bucket.call_s3("create_bucket", Bucket="locked", ObjectLockEnabledForBucket=True)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    bucket.call_s3("put_object_lock_configuration", Bucket="locked", ObjectLockConfiguration=rule)
    store = open_store(s3_server.place(url="s3://locked"))

    store.probe()
    for content in (b"first", b"second"):
        assert store.create_bytes("a", content)
        assert not store.create_bytes("a", b"another")
        assert content == store.read_bytes("a")
        store.remove("a")
    assert () == store.names("probe/")


def test_what_is_too_large_is_refused_before_it_is_sent(
    forwarder: Forwarder, bent_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beyond the limit of S3 is an error that names another place."""
    monkeypatch.setattr(s3, "MAX_OBJECT_BYTES", 3)

    with pytest.raises(StoreUnavailable, match="4 bytes are more than the 3 that S3 takes") as caught:
        bent_store.create_bytes("a", b"four")

    assert "folder" in caught.value.hint
    assert 0 == forwarder.puts


def test_a_full_disk_here_is_not_said_of_the_store(s3_store: Store, tmp_path: Path) -> None:
    """An error of a file of this machine names this machine."""
    with pytest.raises(StoreUnavailable, match="No such file or directory on this machine") as caught:
        s3_store.create("a", tmp_path / "missing")

    assert "temporary files" in caught.value.hint


def test_nothing_secret_is_shown(s3_server: S3Server) -> None:
    """Neither the setting nor the store shows key or secret."""
    place = s3_server.place("a")
    store: Any = open_store(place)

    assert not any(word in f"{place!r} {store!r} {store.place}" for word in (KEY, SECRET))
    assert f"s3://atdm/a/ at {s3_server.endpoint}" == store.place

"""Takes the README's picture of the audit page: ``python -m tests.pictures`` writes ``docs/images/audit-timeline.png``.

Everything in it happened: a real Postgres, the demo's catalog, a request, a row of the application, a reset. Needs
Chromium: the one of Playwright, or the one that ``ATDM_CHROMIUM`` or the search path names.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import sync_playwright

from pytest_atdm.core.page_key import derive_page_key
from pytest_atdm.data import folder
from seeder.embedded import running_postgres
from seeder.settings import Settings
from tests.seeder.caller import Caller, free_listener, running_seeder

PICTURE: Final = Path(__file__).parent.parent / "docs" / "images" / "audit-timeline.png"
TOKEN: Final = "only-for-the-picture"
SCENARIO: Final = "claim_denial_expired_eligibility"
TEST: Final = "tests/test_claims.py::test_claim_is_denied_when_coverage_has_ended"
WIDTH_PX: Final = 940
MARGIN_PX: Final = 20
PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CHROMIUM_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def take_picture(target: Path) -> None:
    """Write the picture to *target*."""
    with tempfile.TemporaryDirectory(prefix="atdm-picture-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        with running_postgres(Path(place)) as database_url:
            listener = free_listener()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            settings = Settings(
                database_url=database_url, token=TOKEN, catalog=folder("catalog"), base_url=url, embedded=True
            )
            with running_seeder(settings, listener), Caller(url, TOKEN, database_url, settings.catalog) as caller:
                run_id = live_through(caller)
                photograph(f"{url}/ui/audit/{run_id}?key={derive_page_key(TOKEN)}", target)


def live_through(caller: Caller) -> str:
    """Seed, test against, and reset one request; return its run."""
    caller.http.post("/test-data/reference", json={"domain": "healthcare"}).raise_for_status()
    caller.as_of = datetime.datetime.now(datetime.UTC).date()
    run_id = caller.start_run(as_of=caller.as_of, actor="ada@build-7")
    plan = caller.plan(run_id, SCENARIO, days_since_expiry=45, claim__status="denied")
    answer = caller.seed(plan, context=json.dumps({"test": TEST, "attempt": 1}))
    receipt: dict[str, Any] = answer.raise_for_status().json()
    claim = receipt["entities"]["claim"]["rows"][0]
    time.sleep(0.4)  # a test takes its time, and the page shows it
    caller.query(
        "INSERT INTO claim_decisions (claim_id, outcome, reason) VALUES ($1, 'denied', 'expired_eligibility')",
        claim["id"],
    )
    files = {"files": [".atdm/fixtures/claim_denial.py", ".atdm/fixtures/claim_denial.json"]}
    events = [
        {"kind": "fixtures_written", "detail": files},
        {"kind": "consumed_by_test", "detail": {"outcome": "passed", "duration_ms": 412}},
    ]
    caller.reset(receipt, events).raise_for_status()
    caller.http.delete(f"/runs/{run_id}").raise_for_status()
    return run_id


def photograph(url: str, target: Path) -> None:
    """Write the page at *url*, down to the end of the request, in light colours, to *target*."""
    target.parent.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("ATDM_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 800}, color_scheme="light")
        page.goto(url)
        request = page.locator(".group", has_text=SCENARIO).bounding_box()
        assert request is not None
        bottom = request["y"] + request["height"] + MARGIN_PX
        shot = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH_PX, "height": bottom})
        target.write_bytes(squeeze(shot))
        browser.close()


def squeeze(png: bytes) -> bytes:
    """Return the same picture in fewer bytes: browsers compress for speed."""
    chunks = list(iter_chunks(png))
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    packed = (b"IDAT", zlib.compress(pixels, 9))
    rest = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    return PNG_SIGNATURE + b"".join(make_chunk(kind, data) for kind, data in (*rest[:-1], packed, rest[-1]))


def iter_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of each chunk."""
    place = len(PNG_SIGNATURE)
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        yield kind, png[place + 8 : place + 8 + length]
        place += 12 + length


def make_chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk with its length and checksum."""
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    take_picture(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)

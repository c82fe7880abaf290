"""``python -m tests.docs``: write the pages of docs/reference that come from code; ``--check`` only compares."""

from __future__ import annotations

import sys

from tests.docs.reference import find_stale_pages, write_pages


def main() -> int:
    """Write the pages, or name those that are stale; return 1 if there are such."""
    if "--check" not in sys.argv:
        write_pages()
    stale = find_stale_pages()
    for path in stale:
        print(f"{path}: not what the code says; run: python -m tests.docs")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

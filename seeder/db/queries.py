"""The named queries of ``sql/queries.sql`` and the identifiers of generated statements."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "sql"


def _read_queries() -> dict[str, str]:
    parts = re.split(r"^-- (\w+) --\n", (_FOLDER / "queries.sql").read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))


QUERIES: Final = _read_queries()
INTROSPECT: Final = (_FOLDER / "introspect.sql").read_text("utf-8")
RIGHTS: Final = (_FOLDER / "rights.sql").read_text("utf-8")


def quote_ident(name: str) -> str:
    """Return *name* as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_table(table: str) -> str:
    """Return the table id ``schema.table`` as a quoted, qualified SQL name."""
    schema, _, name = table.partition(".")
    return f"{quote_ident(schema)}.{quote_ident(name)}"


def quote_text(text: str) -> str:
    """Return *text* as an SQL string literal; NUL never occurs in names that Postgres stores."""
    body = text.replace("'", "''")
    return f" E'{body.replace(chr(92), chr(92) * 2)}'" if "\\" in body else f"'{body}'"

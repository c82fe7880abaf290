from __future__ import annotations

from pathlib import Path

import pytest

from pytest_atdm import data
from pytest_atdm.core.errors import DataNotFound

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "place"), [("catalog", "catalog"), ("migrations", "migrations"), ("demo", "docs/demo")]
)
def test_folder_is_the_one_at_the_top_of_the_repository(name: str, place: str) -> None:
    """In a checkout the shipped folder is the repository's own, not a copy of it."""
    assert ROOT / place == data.folder(name)


def test_unknown_folder_names_those_that_ship() -> None:
    """Asking for a folder that does not ship fails with the names of those that do."""
    with pytest.raises(DataNotFound) as caught:
        data.folder("tests")

    assert caught.value.code == "data_not_found"
    assert caught.value.hint == "ask for one of catalog, migrations, demo"


def test_missing_folder_is_named_with_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged installation is told where the folder should stand."""
    monkeypatch.setattr(data, "_SHIPPED", tmp_path)

    with pytest.raises(DataNotFound) as caught:
        data.folder("catalog")

    assert str(tmp_path / "catalog") in caught.value.message

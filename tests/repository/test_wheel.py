from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = {"catalog": "catalog", "migrations": "migrations", "demo": "docs/demo"}
BUILD = "import sys; from pdm import backend; print(getattr(backend, f'build_{sys.argv[1]}')(sys.argv[2]))"
FIND = "from pytest_atdm import data; [print(data.folder(name)) for name in data.FOLDERS]"

Files = dict[str, bytes]


def _build(kind: str, source: Path, target: Path) -> Path:
    run = subprocess.run(
        [sys.executable, "-c", BUILD, kind, target], cwd=source, capture_output=True, text=True, check=True
    )
    return target / run.stdout.splitlines()[-1]


def _read_wheel(wheel: Path) -> Files:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _read_folder(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what the wheel is built of: building in the checkout itself would disturb other processes."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy)
    for name in ("pytest_atdm", "seeder", *SHIPPED.values()):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the files of the wheel that the checkout gives."""
    return _read_wheel(_build("wheel", checkout, tmp_path_factory.mktemp("wheel")))


@pytest.mark.parametrize("name", SHIPPED)
def test_wheel_carries_each_shipped_folder_byte_for_byte(wheel: Files, name: str) -> None:
    """What stands in a shipped folder of the checkout is in the wheel under _shipped: the same bytes, nothing more."""
    expected = _read_folder(ROOT / SHIPPED[name])

    prefix = f"pytest_atdm/_shipped/{name}/"
    shipped = {path.removeprefix(prefix): content for path, content in wheel.items() if path.startswith(prefix)}

    assert expected
    assert expected == shipped


def test_wheel_installs_the_two_packages_and_no_other_name(wheel: Files) -> None:
    """Installing the wheel adds pytest_atdm, seeder and its metadata to site-packages: no catalog, tests or docs."""
    top_level = {path.split("/")[0] for path in wheel}

    assert {"pytest_atdm", "pytest_atdm-0.1.0.dist-info", "seeder"} == top_level


@pytest.mark.parametrize("package", ["pytest_atdm", "seeder"])
def test_wheel_carries_each_file_of_the_packages(wheel: Files, package: str) -> None:
    """Python modules, SQL, templates, style sheets and py.typed: whatever stands in a package is in the wheel."""
    expected = {f"{package}/{path}" for path in _read_folder(ROOT / package) if not path.startswith("_shipped/")}

    assert f"{package}/py.typed" in expected
    assert expected - wheel.keys() == set()


def test_installed_wheel_finds_its_folders_as_a_checkout_does(wheel: Files, tmp_path: Path) -> None:
    """data.folder gives, where the wheel is installed, the folders that came with it."""
    for name, content in wheel.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)

    run = subprocess.run([sys.executable, "-c", FIND], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert [str(tmp_path / "pytest_atdm/_shipped" / name) for name in SHIPPED] == run.stdout.splitlines()


def test_source_distribution_builds_the_same_wheel(checkout: Path, wheel: Files, tmp_path: Path) -> None:
    """A wheel built from the source distribution has the same files as one built from the checkout."""
    sdist = _build("sdist", checkout, tmp_path)
    with tarfile.open(sdist) as archive:
        _extract(archive, tmp_path)

    rebuilt = _read_wheel(_build("wheel", tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path))

    assert wheel == rebuilt


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack our own archive; the filter that newer versions want to be told came with Python 3.11.4."""
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
    else:
        archive.extractall(folder)

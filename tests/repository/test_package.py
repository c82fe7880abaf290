from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import pytest_atdm

PROBE = "import sys; before = set(sys.modules); import pytest_atdm; print(*sorted(set(sys.modules) - before))"


def test_importing_the_package_loads_nothing_else() -> None:
    """Pytest loads the package in every session, so importing it loads no module beside itself."""
    run = subprocess.run([sys.executable, "-S", "-c", PROBE], capture_output=True, text=True, check=True)

    loaded = set(run.stdout.split())

    assert {"pytest_atdm"} == loaded - {"__future__", "typing"} - _loaded_by("typing")


def _loaded_by(module: str) -> set[str]:
    probe = f"import {module}, sys; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-S", "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize("name", pytest_atdm.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    """Each name of ``__all__`` resolves and is listed by dir()."""
    assert getattr(pytest_atdm, name) is not None
    assert name in dir(pytest_atdm)


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that the package does not have fails as it would on any module."""
    with pytest.raises(AttributeError, match="module 'pytest_atdm' has no attribute 'atdm_scenari'"):
        _ = pytest_atdm.atdm_scenari  # type: ignore[attr-defined]


def test_version_is_the_distribution_version() -> None:
    """``__version__`` and the metadata of the installed distribution agree."""
    assert importlib.metadata.version("pytest-atdm") == pytest_atdm.__version__

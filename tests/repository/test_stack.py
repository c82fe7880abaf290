from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

ROOT = Path(__file__).parents[2]
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, kw_only=True)
class Service:
    """What these rules read of a service."""

    image: str | None = None
    ports: list[str] = field(default_factory=list)
    environment: dict[str, str]
    healthcheck: dict[str, object]


def _read_services() -> dict[str, Service]:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return TypeAdapter(dict[str, Service]).validate_python(compose["services"])


SERVICES = _read_services()


def test_every_image_is_pinned_by_digest() -> None:
    """No image can change under its tag, neither in the stack nor in the Dockerfile."""
    images = [service.image for service in SERVICES.values() if service.image]
    images += re.findall(r"^FROM (\S+)", (ROOT / "seeder/Dockerfile").read_text(), flags=re.MULTILINE)

    assert len(images) == 4
    assert [] == [image for image in images if not DIGEST.search(image)]


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_reachable_from_this_machine_only(name: str) -> None:
    """Ports are published on the loopback address."""
    ports = SERVICES[name].ports

    assert ports
    assert [] == [port for port in ports if not port.startswith("127.0.0.1:")]


@pytest.mark.parametrize("name", SERVICES)
def test_service_says_when_it_is_ready(name: str) -> None:
    """``make up`` waits for health checks, so each service has one."""
    assert SERVICES[name].healthcheck["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_have_no_default(name: str) -> None:
    """A secret comes from the environment or the stack refuses to start."""
    secrets = {
        key: value for key, value in SERVICES[name].environment.items() if re.search("TOKEN|PASSWORD|SECRET|URL", key)
    }

    assert secrets
    assert {} == {key: value for key, value in secrets.items() if not re.search(r"\$\{\w+:\?", value)}

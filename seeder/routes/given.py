"""What the framework hands to a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from seeder.baselines.usecases import Baselines
from seeder.service import Seeder

if TYPE_CHECKING:
    from litestar.types import Scope

Call: TypeAlias = Request[None, None, State]
Service: TypeAlias = NamedDependency[Seeder]
BaselineService: TypeAlias = NamedDependency[Baselines]
Id: TypeAlias = FromPath[str]


def read_header(scope: Scope, name: str) -> str:
    """Return the header *name* of a request, empty where it is not sent; the others are not looked at."""
    wanted = name.lower().encode("ascii")
    return next((value.decode("latin-1") for sent, value in scope["headers"] if sent == wanted), "")

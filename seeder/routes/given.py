"""What the framework hands to a handler."""

from __future__ import annotations

from typing import TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath

from seeder.service import Seeder

Call: TypeAlias = Request[None, None, State]
Service: TypeAlias = NamedDependency[Seeder]
Id: TypeAlias = FromPath[str]

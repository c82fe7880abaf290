"""The scenarios of a catalog as a Python module of types, for editors and type checkers.

A scenario becomes a protocol with an attribute per entity, a table a class with an attribute per column: what
``AtdmData`` and ``Row`` have by ``__getattr__``, which tells a checker neither names nor types.
"""

from __future__ import annotations

from pytest_atdm._types.module import FIRST_LINE, render_types_module

__all__ = ("FIRST_LINE", "render_types_module")

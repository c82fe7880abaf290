"""What the shape of a database tells of a domain that nobody has described yet. Pure: text of files comes out."""

from __future__ import annotations

from pytest_atdm.core.inference.guess import Guess, LeftOut
from pytest_atdm.core.inference.render import Starter
from pytest_atdm.core.inference.tables import (
    MAX_LISTED,
    choose_tables,
    find_lists,
    list_candidates,
    order_parents_first,
)
from pytest_atdm.core.inference.trying import Inference
from pytest_atdm.core.inference.words import join_words

__all__ = (
    "MAX_LISTED",
    "Guess",
    "Inference",
    "LeftOut",
    "Starter",
    "choose_tables",
    "find_lists",
    "join_words",
    "list_candidates",
    "order_parents_first",
)

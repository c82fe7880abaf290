"""Figures of a benchmark: what was measured, against what, and how they are shown and kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number. *ratio* is ``figure`` over that of *against*; *holds* is None where no target is set."""

    name: str
    figure: float
    unit: str
    against: str = ""
    ratio: float | None = None
    target: str = ""
    holds: bool | None = None


def compare(
    name: str, figure: float, unit: str, *, against: Figure, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """Return a figure with its ratio to *against*.

    *at_most* limits figure / against; *at_least* demands against / figure (how many times faster), and then *ratio* is
    that one.
    """
    holds: bool | None
    if at_least is not None:
        ratio = against.figure / figure
        target, holds = f">= {at_least:g}x faster", ratio >= at_least
    else:
        ratio = figure / against.figure
        target = f"<= {at_most:g}x" if at_most is not None else ""
        holds = ratio <= at_most if at_most is not None else None
    return Figure(
        name=name, figure=figure, unit=unit, against=against.name, ratio=round(ratio, 3), target=target, holds=holds
    )


def limit(name: str, figure: float, unit: str, *, at_most: float) -> Figure:
    """Return a figure with an absolute target."""
    return Figure(name=name, figure=figure, unit=unit, target=f"<= {at_most:g} {unit}", holds=figure <= at_most)


def reach(name: str, figure: float, unit: str, *, at_least: float) -> Figure:
    """Return a figure with an absolute target that it has to reach."""
    return Figure(name=name, figure=figure, unit=unit, target=f">= {at_least:,g} {unit}", holds=figure >= at_least)


def render_table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| figure | value | against | ratio | target | holds |", "|---|---:|---|---:|---|---|"]
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}x"
        holds = {True: "yes", False: "**no**", None: ""}[one.holds]
        lines.append(f"| {one.name} | {one.figure:.3g} {one.unit} | {one.against} | {ratio} | {one.target} | {holds} |")
    return "\n".join(lines)


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Write the figures as a JSON list of objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n", encoding="utf-8")

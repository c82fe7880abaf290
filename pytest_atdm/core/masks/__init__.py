"""Masks: what a baseline holds in place of the values of columns that the rules file names. Pure."""

from __future__ import annotations

from pytest_atdm.core.masks.checks import find_checks, find_refused
from pytest_atdm.core.masks.hooks import Hook, Installed
from pytest_atdm.core.masks.resolve import ColumnMask, Masks, resolve_masks

__all__ = ("ColumnMask", "Hook", "Installed", "Masks", "find_checks", "find_refused", "resolve_masks")

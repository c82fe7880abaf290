"""Rows of an entity that are too many for a plan: made from its sample rows, and sent after it in batches."""

from __future__ import annotations

from pytest_atdm.core.volume.arrow import decode, encode
from pytest_atdm.core.volume.batch import Batch
from pytest_atdm.core.volume.growth import BATCH_ROWS, grow, order_volumes

__all__ = ("BATCH_ROWS", "Batch", "decode", "encode", "grow", "order_volumes")

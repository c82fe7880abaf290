"""Baselines: the target's tables at one moment, kept in the store and put back from there."""

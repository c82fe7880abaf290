"""What is kept in a store, struck by faults: the export of the audit log, and baselines."""

"""The sidecar beside the tests: the only code that knows SQL, and the owner of each request's one transaction."""

"""The JSON interface: one module per resource, and every error a problem document (RFC 9457)."""

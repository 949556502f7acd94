"""Measures the house against a peer and against the bare limit, in one run on one machine; it asserts nothing."""

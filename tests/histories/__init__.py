"""Ledgers as they were written by each released version, kept for ever: `KEPT` lists every file with its sha256."""

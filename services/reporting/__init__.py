"""Reporting: facts folded from casework's ledger, indicators declared as data, and figures that open down to events."""

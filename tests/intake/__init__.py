"""The rules of the gate, its doors, and what a partner gets to know."""

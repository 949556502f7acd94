"""The whole path under faults: what was accepted is counted once, whatever is killed, frozen, cut or full meanwhile."""

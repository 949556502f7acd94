"""How it is kept: ledgers that only grow, readers that never lose their place, and the bus between the services."""

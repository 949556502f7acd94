"""The proofs: one folder per folder of the code, and the journeys, faults and house rules over all of them."""

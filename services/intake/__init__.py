"""The gate: who may state what, what becomes of it, and the answer the partner gets."""

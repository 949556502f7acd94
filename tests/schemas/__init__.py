"""The contracts: what is published stays, what is written is canonical, and what is said is what is taken."""

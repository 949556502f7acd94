"""What we say: the statements partners make, the facts casework records, and the programmes both are about."""

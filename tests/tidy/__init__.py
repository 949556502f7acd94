"""The house rules, executed, and each guard shown to fail once."""

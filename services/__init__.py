"""Who says it and who listens."""

"""What an operator relies on: it goes on without its parts, loses nothing when stopped, and says how it stands."""

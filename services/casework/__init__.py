"""The life of cases: the only author of facts about them, and the judge of what partners state."""

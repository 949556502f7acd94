"""The synthetic history adds up to what is printed, and every service takes all of it."""

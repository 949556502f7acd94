"""The whole path, from a partner's submission to a figure that opens down to its events, on both buses."""

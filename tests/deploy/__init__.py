"""The deployment as a test: the compose file comes up and carries one event to a figure."""

"""The synthetic history that Spoorboek is shown, tried and loaded with; no person in it exists or ever did."""

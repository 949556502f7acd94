"""The synthetic history that Spoorboek is shown, tried and loaded with. No person in it exists or ever did."""

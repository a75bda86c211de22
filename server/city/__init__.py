"""Hand-over to the city and the way back."""

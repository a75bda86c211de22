"""What vehicles looked at, and when: cells of the ground, of a city and not of a vehicle."""

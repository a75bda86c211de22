"""What a place is called: a city's roads, landmarks, unit grids and districts, and the names of its cases' places."""

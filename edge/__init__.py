"""The vehicle: from a camera frame to a sighting the server has acknowledged."""

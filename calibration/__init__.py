"""Where it is: camera models, mounts, ground points with error regions, geodesy, positions."""

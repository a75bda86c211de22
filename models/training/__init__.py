"""Trains, exports and measures street packs. Needs .venv-training (models/training/setup.sh); imported by the command line alone."""

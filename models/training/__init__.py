"""Trains, exports and measures street packs. Needs .venv-training (models/training/setup.sh).

Imported by the command line alone.
"""

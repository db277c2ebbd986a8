"""Hostile image files, made by rule: see tools/make_bombs.py."""

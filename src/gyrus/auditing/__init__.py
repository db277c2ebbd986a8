"""Duplicates, leaks, recovered patients, shortcuts: works on arrays of facts."""

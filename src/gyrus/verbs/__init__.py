"""A module per verb: composes the parts. This is the Python API, imported lazily by :mod:`gyrus`."""

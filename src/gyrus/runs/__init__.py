"""The run folder: names, atomic writes, provenance, test ledger."""

from gyrus.runs.folder import RunFolder, make_folder, next_run_folder
from gyrus.runs.ledger import count_looks, record_look
from gyrus.runs.lock import locked
from gyrus.runs.provenance import environment

__all__ = [
    "RunFolder",
    "count_looks",
    "environment",
    "locked",
    "make_folder",
    "next_run_folder",
    "record_look",
]

"""The run folder: names, atomic writes, provenance, test ledger."""

from gyrus.runs.folder import RunFolder, next_run_folder

__all__ = ["RunFolder", "next_run_folder"]

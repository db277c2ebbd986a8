"""Leaks between splits, duplicates, recovered patients, shortcuts; and the gate before training."""

from gyrus.auditing.findings import Finding, Pair
from gyrus.auditing.relations import Related, relate
from gyrus.auditing.report import Audit, audit_manifest, refuse_leak
from gyrus.auditing.shortcuts import find_shortcuts

__all__ = ["Audit", "Finding", "Pair", "Related", "audit_manifest", "find_shortcuts", "refuse_leak", "relate"]

"""The audit: leaks between splits, copies, unknown patients; and the gate before training."""

from gyrus.audit.findings import Finding, Pair
from gyrus.audit.report import Audit, audit, refuse_leak

__all__ = ["Audit", "Finding", "Pair", "audit", "refuse_leak"]

"""Leaks between splits, duplicates, recovered patients, shortcuts; and the gate before training."""

from gyrus.auditing.doctor import Diagnosis, clean, diagnose
from gyrus.auditing.findings import Finding, Pair
from gyrus.auditing.problems import Problem
from gyrus.auditing.relations import Related, relate
from gyrus.auditing.report import Audit, audit_manifest, refuse_leak
from gyrus.auditing.shortcuts import find_shortcuts

__all__ = [
    "Audit",
    "Diagnosis",
    "Finding",
    "Pair",
    "Problem",
    "Related",
    "audit_manifest",
    "clean",
    "diagnose",
    "find_shortcuts",
    "refuse_leak",
    "relate",
]

"""From plain data to pictures and HTML."""

from gyrus.pages.audit_context import AuditContext
from gyrus.pages.audit_page import write_audit_page
from gyrus.pages.badge import write_badge
from gyrus.pages.colour import class_colours
from gyrus.pages.context import ReportContext
from gyrus.pages.evaluation_context import context_of_evaluation
from gyrus.pages.examples import Example
from gyrus.pages.figures import report_figures
from gyrus.pages.model_card import write_model_card
from gyrus.pages.overlay import overlay, write_overlay
from gyrus.pages.report import write_report
from gyrus.pages.run_context import context_of_run

__all__ = [
    "AuditContext",
    "Example",
    "ReportContext",
    "class_colours",
    "context_of_evaluation",
    "context_of_run",
    "overlay",
    "report_figures",
    "write_audit_page",
    "write_badge",
    "write_model_card",
    "write_overlay",
    "write_report",
]

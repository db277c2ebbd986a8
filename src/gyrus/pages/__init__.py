"""From plain data to pictures and HTML."""

from gyrus.pages.colour import class_colours
from gyrus.pages.context import ReportContext
from gyrus.pages.examples import Example, collect_examples
from gyrus.pages.overlay import overlay, write_overlay
from gyrus.pages.plots import learning_curve, roc_plot
from gyrus.pages.report import render_report, write_report
from gyrus.pages.run_context import context_of_run
from gyrus.pages.sections_last import findings_table

__all__ = [
    "Example",
    "ReportContext",
    "class_colours",
    "collect_examples",
    "context_of_run",
    "findings_table",
    "learning_curve",
    "overlay",
    "render_report",
    "roc_plot",
    "write_overlay",
    "write_report",
]

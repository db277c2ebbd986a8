"""What is kept of uploads: cases, their images, their reviews."""

from gyrus.serving.store.records import (
    Case,
    CasePage,
    CaseQuery,
    CaseSummary,
    NewCase,
    NewReview,
    Review,
)
from gyrus.serving.store.store import Store

__all__ = ["Case", "CasePage", "CaseQuery", "CaseSummary", "NewCase", "NewReview", "Review", "Store"]

"""Pages that an analyst puts in front of a colleague: records in, PNG out."""

from camwatch.report.camp import camp_page
from camwatch.report.source import Source
from camwatch.report.tables import finding_rows

__all__ = ["Source", "camp_page", "finding_rows"]

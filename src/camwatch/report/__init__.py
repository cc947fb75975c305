"""Pages that an analyst puts in front of a colleague: records in, PNG out."""

from typing import TYPE_CHECKING

from camwatch._late import late

if TYPE_CHECKING:
    from camwatch.report.camp import camp_page
    from camwatch.report.claimspage import claims_page
    from camwatch.report.detectpage import detect_page
    from camwatch.report.pairview import detail_bounds
    from camwatch.report.registrationpage import registration_page
    from camwatch.report.registrationzoom import zoom_bounds
    from camwatch.report.sensitivitypage import sensitivity_page
    from camwatch.report.sentences import alarm_lines
    from camwatch.report.source import Source
    from camwatch.report.tables import finding_rows
else:
    __getattr__ = late(
        __name__,
        {
            "Source": "source",
            "alarm_lines": "sentences",
            "camp_page": "camp",
            "claims_page": "claimspage",
            "detail_bounds": "pairview",
            "detect_page": "detectpage",
            "finding_rows": "tables",
            "registration_page": "registrationpage",
            "sensitivity_page": "sensitivitypage",
            "zoom_bounds": "registrationzoom",
        },
    )

__all__ = [
    "Source",
    "alarm_lines",
    "camp_page",
    "claims_page",
    "detail_bounds",
    "detect_page",
    "finding_rows",
    "registration_page",
    "sensitivity_page",
    "zoom_bounds",
]

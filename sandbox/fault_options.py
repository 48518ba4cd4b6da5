"""The faults as options of the command line."""

import argparse
from dataclasses import fields

from sandbox.faults import Faults

# By field: the option's name where it is not the field's, and what it does.
_OPTIONS = {
    "doubled": ("", "probability that a delivery is posted twice"),
    "lost": ("", "probability that a delivery is never posted"),
    "delayed": ("", "probability that a delivery waits"),
    "reordered": ("", "probability that the next delivery passes it"),
    "max_delay_s": ("max-delay", "longest wait in seconds"),
    "export_lag_s": ("export-lag", "seconds that exports lag behind"),
    "export_delay_s": ("export-delay", "seconds that an export runs"),
    "export_polls": ("", "polls of an export before it is complete"),
    "failed_exports": ("", "so many of the next exports fail"),
    "canceled_exports": ("", "so many of the next exports are canceled"),
    "short_exports": ("", "so many of the next exports lack rows"),
    "most_project_exports": ("", "exports that may run at once in a project"),
    "most_exports": ("", "exports that may run at once in all"),
    "score_delay_s": ("score-delay", "seconds until several labels of a row have scores"),
    "address_life_s": ("address-life", "seconds that signed addresses of files work"),
    "limited_requests": ("", "so many of the next API requests are answered 429"),
    "bare_limited_requests": ("", "so many are answered 429 with another message"),
    "broken_requests": ("", "so many are answered 503"),
    "dropped_requests": ("", "so many are cut off in the middle"),
    "unheard_changes": ("", "so many of the next changes are done and answered 500"),
    "partial_batches": ("", "so many of the next batches take only half of their rows"),
    "truncated_chunks": ("", "so many of the next files of exports are too short"),
    "broken_downloads": ("", "so many are answered 503"),
    "dropped_downloads": ("", "so many are cut off in the middle"),
}


def add_fault_options(group: argparse._ArgumentGroup) -> None:
    """Add an option for every fault."""
    for field in fields(Faults):
        name, text = _OPTIONS[field.name]
        option = f"--{name or field.name.replace('_', '-')}"
        group.add_argument(option, dest=field.name, type=type(field.default), default=field.default, help=text)

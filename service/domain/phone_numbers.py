"""Phone numbers in a text, by the numbering plans of the world's countries (Google's libphonenumber).

A run of digits alone is an order number as often as a phone number. What has no country code therefore counts only
where it is grouped as its country groups it, or begins with the 0 that one dials before an area.
"""

import re
from collections.abc import Iterator

# Countries whose numbers are known without their code, by ISO 3166.
DEFAULT_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT")

_FEWEST_DIGITS = 7
# The spaces and dashes that telephones and word processors put between digits.
_BETWEEN = "\t \u00a0\u2007-\u200b\u202f\u2060\u3000().\u2010-\u2015\u2212\uff0d/-"
_RUN = re.compile(rf"(?<![\w#/.,+-])[+\uff0b(]?\d[\d{_BETWEEN}]{{5,30}}\d(?:[ ]?(?:ext\.?|x)[ ]?\d{{1,5}})?(?![\w-])")
_DIGIT = re.compile(r"\d")
# One point alone makes a decimal number.
_GROUPED = re.compile(rf"(?!\d+\.\d+$)\(?(?:0|\d+[{_BETWEEN}]+\d)")


def phone_spans(text: str, regions: tuple[str, ...] = DEFAULT_REGIONS) -> Iterator[tuple[int, int]]:
    """Give where phone numbers begin and end, in the order of the text.

    Args:
        text: The text; what is known to be something else should be hidden in it.
        regions: Countries whose numbers are found without their code as well.
    """
    for run in _RUN.finditer(text):
        if len(_DIGIT.findall(run.group())) >= _FEWEST_DIGITS and (found := _number_in(run.group(), regions)):
            yield run.start() + found[0], run.start() + found[1]


def known_regions() -> frozenset[str]:
    """Give the countries that have a numbering plan."""
    from phonenumbers import SUPPORTED_REGIONS  # its tables are read only where there are digits to look at

    return frozenset(SUPPORTED_REGIONS)


def _number_in(run: str, regions: tuple[str, ...]) -> tuple[int, int] | None:
    from phonenumbers import Leniency, PhoneNumberMatcher

    for match in PhoneNumberMatcher(run, None, Leniency.VALID):
        return match.start, match.end
    if _GROUPED.match(run):
        for region in regions:
            for match in PhoneNumberMatcher(run, region, Leniency.STRICT_GROUPING):
                # What begins inside the run is the rest of something else, such as the decimals of a number.
                if match.start == 0:
                    return match.start, match.end
    return None

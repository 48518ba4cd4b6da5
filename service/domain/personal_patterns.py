"""The patterns of personal data, from the surest to the vaguest."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way personal data is written.

    Attributes:
        kind: See ``Finding``.
        regex: What it looks like; the group ``found`` is the data itself.
        accepts: What no regular expression can check, such as a check digit.
    """

    kind: str
    regex: re.Pattern[str]
    accepts: Callable[[str], bool] = lambda _: True


_YEAR = r"(?:19|20)\d\d"
HARMLESS = re.compile(
    rf"""
    \b{_YEAR}-\d\d?-\d\d?(?:[T ]\d\d?:\d\d(?::\d\d)?)?\b        # 2026-03-14 10:30
    | \b\d\d?[./-]\d\d?[./-](?:{_YEAR}|\d\d)(?![\w-])           # 14.03.2026
    | \b{_YEAR}\ ?[-/]\ ?{_YEAR}\b                              # 2024-2026
    | (?<![\d.])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\d.])          # the address of a router
    | (?<![\d.,])\d{{1,3}}(?:,\d{{3}})+(?:\.\d\d)?(?![\d,.]*\d) # 1,249.00
    | (?<![\d.,])\d{{1,3}}(?:\.\d{{3}})+(?:,\d\d)?(?![\d,.]*\d) # 1.249,00
    """,
    re.VERBOSE,
)
_STREET = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Way|Terrace|Close|Crescent|Square|Sq"
    "|Parkway|Pkwy|Highway|Hwy|Gardens|Grove|Hill|Row|Mews|Quay"
)
_KEY = (
    "order|account|acct|reference|ref|ticket|case|invoice|booking|reservation|customer|client|policy|contract"
    "|tracking|shipment|parcel|confirmation|membership|member|loyalty|passport|licen[cs]e|serial|claim|meter"
)
_CAPITALISED = r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'-]*"


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def passes_luhn(text: str) -> bool:
    """Check the last digit of a payment card. Source: ISO/IEC 7812-1, annex B."""
    digits = [int(digit) for digit in reversed(_digits(text))]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def passes_iban(text: str) -> bool:
    """Check the two digits after the country. Source: ISO 13616, by ISO 7064 MOD 97-10."""
    packed = re.sub(r"[ -]", "", text).upper()
    return int("".join(str(int(character, 36)) for character in packed[4:] + packed[:4])) % 97 == 1


def _is_phone(text: str) -> bool:
    digits = _digits(text)
    if text.startswith(("+", "(")) or re.fullmatch(r"\d{3}-\d{4}", text):
        return True
    # A number to dial starts with 0 or comes in groups; "1 200 000 000" is an amount and comes in thousands.
    grouped = len(re.findall(r"\d+", text)) > 1 and not re.fullmatch(r"[1-9]\d{0,2}(?: \d{3})+", text)
    return len(digits) >= 9 and (digits[0] == "0" or grouped)  # noqa: PLR2004 - with its area, none is shorter


def _is_identifier(text: str) -> bool:
    """Tell the number of an order from a quantity, a year or a word that follows "order"."""
    digits = len(_digits(text))
    mixed = digits >= 2 and len(text) >= 5 and text.upper() == text and not text.isdigit()  # noqa: PLR2004 - "XK4T9Q"
    return mixed or (digits >= 4 and not re.fullmatch(_YEAR, text))  # noqa: PLR2004 - "48213", not "order 250"


def _written(regex: str, *, flags: int = 0) -> re.Pattern[str]:
    return re.compile(regex if "(?P<found>" in regex else f"(?P<found>{regex})", re.VERBOSE | flags)


# Known by their form alone.
FORMS = (
    Pattern("email", _written(r"(?<![\w.+%-]) [\w.+%-]{1,64} @ (?:[\w-]{1,63}\.){1,6} [^\W\d_]{2,24}")),
    Pattern(
        "email",
        _written(r"\b[\w.+-]{1,64} [ ](?:at|[(\[]at[)\]])[ ] [\w-]{1,63} [ ](?:dot|[(\[]dot[)\]])[ ] [a-z]{2,6}\b"),
    ),
    Pattern(
        "iban",
        _written(r"\b[A-Za-z]{2}\d\d (?:[ -]?[A-Za-z0-9]{4}){2,7} (?:[ -]?[A-Za-z0-9]{1,3})?\b"),
        passes_iban,
    ),
    Pattern("card", _written(r"(?<![\w+]) \d(?:[ -]?\d){12,18} (?![\w-])"), passes_luhn),
    Pattern("national_id", _written(r"(?<![\w-]) \d{3}-\d\d-\d{4} (?![\w-])")),
    # With its country or area: +44 20 7946 0958, (415) 555-0134.
    Pattern("phone", _written(r"(?<![\w#/.,+-]) (?:\+[ ]?|\+?\() \d(?:[ ().-]{0,2}\d){8,14} (?![\w-])"), _is_phone),
    Pattern("phone", _written(r"(?<![\w#/.,+-]) \d(?:[ ().-]{0,2}\d){6,14} (?![\w-])"), _is_phone),
    Pattern("phone", _written(r"(?<![\w#/.,+-]) 0\d{2,4}[ ]?/[ ]?\d{5,8} (?:-\d{1,4})? (?!\w)")),
)
# Known by the words around them, or only by being long.
WORDINGS = (
    # 221B Baker Street, 350 5th Ave
    Pattern(
        "address",
        _written(
            rf"""\b\d{{1,5}}[A-Za-z]?,? [ ]
            (?:(?:[NSEW]{{1,2}}\.?|[A-Z][a-z'-]+\.?|\d{{1,3}}(?:st|nd|rd|th))[ ]){{1,4}} (?:{_STREET})\b"""
        ),
    ),
    # 12 rue de la Paix
    Pattern(
        "address",
        _written(
            r"""\b\d{1,4}(?:[ ]?(?:bis|ter))?,? [ ](?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Cc]hemin|[Ii]mpasse)
            (?:[ ][\w'-]{1,30}){1,4}"""
        ),
    ),
    # Calle de Alcalá 45
    Pattern(
        "address",
        _written(
            rf"""\b(?:Calle|Avenida|Av\.|Rua|Via|Viale|Piazza|Plaza|Carrera|Ulica|ul\.|Jalan|Jl\.) [ ]
            (?:[a-z]{{1,3}}[ ]){{0,2}} {_CAPITALISED}(?:[ ]{_CAPITALISED}){{0,3}},? [ ](?:n?[.º°]*[ ]?)?\d{{1,5}}\b"""
        ),
    ),
    # Lindenstraße 12
    Pattern(
        "address",
        _written(
            r"""\b(?:[A-ZÄÖÜÅØ][\w-]{1,40}(?:stra(?:ß|ss)e|str\.|gasse|weg|allee|platz|straat|laan|gracht|gatan|vägen|gade|veien)
            |[A-ZÄÖÜÅØ][\w-]{1,40}[ ](?:Stra(?:ß|ss)e|Str\.|Allee|Platz|Straat)) [ ]\d{1,4}[a-z]?\b"""
        ),
    ),
    # Parts that stand for a whole address: post boxes and the codes of Britain and the United States.
    Pattern(
        "address",
        _written(
            r"\bP\.?[ ]?O\.?[ ]Box[ ]\d{1,6}\b|\b[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2}\b|\b[A-Z]{2}[ ]\d{5}(?:-\d{4})?\b"
        ),
    ),
    # order number AB-48213, booking XK4T9Q
    Pattern(
        "number",
        _written(
            rf"""\b(?:{_KEY})s?\b (?:[ ](?:number|no|id|code|reference|ref|is|was))* [.:]?[ ]{{0,2}} \(?[\#№]?[ ]?
            (?P<found>[A-Z0-9]+(?:[-/][A-Z0-9]+)*) (?![\w-])""",
            flags=re.IGNORECASE,
        ),
        _is_identifier,
    ),
    Pattern("number", _written(r"(?<![\w&]) \#[ ]?[A-Za-z]{0,4}-?\d{4,}(?:-\w+)*")),
    Pattern(
        "number",
        _written(r"(?<![\w.,-]) (?:[A-Z]{1,5}-\d{5,}|[A-Z]{1,5}\d{6,}|\d{7,})(?:-\d+)* (?![\w-]|[.,]\d)"),
    ),
    # Letters and figures mixed, as couriers like it; the names of models are shorter.
    Pattern(
        "number",
        _written(r"(?<![\w-]) (?=(?:[A-Z-]*\d){5}) (?=[\d-]*[A-Z]) [A-Z0-9](?:-?[A-Z0-9]){9,} (?![\w-])"),
    ),
)

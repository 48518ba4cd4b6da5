"""An evaluation's report as one HTML document: it loads nothing, runs nothing, and may be sent to anybody."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.bootstrap import Deps
from service.domain.contents import Message
from service.domain.reports import EvaluationReport, ExampleFacts, MarkedText
from service.domain.word_marks import Piece, pieces_of
from service.usecases.report_evaluation import Wanted, report_evaluation
from service.web.operations import HEADERS
from service.web.pages import interval_plots
from service.web.pages.curve_chart import chart_of_curve
from service.web.pages.render import SAFE, asset_bytes, filled

# What a person reads of one text; a whole one is in the JSON. So a report stays below some megabytes.
MOST_CHARACTERS = 4_000
# Longer ones are folded.
FOLDED = 600
# What an answer lacks stands whole in the text beside it.
MOST_LEFT_OUT = 200
_LOOKS = ("personal", "left_out", "only_here")
_STRICT = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def answer_report(deps: Deps, request: Request) -> Response:
    """Answer with a run's report.

    Raises:
        NotFound: There is no such run.
        ServiceError: It was not judged, or its texts are not there.
    """
    html = report_html(report_evaluation(request.path_params["run_id"], deps, Wanted()))
    policy = {"Content-Security-Policy": f"{_policy(_style_in(html))}; {_STRICT}"}
    return HTMLResponse(html, headers={**HEADERS, **SAFE, **policy})


def report_html(report: EvaluationReport, *, whole: bool = False) -> str:
    """Write a report as HTML.

    Args:
        report: The report.
        whole: Whether texts are written out however long they are.
    """
    most = None if whole else MOST_CHARACTERS
    filters = _filters(report)
    style = "\n".join([*map(_text, ("page.css", "report.css")), *map(_rule, range(len(filters)))])
    return filled(
        "report.html",
        report=report,
        plots=interval_plots,
        chart=chart_of_curve(report.curve) if report.curve else None,
        filters=filters,
        examples=[_shown(example, filters, most) for example in report.examples],
        style=Markup(style),  # noqa: S704 - our own assets and numbers
        policy=_policy(style),
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Examples that a reader may look at alone: those in ``keys``."""

    name: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """One example as it is written down; ``inside`` are the numbers of its filters."""

    facts: ExampleFacts
    inside: Sequence[int]
    asked: Sequence[Mapping[str, object]]
    human: Mapping[str, object]
    answers: Sequence[tuple[str, Mapping[str, object]]]


def _filters(report: EvaluationReport) -> list[Filter]:
    """Give those that leave something out; first those by outcome, then the slices."""
    found = {"the challenger is worse": _moved(report, -1), "the challenger is better": _moved(report, 1)}
    found["personal data in an answer"] = [
        example.key for example in report.examples if any(map(_is_personal, example.answers.values()))
    ]
    for example in report.examples:
        for name in example.slices:
            found.setdefault(name, []).append(example.key)
    return [Filter(name, frozenset(keys)) for name, keys in found.items() if 0 < len(keys) < len(report.examples)]


def _moved(report: EvaluationReport, sign: int) -> list[str]:
    primary = next((metric.name for metric in report.metrics), "")
    return [example.key for example in report.examples if sign * example.change.get(primary, 0) > 0]


def _is_personal(text: MarkedText) -> bool:
    return any(mark.kind == "personal" for mark in text.marks)


def _shown(example: ExampleFacts, filters: Sequence[Filter], most: int | None) -> Shown:
    return Shown(
        facts=example,
        inside=[number for number, one in enumerate(filters) if example.key in one.keys],
        asked=list(_asked(example.messages, most)),
        human=_marked(example.human, most),
        answers=[(role, _marked(found, most)) for role, found in interval_plots.by_role(example.answers)],
    )


def _asked(messages: Sequence[Message], most: int | None) -> Iterator[Mapping[str, object]]:
    """Give the turns of a question, which have so many characters together; a chat may have hundreds."""
    room = most
    for message in messages:
        shown = _marked(MarkedText(str(message["content"]), ()), room)
        yield {"role": message["role"], **shown}
        room = None if room is None else max(0, room - len(str(message["content"])))


def _marked(found: MarkedText, most: int | None) -> Mapping[str, object]:
    """Give the pieces of a text as they look, and how many characters were cut off its end."""
    size = len(found.text)
    room = size if most is None else most
    return {
        "pieces": list(_looks(pieces_of(found.text, found.marks), room, most and MOST_LEFT_OUT)),
        "cut": max(0, size - room),
        "folded": size > FOLDED,
        "size": size,
        "is_compared": found.is_compared,
    }


def _looks(pieces: Iterable[Piece], room: int, most_left_out: int | None) -> Iterator[Mapping[str, object]]:
    """Give each piece one look, personal data before all else, and put together what looks the same."""
    for look, some in groupby(pieces, key=lambda piece: next((kind for kind in _LOOKS if kind in piece.kinds), "")):
        is_own = look != "left_out"
        if is_own and room <= 0:
            return
        whole = "".join(piece.text for piece in some)
        text = whole[: room if is_own else most_left_out]
        yield {"look": look, "text": text, "cut": len(whole) - len(text)}
        if is_own and len(text) < len(whole):
            # What is missing behind the cut is missing there.
            return
        room -= len(text) if is_own else 0


def _rule(number: int) -> str:
    """Leave only a filter's examples while its anchor is the address's; no script is needed for that."""
    return f"#only-{number}:target ~ .examples > :not(.in-{number}) {{ display: none; }}"


def _text(asset: str) -> str:
    return asset_bytes(asset).decode()


def _policy(style: str) -> str:
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"


def _style_in(html: str) -> str:
    return html.partition("<style>")[2].partition("</style>")[0]

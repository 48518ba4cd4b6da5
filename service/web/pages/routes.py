"""Every page in one table, the sign-in beside them, and what they are dressed in."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router

from service.bootstrap import Deps, now
from service.domain.errors import CorruptFile, FilesReplaced, NotFound, StoreFailed
from service.usecases.report_evaluation import NoEvaluation
from service.web.pages.curve import read_curve
from service.web.pages.guard import Guard
from service.web.pages.lists import read_letters, read_runs, read_snapshots
from service.web.pages.overview import read_overview
from service.web.pages.pipeline import read_pipeline
from service.web.pages.render import ASSETS, asset, render
from service.web.pages.report import answer_report
from service.web.pages.run import read_run
from service.web.pages.sessions import Sessions
from service.web.pages.sign_in import SignIn
from service.web.pages.snapshot import read_snapshot
from service.web.problems import RETRY_S

Answer = Callable[[Deps, Request], Response]
Read = Callable[[Deps, Request], Mapping[str, object]]
PAGES: Mapping[str, tuple[str, Read]] = {
    "/": ("overview.html", read_overview),
    "/pipelines/{name}": ("pipeline.html", read_pipeline),
    "/pipelines/{name}/curve": ("learning.html", read_curve),
    "/runs": ("runs.html", read_runs),
    "/runs/{run_id}": ("run.html", read_run),
    "/datasets": ("snapshots.html", read_snapshots),
    "/datasets/{snapshot_id}": ("snapshot.html", read_snapshot),
    "/dead-letters": ("letters.html", read_letters),
}


REPORT = "/runs/{run_id}/report"


def page_routes(deps: Deps) -> list[BaseRoute]:
    """Make the routes; every page is behind the guard, which stands before their own routing."""
    tokens = [token.get_secret_value().encode() for token in deps.settings.admin_tokens]
    sessions = Sessions(tokens, now)
    sign_in = SignIn(sessions, is_open=bool(tokens))
    inside = [Route(path, _endpoint(deps, _page(*page)), methods=["GET"]) for path, page in PAGES.items()]
    inside.append(Route(REPORT, _endpoint(deps, answer_report), methods=["GET"]))
    guard = Guard(Router(inside, redirect_slashes=False), tokens, sessions)
    return [
        Route("/login", sign_in.form, methods=["GET"]),
        Route("/login", sign_in.enter, methods=["POST"]),
        Route("/logout", sign_in.leave, methods=["POST"]),
        Route("/assets/{version}/{name}", _asset, methods=["GET"]),
        *(Route(path, guard) for path in (*PAGES, REPORT)),
    ]


def _page(template: str, read: Read) -> Answer:
    return lambda deps, request: render(template, **read(deps, request))


def _endpoint(deps: Deps, answer_with: Answer) -> Callable[[Request], Response]:
    """Make a page's handler; a sync one, so it runs in a thread."""

    def page(request: Request) -> Response:
        try:
            return answer_with(deps, _readable(request))
        except (NotFound, NoEvaluation) as error:
            return render("problem.html", 404, title="Not found", message=str(error))
        except (CorruptFile, FilesReplaced) as error:
            return render("problem.html", 409, title="Not whole", message=f"{error}. {error.remedy}")
        except (StoreFailed, sa.exc.SQLAlchemyError):
            answer = render("problem.html", 503, title="Not now", message=_NO_DATABASE)
            answer.headers["Retry-After"] = RETRY_S
            return answer

    return page


def _readable(request: Request) -> Request:
    if not all(str(value).isprintable() for value in request.path_params.values()):
        # No name of ours; a NUL would be a mistake in the database's eyes.
        raise NotFound("nothing is spelled like that")
    return request


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    return asset(name)


_NO_DATABASE = "The database does not answer, or has no schema yet: tuneloop migrate makes it."

"""Whether labelling still pays, on a page of its own: it takes longer than the others where held-out sets are large."""

from collections.abc import Mapping

from starlette.requests import Request

from service.bootstrap import Deps
from service.domain.errors import NotFound
from service.usecases.draw_pipeline_curve import draw_pipeline_curve
from service.web.pages.curve_chart import chart_of_curve, point_words


def read_curve(deps: Deps, request: Request) -> Mapping[str, object]:
    """Give a pipeline's learning curve.

    Raises:
        NotFound: It is not in the configuration, and no run of it was judged.
    """
    name = request.path_params["name"]
    curve = draw_pipeline_curve(name, deps)
    if curve is None and name not in deps.settings.pipelines:
        raise NotFound(f"no pipeline {name!r} in the configuration")
    return {"name": name, "curve": curve, "chart": chart_of_curve(curve) if curve else None, "words": point_words}

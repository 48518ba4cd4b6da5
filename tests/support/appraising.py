"""Appraises contents as the service does, but counts words."""

from service.domain.appraisals import Appraiser
from service.domain.pipelines import Pipeline


def appraisers(pipeline: Pipeline) -> Appraiser:
    return Appraiser(pipeline, lambda text: len(text.split()), encoding="words")

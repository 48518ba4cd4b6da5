"""Personal data as Presidio finds it; imported only where ``checks.presidio`` is set."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from service.domain.errors import ConfigurationError
from service.domain.personal_data import Finding

USUAL_MODEL = "en_core_web_sm"
_INSTALL = "pip install 'tuneloop[presidio]'"
# Below this Presidio guesses: any nine digits could be a passport.
_SURE_ENOUGH = 0.4
# Characters. A spaCy model takes about 1 GB of memory for 100,000 and refuses a million, which an answer may have.
_PIECE = 50_000
# Nothing that is found is longer, so what one piece cuts is whole in the next.
_OVERLAP = 500
# By entity, the kind of ``Finding``. Left out: places, dates, nationalities and addresses of web pages, which
# tell nobody apart, and e-mail, for which Presidio downloads a list of domains and our own pattern is as good.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "PERSON": "name",
        "PHONE_NUMBER": "phone",
        "CREDIT_CARD": "card",
        "IBAN_CODE": "iban",
        "CRYPTO": "number",
        "MEDICAL_LICENSE": "number",
        "US_BANK_NUMBER": "number",
        "US_DRIVER_LICENSE": "number",
        "US_PASSPORT": "number",
        "US_ITIN": "national_id",
        "US_SSN": "national_id",
        "UK_NHS": "national_id",
        "UK_NINO": "national_id",
    }
)


class PresidioFindings:
    """A ``NameFinder`` that asks Presidio, which never downloads anything here.

    Args:
        model: The spaCy model that finds names; by default the usual one if it is installed, else none.

    Raises:
        ConfigurationError: Presidio or the model named is not installed.
    """

    def __init__(self, model: str | None = None) -> None:
        try:
            import spacy  # both take seconds
            from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
            from presidio_analyzer.nlp_engine import SpacyNlpEngine
        except ImportError as error:
            raise ConfigurationError("checks.presidio: Presidio is not installed", remedy=_INSTALL) from error
        self.model = model or (USUAL_MODEL if spacy.util.is_package(USUAL_MODEL) else None)
        if self.model and not (spacy.util.is_package(self.model) or Path(self.model).is_dir()):
            raise ConfigurationError(
                f"checks.presidio_model: the spaCy model {self.model!r} is not installed",
                remedy=f"python -m spacy download {self.model}, or leave presidio_model out.",
            )
        pipeline = spacy.load(self.model) if self.model else spacy.blank("en")
        language = str(pipeline.lang)
        # Given loaded, because the engine would download a model that it does not find.
        engine: Any = SpacyNlpEngine()
        engine.nlp = {language: pipeline}
        registry = RecognizerRegistry(supported_languages=[language])
        registry.load_predefined_recognizers(languages=[language], nlp_engine=engine)
        self._language = language
        self._analyzer: Any = AnalyzerEngine(registry, engine, supported_languages=[language])
        known = self._analyzer.get_supported_entities(language)
        self._entities = sorted(KINDS.keys() & known)

    def __call__(self, text: str) -> tuple[Finding, ...]:
        """Give the personal data in a text, in its order; of a long text some of it may come twice."""
        if not text.strip():
            return ()
        starts = range(0, max(1, len(text) - _OVERLAP), _PIECE - _OVERLAP)
        return tuple(found for start in starts for found in self._in_piece(text[start : start + _PIECE]))

    def _in_piece(self, text: str) -> Iterator[Finding]:
        found = self._analyzer.analyze(
            text, language=self._language, entities=self._entities, score_threshold=_SURE_ENOUGH
        )
        found.sort(key=lambda result: (result.start, result.end))
        yield from (Finding(KINDS[result.entity_type], text[result.start : result.end]) for result in found)

    def describe(self) -> str:
        """Say what it finds by, for people."""
        if self.model:
            return f"Presidio with the spaCy model {self.model}"
        return f"Presidio by patterns only: no names, because the spaCy model {USUAL_MODEL} is not installed"

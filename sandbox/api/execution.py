"""One GraphQL request from its text to the answer."""

from collections.abc import Mapping

from sandbox.api.account import ACCOUNT
from sandbox.api.context import Context, Resolver
from sandbox.api.datasets import DATASETS
from sandbox.api.exports import EXPORTS
from sandbox.api.issues import ISSUES
from sandbox.api.model_configs import MODEL_CONFIGS
from sandbox.api.ontologies import ONTOLOGIES
from sandbox.api.project_creation import CREATION
from sandbox.api.projects import PROJECTS
from sandbox.api.rows import ROWS
from sandbox.api.webhooks import WEBHOOKS
from sandbox.errors import InvalidQuery, LimitExceeded, MalformedRequest, SandboxError
from sandbox.graphql import bind, parse, select
from sandbox.graphql_parser import Field
from sandbox.records import Json

_ROOTS: dict[str, Resolver] = {
    **ACCOUNT,
    **CREATION,
    **DATASETS,
    **EXPORTS,
    **ISSUES,
    **MODEL_CONFIGS,
    **ONTOLOGIES,
    **PROJECTS,
    **ROWS,
    **WEBHOOKS,
}


def answer(context: Context, text: str, variables: Mapping[str, object]) -> Json:
    """Execute a query or a mutation, and give ``data`` or ``errors`` as Labelbox would.

    Raises:
        LimitExceeded: More is asked for than may run at once.
    """
    try:
        with context.sandbox.lock:
            answered = {
                field.key: select(_root(context, field, variables), field.selection, variables) for field in parse(text)
            }
        for work in context.afterwards:
            work()
    except LimitExceeded:
        # Labelbox answers these with a status of their own, not in the shape of GraphQL.
        raise
    except SandboxError as error:
        return refusal(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # The SDK never sends these; a hand-written query with missing values ends here.
        return refusal(MalformedRequest(f"the request lacks something or has it in the wrong form: {error!r}"))
    return {"data": answered}


def refusal(error: SandboxError) -> Json:
    """Write a refusal in the shape in which Labelbox does."""
    message = str(error)
    extensions = {"code": error.code, "exception": {"status": error.http_status}}
    # The SDK reads a refused export's text from "errors" and everybody else's from "message".
    return {"errors": [{"message": message, "errors": [message], "extensions": extensions}], "data": None}


def _root(context: Context, field: Field, variables: Mapping[str, object]) -> object:
    if field.name not in _ROOTS:
        raise InvalidQuery(f'Cannot query field "{field.name}": the sandbox does not imitate it')
    bound = {key: bind(value, variables) for key, value in field.arguments.items()}
    return _ROOTS[field.name](context, bound)

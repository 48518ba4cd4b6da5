"""What the sandbox refuses, with Labelbox's error codes and the status the control API answers."""


class SandboxError(Exception):
    """A request that cannot be done.

    Attributes:
        code: Labelbox's code in ``extensions.code`` of a GraphQL error.
        http_status: The status of the same refusal at the control API.
    """

    code = "INTERNAL_SERVER_ERROR"
    http_status = 500


class UnknownResource(SandboxError):
    """Nothing here has this id."""

    code = "RESOURCE_NOT_FOUND"
    http_status = 404


class OperationNotAllowed(SandboxError):
    """The data row stands at a step of the workflow that does not allow this."""

    code = "OPERATION_NOT_ALLOWED"
    http_status = 409


class Conflict(SandboxError):
    """Something of that name is there already."""

    code = "RESOURCE_CONFLICT"
    http_status = 409


class MalformedRequest(SandboxError):
    """The request makes no sense: an unknown question, an unknown filter, a value out of range."""

    code = "MALFORMED_REQUEST"
    http_status = 400


class LimitExceeded(SandboxError):
    """More than is allowed at once."""

    http_status = 429


class UnparsableQuery(SandboxError):
    """The query text is no GraphQL, for one because a quote was pasted into it unescaped."""

    code = "GRAPHQL_PARSE_FAILED"
    http_status = 400


class InvalidQuery(SandboxError):
    """The query asks for a field that this sandbox does not imitate."""

    code = "GRAPHQL_VALIDATION_FAILED"
    http_status = 400


class BadApiKey(SandboxError):
    """The bearer key is missing or wrong."""

    code = "AUTHENTICATION_ERROR"
    http_status = 401

"""The servers that are compared; ``python -m bench.servers NAME PORT`` runs one, one process, no access log."""

import hashlib
import hmac
import json
import os
import sys

import uvicorn
from redis import Redis
from rq import Queue
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.bodies import SECRET
from service.bootstrap import Deps
from service.config import load
from service.web.app import create_app
from service.web.server import run_web


def bare() -> Starlette:
    """The least that one can do: read the body, answer 202."""

    async def endpoint(request: Request) -> Response:
        await request.body()
        return Response(status_code=202)

    return Starlette(routes=[Route("/webhooks/labelbox", endpoint, methods=["POST"])])


def plain() -> Starlette:
    """What one writes first: verify, parse, ``Queue.enqueue`` for each event."""
    queue = Queue("plain", connection=Redis.from_url(os.environ["TUNELOOP_REDIS_URL"]))

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        expected = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        if not hmac.compare_digest(expected, request.headers["x-hub-signature"]):
            return Response(status_code=401)
        event = json.loads(body)
        await run_in_threadpool(queue.enqueue, "workers.jobs.convert", event["dataRow"]["id"], event["id"])
        return Response(status_code=202)

    return Starlette(routes=[Route("/webhooks/labelbox", endpoint, methods=["POST"])])


def main() -> None:
    """Run one of them; ours as ``tuneloop serve`` does, the others as uvicorn's own command would."""
    name, port = sys.argv[1], int(sys.argv[2])
    if name == "ours":
        run_web(create_app(Deps(load(os.environ))), host="127.0.0.1", port=port)
        return
    app = {"bare": bare, "plain": plain}[name]()
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", log_level="error", access_log=False)


if __name__ == "__main__":
    main()

"""Deploys and undeploys models at the stand-ins, as an operator's own script would at the real servers.

``deploy_model.py azure-deploy|azure-undeploy|nebius-deploy ADDRESS NAME MODEL JOB BASE``; the key is in ``DEPLOY_KEY``.
"""

import os
import sys
from urllib.parse import urljoin

import httpx2


def main(arguments: list[str]) -> int:
    how, address, name, model, job, base = arguments
    headers = {"Authorization": f"Bearer {os.environ['DEPLOY_KEY']}"}
    with httpx2.Client(base_url=urljoin(address, "/"), headers=headers, timeout=30) as client:
        if how == "azure-deploy":
            client.put(f"deployments/{name}", json={"model": model}).raise_for_status()
        elif how == "azure-undeploy":
            gone = client.delete(f"deployments/{name}")
            if gone.status_code != httpx2.codes.NOT_FOUND:
                gone.raise_for_status()
        else:
            points = client.get(f"v1/fine_tuning/jobs/{job}/checkpoints").raise_for_status().json()["data"]
            source = f"{job}:{points[0]['id']}"
            wish = {"source": source, "base_model": base, "name": name}
            served = client.post("v0/models", json=wish).raise_for_status()
            sys.stdout.write(f"registered\n{served.json()['name']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

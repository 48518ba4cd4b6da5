"""``python -m bench [NAME]``: one JSON object a line on standard output, progress on standard error."""

import importlib
import json
import sys

NAMES = ("convert", "ingest", "snapshot", "verdict", "worker")


def main(arguments: list[str]) -> int:
    """Run one benchmark, or all.

    Returns:
        0; 2 for an unknown name. An aim that is missed is said in the output, it is no failure of the run.
    """
    if unknown := [name for name in arguments if name not in NAMES]:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in arguments or NAMES:
        result = importlib.import_module(f"bench.{name}").measure()
        print(json.dumps({"name": name, **result}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

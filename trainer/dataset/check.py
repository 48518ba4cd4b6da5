"""The verdict on a whole file."""

from pathlib import Path
from typing import Literal

from trainer.dataset.faults import LineFault
from trainer.dataset.lines import parse_line, raw_lines
from trainer.dataset.rules import check_line
from trainer.values import MethodType

FEWEST_EXAMPLES = 10
FAULTS_TOLD = 5
Role = Literal["training_file", "validation_file"]


class FileRefused(Exception):
    """The file cannot be used.

    Attributes:
        code: ``invalid_training_file``, ``invalid_validation_file`` or ``invalid_n_examples``.
        param: Which of the job's files it is.
    """

    def __init__(self, code: str, message: str, param: Role) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def check_file(path: Path, method: MethodType, role: Role) -> int:
    """Check every line of a file and count them.

    Raises:
        FileRefused: With the first faults, each with its line number, or with the number of examples.
    """
    examples = 0
    faults: list[str] = []
    for number, line in raw_lines(path):
        examples = number
        try:
            check_line(parse_line(line), method)
        except LineFault as fault:
            faults.append(f"Line {number}: {fault}.")
        if len(faults) == FAULTS_TOLD:
            faults.append("The lines after this one were not checked.")
            break
    if faults:
        raise FileRefused(f"invalid_{role}", " ".join(faults), role)
    fewest = FEWEST_EXAMPLES if role == "training_file" else 1
    if examples < fewest:
        name = role.replace("_", " ")
        raise FileRefused("invalid_n_examples", f"The {name} has {examples} example(s); it needs {fewest}.", role)
    return examples

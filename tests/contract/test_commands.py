"""Commands of the installation's own, as real processes."""

import os
import sys
import time
from pathlib import Path

import pytest

from service.adapters.commands import ShelllessCommands
from service.domain.errors import CommandFailed

SECRET = "hunter2-of-the-command"


def python(*lines: str) -> list[str]:
    return [sys.executable, "-c", "\n".join(lines)]


def run(command: list[str], *, timeout_s: float = 60) -> tuple[int, str]:
    ran = ShelllessCommands().run(command, timeout_s=timeout_s, keep=lambda: None)
    return ran.code, ran.last_line


def test_the_last_line_that_is_not_blank_is_given() -> None:
    assert run(python("print('one')", "print(' two ')", "print()")) == (0, "two")
    assert run(python("pass")) == (0, "")


def test_the_exit_code_is_given_whatever_it_is() -> None:
    assert run(python("raise SystemExit(75)")) == (75, "")
    assert run(python("import os, signal", "os.kill(os.getpid(), signal.SIGTERM)"))[0] == -15


def test_no_shell_reads_what_is_filled_in(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    told = f"$(touch {mark}); touch {mark} # *"
    assert run([*python("import sys", "print(sys.argv[1])"), told]) == (0, told)
    assert not mark.exists()


def test_much_output_and_bytes_that_are_no_text_do_no_harm() -> None:
    many = python("import sys", "sys.stdout.buffer.write(b'\\xff' * 300000 + b'\\nlast\\n')")
    assert run(many) == (0, "last")


def test_a_command_waits_for_no_input() -> None:
    assert run(python("import sys", "print(repr(sys.stdin.read()))")) == (0, "''")


def test_a_program_that_is_not_there_says_which(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no-such-program cannot be started"):
        run([str(tmp_path / "no-such-program")])
    with pytest.raises(CommandFailed, match="null byte"):
        run([sys.executable, "a\0b"])


def test_a_command_that_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    slow = python(
        "import subprocess, sys, time",
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)  # {SECRET}'])",
        f"open({str(mark)!r}, 'w').write(str(child.pid))",
        f"print({SECRET!r}, flush=True)",
        "time.sleep(600)",
    )
    with pytest.raises(CommandFailed, match="did not end in time") as raised:
        run(slow, timeout_s=5)
    assert SECRET not in f"{raised.value} {raised.value.__cause__}"
    assert raised.value.__suppress_context__
    assert is_gone(int(mark.read_text()))


def test_the_caller_keeps_what_it_has_meanwhile_and_may_break_off() -> None:
    class Lost(BaseException):
        pass

    def keep() -> None:
        raise Lost

    with pytest.raises(Lost):
        ShelllessCommands().run(python("import time", "time.sleep(600)"), timeout_s=60, keep=keep)


def is_gone(pid: int) -> bool:
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, 9)
    return False

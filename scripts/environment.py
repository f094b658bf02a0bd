"""
Brings ``.venv/`` to what ``requirements/<set>.txt`` say; does nothing when it is there already.

The environment is made by the interpreter that runs this; one made by another interpreter is replaced.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RECORD = VENV / "installed.json"

SETS = ("base", "standalone", "test", "quality", "services", "doc", "advisories")
"""In the order in which they are compiled: each one's versions bind the later ones."""


def interpreter() -> str:
    """What tells one Python from another: version and place, the same inside and outside its environments."""
    return f"{platform.python_version()} {sys.base_prefix}"


def recorded() -> dict[str, str]:
    """What was installed, by which interpreter; empty when there is no complete environment."""
    try:
        record: dict[str, str] = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    return record if record.get("python") == interpreter() and PYTHON.exists() else {}


def digest(name: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes()).hexdigest()


def run(*command: str | Path) -> None:
    print("+", *command, flush=True)
    subprocess.run(command, check=True, cwd=ROOT)


def pip(*arguments: str | Path) -> None:
    run(PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)


def install(names: Sequence[str]) -> None:
    """Install the sets, by uv; where uv can't, by pip, which is slower and has its own ways to the package index."""
    files = [argument for name in names for argument in ("-r", f"requirements/{name}.txt")]
    try:
        pip("install", "-r", "requirements/uv.txt")
        run(VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON, *files)
    except (subprocess.CalledProcessError, OSError):
        print("uv could not do it; the same with pip", flush=True)
        pip("install", *files)


def provide(names: Sequence[str]) -> None:
    """
    Make the environment have the sets ``names``.

    Raises ``subprocess.CalledProcessError`` when the environment can't be made or a package can't be installed; what
    went wrong was printed by the command.
    """
    record = recorded()
    missing = [name for name in names if record.get(name) != digest(name)]
    if record and not missing:
        return
    if not record:
        run(sys.executable, "-m", "venv", "--clear", VENV)
        record = {"python": interpreter()}
    install(missing)
    record.update({name: digest(name) for name in missing})
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def upgrade() -> None:
    """Compile every ``requirements/*.txt`` anew, to the newest versions that ``constraints.txt`` allows."""
    provide(["base"])
    for name in ("uv", *SETS):
        run(
            *(VENV / "bin" / "uv", "pip", "compile", "--quiet", "--upgrade"),
            *("--universal", "--python-version", "3.11", "--custom-compile-command", "make upgrade"),
            *("--output-file", f"requirements/{name}.txt", f"requirements/{name}.in"),
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], metavar="SET", help=f"one of {', '.join(SETS)}")
    parser.add_argument("--upgrade", action="store_true", help="compile the requirement files anew")
    arguments = parser.parse_args()
    lock = os.open(REQUIREMENTS, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # two targets of one "make -j" must not install at the same time
    try:
        if arguments.upgrade:
            upgrade()
        else:
            provide(arguments.sets)
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(map(str, error.cmd))} ended with {error.returncode}; see above", file=sys.stderr)
        return 1
    finally:
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""
Asks the advisory database OSV about every version that ``requirements/*.txt`` pin, with pip-audit; needs the network.

Ends with 0 when nothing is known against any of them, with 1 when something is, and with 2 when that could not be
found out, which is never taken for "nothing".
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)


def pins(texts: Iterable[str]) -> list[dict[str, str]]:
    """
    The pinned versions in compiled requirement files, as mappings of package to version that together have them all.

    More than one, because some packages are pinned to different versions for different Pythons. pip-audit by itself
    looks only at those for the Python that runs it, and refuses two versions of one package.
    """
    versions: dict[str, list[str]] = {}
    for name, version in sorted({found for text in texts for found in PIN.findall(text)}):
        versions.setdefault(name, []).append(version)
    most = max(map(len, versions.values()), default=0)
    return [{name: of[turn] for name, of in versions.items() if turn < len(of)} for turn in range(most)]


def command(file: Path) -> list[str]:
    """
    pip-audit for one file of plain pins.

    OSV has the advisories of PyPA and of GitHub. The default, the package index itself, answers 404 where it is a
    mirror, and pip-audit takes that for "skipped" and ends well; ``--strict`` would make it an error.
    """
    options = ("--vulnerability-service", "osv", "--strict", "--disable-pip", "--no-deps", "--progress-spinner", "off")
    return [sys.executable, "-m", "pip_audit", *options, "--requirement", str(file)]


def audit(pinned: dict[str, str]) -> int:
    """Print what is known against these versions; 0, 1 or 2 as in the module's docstring."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "pins.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()))
        done = subprocess.run(command(file), capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    if done.returncode and not done.stdout:  # it ends with 1 both for findings, which it prints, and for its own errors
        print(
            "error: the advisory database could not be asked, so nothing is known of the pinned versions. "
            f"make advisories needs https://api.osv.dev/. pip-audit said: {last_line(done.stderr)}",
            file=sys.stderr,
        )
        return 2
    return 1 if done.returncode else 0


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nothing"])[-1]


def main(files: Sequence[Path] = ()) -> int:
    parts = pins(file.read_text() for file in files or sorted((ROOT / "requirements").glob("*.txt")))
    result = 0
    for part in parts:
        result = max(result, audit(part))
        if result == 2:
            return result
    if not result:
        print(f"Nothing is known against the {sum(map(len, parts))} pinned versions.")
    return result


if __name__ == "__main__":
    sys.exit(main())

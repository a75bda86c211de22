"""What `make test` runs: everything, after installing what Debian has and this user may. What could not run is named at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"mosquitto": ("mosquitto",), "chromium": ("chromium", "fonts-noto-cjk")}
STRICT = os.environ.get("CI") == "true"
HEAVY = "process or broker or browser"
BESIDE = ["-n", "auto", "--dist", "loadfile", "-m", f"not ({HEAVY})"]
FIRST, LAST = "tests/demo", "tests/browser"


def with_processes() -> list[str]:
    """Three files at a time of those that start processes: they wait for half of their time, several processes each, so this is enough on any machine.

    The longest first and the many short ones of the browser last, so that no worker ends minutes after the others.
    """
    tests = [each for each in (ROOT / "tests").iterdir() if each.match("test_*.py") or any(each.glob("test_*.py"))]
    names = [f"tests/{each.name}" for each in tests if each.name != "training"]
    ordered = sorted(names, key=lambda name: (name == LAST, name != FIRST, name))
    return ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "-m", HEAVY, *ordered]


def main() -> int:
    missing = [name for name in PACKAGES if not _has(name)]
    if missing and shutil.which("apt-get"):
        _install([package for name in missing for package in PACKAGES[name]])
        missing = [name for name in PACKAGES if not _has(name)]
    shared = Path(os.environ.get("TRIKEYE_SHARED", ROOT.parent / "shared")) / "data"
    runs = [sys.argv[1:]] if sys.argv[1:] else [BESIDE, with_processes()]
    # Each runs whatever became of the one before; one that was killed ends below 0, so no maximum will do.
    with tempfile.TemporaryDirectory(prefix="trikeye-database-") as made:
        os.environ["TRIKEYE_TEST_DATABASE"] = str(Path(made) / "made.sqlite3")
        code = next(filter(None, [_pytest(arguments) for arguments in runs]), 0)
    trains = (ROOT / ".venv-training").is_dir()
    if (trains or STRICT) and not sys.argv[1:]:  # the target makes .venv-training where it is missing
        code = code or subprocess.run(["make", "--no-print-directory", "test-training"], cwd=ROOT).returncode
    notes = [
        f"not run: tests that need {name}; install it: sudo apt-get install {' '.join(PACKAGES[name])}"
        for name in missing
    ]
    if not shared.is_dir():
        notes.append(f"not run: tests on the data of others ({shared} is missing; set TRIKEYE_SHARED)")
    for note in notes:
        print(note)
    if not trains and not STRICT:
        print("not run: tests of training, which need torch; make it: make setup-training")
    return code or (1 if STRICT and notes else 0)


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-q", *arguments], cwd=ROOT).returncode


def _has(name: str) -> bool:
    return bool(shutil.which(name) or shutil.which(name, path="/usr/sbin"))


def _install(packages: list[str]) -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and (not shutil.which("sudo") or subprocess.run([*sudo, "true"], capture_output=True).returncode):
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        subprocess.run([*sudo, *command], env=env, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())

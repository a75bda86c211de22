"""Whether all that the `edge` extra needs has wheels for 64-bit Arm, for the Pythons of Raspberry Pi OS: pip's own answer, nothing is built.

`.venv/bin/python tests/arm/wheels.py` prints a table and ends with 1 if something has no wheel; `--into FOLDER --python 3.11` installs them there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
GLIBC_MINOR = {"3.11": 36, "3.13": 41}
"""The C library, 2.x, under the Python of Raspberry Pi OS: Bookworm's and Trixie's (Debian's packages libc6 and python3)."""


def wanted() -> list[str]:
    """What the vehicle installs: the project's own requirements and its extra `edge`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["edge"]]


def locked(python: str) -> list[str]:
    """The lines of the lock that hold for a Python on Arm. pip would ask their markers of the Python it runs in."""
    lines = [line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if line[:1].isalnum()]  # fmt: skip
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux", "platform_machine": "aarch64"}  # fmt: skip
    told = [Requirement(line) for line in lines]
    return [f"{each.name}{each.specifier}" for each in told if each.marker is None or each.marker.evaluate(there)]


def install(python: str, folder: Path, *, dry_run: bool) -> list[tuple[str, str, str]]:
    """Install wheels for Arm into a folder, or only look for them: name, version and file of each. Raises CalledProcessError with pip's words."""
    platforms = ["manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in range(17, GLIBC_MINOR[python] + 1))]  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(locked(python)))
        constraints.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--ignore-installed", "--only-binary=:all:", "--implementation=cp", f"--python-version={python}",
             *(f"--platform={each}" for each in platforms), f"--target={folder}", f"--constraint={constraints.name}", "--report=-",
             *(["--dry-run"] if dry_run else []), *wanted()],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    chosen = json.loads(done.stdout)["install"]
    return sorted(
        (each["metadata"]["name"], each["metadata"]["version"], each["download_info"]["url"].rsplit("/", 1)[-1])
        for each in chosen
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", choices=sorted(GLIBC_MINOR), nargs="+", default=sorted(GLIBC_MINOR))
    parser.add_argument("--into", type=Path, help="install into this folder, for the first Python named")
    args = parser.parse_args()
    missing = 0
    for python in args.python[: 1 if args.into else None]:
        try:
            rows = install(python, args.into or Path("nowhere"), dry_run=args.into is None)
        except subprocess.CalledProcessError as wrong:
            print(f"Python {python}, aarch64: no wheel\n{wrong.stderr.strip()}")
            missing += 1
            continue
        print(f"Python {python}, aarch64, glibc 2.{GLIBC_MINOR[python]}: {len(rows)} packages, all from wheels")
        for name, version, file in rows:
            print(f"  {name:<20} {version:<14} {'-'.join(file.removesuffix('.whl').split('-')[-3:])}")
    return int(missing > 0)


if __name__ == "__main__":
    raise SystemExit(main())

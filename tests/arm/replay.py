"""A replay under 64-bit Arm, beside the same replay here: the same sightings, boxes and probabilities.

`.venv/bin/python tests/arm/replay.py` puts Debian's Python and the vehicle's wheels for aarch64 into a scratch folder and runs `trikeye edge replay` in
Debian's user-mode emulation, without root rights for itself or a registered interpreter. Emulation takes some two hundred times as long: a few frames are
asked for, about ten minutes of a quiet processor. The frames are stills: films are turned to colours by other code on Arm (swscale), one grey level off on average.
Where emulation cannot be had, the last line says NOT RUN and the exit code is 2; 1 if something differs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from wheels import ROOT, install

from edge.capture import pictures
from models.boxes import Box, iou_of
from models.contract import Sighting, decode
from models.pixels import encode_jpeg

SAMPLE = ROOT / "demo" / "ride" / "sample"
SUITE, PYTHON = "bookworm", "3.11"
PACKAGES = "python3,libgl1,libglib2.0-0,tzdata"
EMULATOR, BUILDER = "qemu-aarch64-static", "mmdebstrap"
FIRST, FRAMES = 270, 40
"""Three things are found there; eleven looks."""
LEAST_IOU, MOST_APART = 0.98, 0.01
PI_4 = {
    "proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
    "CPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n",
    **{f"sys/devices/system/cpu/{name}": "0\n" for name in ("possible", "present", "online")},
}
"""What the kernel of a Raspberry Pi 4 says of one processor: ONNX Runtime asks, and falls over what this machine's says."""


class NotRun(Exception):
    """Emulation cannot be had; the text says why."""


@dataclass(frozen=True)
class Told:
    """What a sighting says that a processor could change."""

    category: str
    box_px: Box
    probability: float


def cut_ride(folder: Path, first: int, frames: int) -> Path:
    """Some frames of the sample ride as a ride of stills."""
    folder.mkdir()
    shutil.copy(SAMPLE / "camera.toml", folder)
    (folder / "ride.toml").write_text('vehicle = "TY-01"\nstart = "2026-11-02T01:30:00+00:00"\nfps = 10.0\n', encoding="utf-8")  # fmt: skip
    lines = (SAMPLE / "track.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{n / 10:.3f},{line.split(',', 1)[1]}" for n, line in enumerate(lines[1 + first : 1 + first + frames])]
    (folder / "track.csv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    for number, image in pictures(SAMPLE / "video.mp4", [], lambda reason: None):
        if first <= number < first + frames:
            (folder / f"{number:05}.jpg").write_bytes(encode_jpeg(image, 95))
    return folder


def arm_root(folder: Path) -> Path:
    """Debian for arm64, unpacked and not set up, from this machine's own sources. Raises NotRun."""
    missing = [name for name in (EMULATOR, BUILDER) if not shutil.which(name)]
    if missing:
        raise NotRun(f"{' and '.join(missing)} missing; sudo apt-get install qemu-user-static mmdebstrap")
    sources = next((path for path in map(Path, ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")) if path.is_file()), None)  # fmt: skip
    if sources is None:
        raise NotRun("this machine names no Debian archive in /etc/apt")
    try:
        subprocess.run(
            [BUILDER, "--quiet", "--mode=chrootless", "--variant=extract", "--architectures=arm64", f"--include={PACKAGES}", SUITE, folder, sources],
            check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.CalledProcessError as wrong:
        raise NotRun(f"{BUILDER} ended with {wrong.returncode}: no packages for arm64 from {sources}") from None
    for name, text in PI_4.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def replay(ride: Path, data: Path, python: list[str], path: list[Path]) -> dict[UUID, Told]:
    """Run the vehicle's own command and read its outbox. Raises NotRun if it does not end well."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*python, "-m", "trikeye", "edge", "replay", str(ride), "--data", str(data), "--json"]
    done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise NotRun(f"{' '.join(python[:1])} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    print(done.stdout.strip().splitlines()[-1], flush=True)
    db = sqlite3.connect(data / "outbox.sqlite3")
    sightings = [decode(Sighting, body) for (body,) in db.execute("SELECT body FROM message")]
    db.close()
    best = {each.id: next(picture.box for picture in each.pictures if picture.role == "best") for each in sightings}
    return {each.id: Told(each.category, best[each.id] or (0.0, 0.0, 0.0, 0.0), each.probability) for each in sightings}


def differences(here: dict[UUID, Told], there: dict[UUID, Told]) -> list[str]:
    """What is not the same, in words; printed beside it how near the rest is."""
    lines = [f"{id_} {told[id_].category} is told {where} alone" for told, other, where in ((here, there, "here"), (there, here, "on Arm"))
             for id_ in told if id_ not in other]  # fmt: skip
    for id_ in here.keys() & there.keys():
        a, b = here[id_], there[id_]
        same, apart = iou_of(a.box_px, b.box_px), abs(a.probability - b.probability)
        print(f"{id_} {a.category}: IoU {same:.4f}, probability {a.probability:.4f} and {b.probability:.4f}")
        if same < LEAST_IOU or apart > MOST_APART or a.category != b.category:
            lines.append(f"{id_} {a.category} differs: IoU {same:.4f}, probability by {apart:.4f}")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Print each sighting on both, and what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=FIRST, help="frame of the sample ride (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=FRAMES, help="how many (default: %(default)s)")
    parser.add_argument("--root", type=Path, help="a root made before, to be used again")
    parser.add_argument("--site", type=Path, help="wheels installed before by wheels.py --into")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="trikeye-arm-") as name:
        folder = Path(name)
        try:
            root = args.root or arm_root(folder / "root")
            if args.site is None:
                install(PYTHON, folder / "site", dry_run=False)
            ride = cut_ride(folder / "ride", args.first, args.frames)
            here = replay(ride, folder / "here", [sys.executable], [ROOT])
            python = [EMULATOR, "-cpu", "cortex-a72", "-L", str(root), str(root / "usr/bin/python3")]
            there = replay(ride, folder / "there", python, [args.site or folder / "site", ROOT])
        except (NotRun, OSError, subprocess.CalledProcessError) as wrong:
            print(f"tests/arm/replay.py: NOT RUN under Arm: {wrong}", file=sys.stderr)
            return 2
    found = differences(here, there)
    print("\n".join(found or [f"{len(here)} sightings, the same on Arm"]))
    print(json.dumps({"frames": args.frames, "sightings": len(here), "differences": len(found)}))
    return int(bool(found) or not here)


if __name__ == "__main__":
    raise SystemExit(main())

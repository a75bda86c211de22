"""Pictures before redaction reach no disk: no core dump of what handles them, no swap, or it is said."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from edge.memory import has_swap_on_disk, is_kept_out_of_swap

HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


@pytest.mark.process
def test_a_sealed_process_dumps_no_core_and_says_whether_it_can_be_swapped(tmp_path: Path) -> None:
    probe = (
        "import json, os, resource, sys; from pathlib import Path; from edge.memory import seal, has_swap_on_disk, is_kept_out_of_swap\n"
        "safe = seal(); status = dict(l.split(':', 1) for l in Path('/proc/self/status').read_text().splitlines())\n"
        "print(json.dumps([safe, has_swap_on_disk(), is_kept_out_of_swap(), resource.getrlimit(resource.RLIMIT_CORE), int(status['VmLck'].split()[0])])); sys.stdout.flush()\n"
        "os.chdir(sys.argv[1]); os.abort()"
    )
    limit = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)  # noqa: E731
    done = subprocess.run([sys.executable, "-c", probe, str(tmp_path)], capture_output=True, text=True, timeout=60, preexec_fn=limit, cwd=Path(__file__).parents[2])  # fmt: skip
    safe, has_swap, kept_out, core, locked_kb = json.loads(done.stdout)
    assert core == [0, 0]
    assert done.returncode < 0, "it did abort"
    assert list(tmp_path.iterdir()) == []
    assert safe is (locked_kb > 0 or kept_out or not has_swap)


@pytest.mark.parametrize(("rows", "on_disk"), [
    ("", False), ("/dev/zram0 partition 500 0 100\n", False), ("/var/swap file 500 0 -2\n", True), ("/dev/zram0 partition 500 0 100\n/dev/sda2 partition 9 0 -2\n", True),
])  # fmt: skip
def test_swap_in_memory_is_no_swap_on_disk(tmp_path: Path, rows: str, on_disk: bool) -> None:
    (tmp_path / "swaps").write_text(HEAD + rows)
    assert has_swap_on_disk(tmp_path / "swaps") is on_disk
    assert has_swap_on_disk(tmp_path / "gone")


@pytest.mark.parametrize(("told", "kept_out"), [("0", True), ("max", False), ("1048576", False), (None, False)])
def test_the_units_limit_is_found_where_it_holds(tmp_path: Path, told: str | None, kept_out: bool) -> None:
    (tmp_path / "cgroup").write_text("1:name=systemd:/x\n0::/system.slice/trikeye-watch.service\n")
    own = tmp_path / "cgroups" / "system.slice" / "trikeye-watch.service"
    own.mkdir(parents=True)
    if told is not None:
        (own / "memory.swap.max").write_text(told + "\n")
    assert is_kept_out_of_swap(tmp_path / "cgroup", tmp_path / "cgroups") is kept_out
    assert not is_kept_out_of_swap(tmp_path / "gone", tmp_path / "cgroups")

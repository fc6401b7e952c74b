"""Loading torch beside a window: what its import holds up elsewhere is out of its way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import gc, json, sys, threading
from pathlib import Path
from telme_model.networks import libraries

told = {}
if sys.platform == "linux":
    libraries._map_machine_code()
    told["mapped"] = "libtorch_cpu" in Path("/proc/self/maps").read_text()
    told["imported"] = "torch" in sys.modules
walks = []
gc.callbacks.append(lambda phase, about: walks.append(about["generation"]) if phase == "start" else None)
threads = [threading.Thread(target=libraries.load_torch) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
told["walks"] = list(walks)
frozen = gc.get_freeze_count()
libraries.load_torch()
import torch
told |= {
    "again": gc.get_freeze_count() - frozen,
    "kept aside": frozen > 10_000,
    "collects": gc.isenabled(),
    "computes": torch.ones(2).sum().item(),
}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, object]:
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.skipif(sys.platform != "linux", reason="the list of mapped files is Linux' own")
def test_machine_code_is_mapped_before_the_import(told: dict[str, object]) -> None:
    assert told["mapped"] is True
    assert told["imported"] is False


def test_nothing_is_collected_meanwhile_nor_is_what_was_loaded_later(
    told: dict[str, object],
) -> None:
    assert told["walks"] == []
    assert told["kept aside"] is True
    assert told["collects"] is True


def test_it_is_loaded_once_however_many_threads_ask(told: dict[str, object]) -> None:
    assert told["again"] == 0
    assert told["computes"] == 2

"""Milliseconds from the start of the program to the window with the demo corpus and its run, painted.

python tests/benchmarks/window.py [REPEATS]

Each start is a process of its own (1280x720, without a screen), measured from its beginning: wall time, and the
processor's time, which other programs disturb less.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from telme_model import bundled
from tests.benchmarks._measuring import Taken, report

ROOT = Path(__file__).parents[2]
START = """
import sys, time
from pathlib import Path
import psutil
from telme_gui import app
from telme_gui.system.interruption import Interruption
def painted(window, *_args, **_more):
    app.wait_until(lambda: window.session.predictions is not None)
    window.grab()
    own = psutil.Process()
    print(time.time() - own.create_time(), sum(own.cpu_times()[:2]), 'torch' in sys.modules)
    return 0
app._draw = painted
how = dict(stop=Interruption(), screenshot=Path('none.png'), offscreen=True, size=(1280, 720))
app.run_window(Path(sys.argv[1]), Path(sys.argv[2]), **how)
"""


def main() -> None:
    """Start it again and again; the first one warms the caches of the disk."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    command = [sys.executable, "-c", START, str(bundled.DEMO_CORPUS), str(bundled.DEMO_RUN)]
    taken: list[Taken] = []
    for _ in range(repeats + 1):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        wall, processor, torch = done.stdout.split()
        taken.append((1000 * float(wall), 1000 * float(processor)))
    report(f"process start to painted (torch loaded: {torch})", taken[1:])


if __name__ == "__main__":
    main()

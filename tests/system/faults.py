"""Lost processes of a distributed training, which take too long for the tests.

python -m tests.system.faults processes        (minutes)
"""

import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.helpers.data_parallel import recorded, start_processes
from tests.helpers.fault_points import assert_readable
from tests.helpers.tiny import make_dataset, tiny_settings, write_settings


def processes(folder: Path, dataset: Path) -> str:
    """Stops the second of two processes by SIGTERM, then kills it; the training goes on each time."""
    train = {"batch_size": 8, "num_epochs": 1000, "save_every_minutes": 1e-9}
    settings = tiny_settings(dataset, folder, train=train)
    config, experiment = write_settings(folder / "tiny.yml", settings), folder / "experiment"
    reached = 0
    for number, expected in ((signal.SIGTERM, [143, 143]), (signal.SIGKILL, [2, -9])):
        running = start_processes(2, config, folder)
        while len(recorded(folder / "1.jsonl")) < reached + 50 and running[1].poll() is None:
            time.sleep(0.001)
        running[1].send_signal(number)
        codes = [process.wait(timeout=120) for process in running]
        assert codes == expected, [codes, *((folder / f"{index}.log").read_text()[-999:] for index in range(2))]
        steps = [recorded(folder / f"{index}.jsonl") for index in range(2)]
        epoch, step = assert_readable(experiment)
        reached = len(steps[1])
        if number == signal.SIGTERM:
            # Both have stopped after the same step, and this is saved.
            assert steps[0] == steps[1] and epoch * 3 + step == reached, (epoch, step, reached)
    # The last step may not have been saved when the process was killed; it is repeated then.
    kept = steps[0][: epoch * 3 + step]
    (alone,) = start_processes(1, config, folder, f"train.num_epochs={epoch + 1}")
    assert alone.wait() == 0
    kept += recorded(folder / "0.jsonl")[len(steps[0]) :]
    for number in range(epoch + 1):
        words = [word for line in kept if line["epoch"] == number for word in line["words"]]
        assert sorted(words) == list(range(20)), number
    return f"stopped and killed one of two, one went on: each word once in each of {epoch + 1} epochs"


if __name__ == "__main__":
    assert sys.argv[1:] in ([], ["processes"]), __doc__
    with tempfile.TemporaryDirectory() as place:
        print(processes(Path(place), make_dataset(Path(place) / "data")))

"""What takes too long for the tests: 2,000 epochs, and lost processes.

python -m tests.system.faults [soak] [processes]        (both without arguments; about half an hour)
"""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


from tests.helpers.data_parallel import recorded, start_processes
from tests.helpers.fault_points import assert_readable
from tests.helpers.tiny import REPOSITORY, make_dataset, tiny_settings, write_settings
from tests.helpers.training import train

EPOCHS = 2000


def soak(folder: Path, dataset: Path) -> str:
    """Trains 2,000 epochs in one process; memory may grow by a tenth after 100, handles not at all."""
    from callbacks.save_state import SaveState

    samples, real = [], SaveState.on_epoch_end

    def on_epoch_end(self: SaveState, epoch: int, logs: dict | None = None) -> None:
        real(self, epoch, logs)
        samples.append((_memory(), len(os.listdir("/proc/self/fd"))))
        if not (epoch + 1) % 100:
            print(f"epoch {epoch + 1}: {samples[-1][0] / 2**20:.0f} MB, {samples[-1][1]} handles", flush=True)

    SaveState.on_epoch_end = on_epoch_end
    try:
        settings = tiny_settings(dataset, folder, train={"num_epochs": EPOCHS})
        code = train(write_settings(folder / "tiny.yml", settings))
    finally:
        SaveState.on_epoch_end = real
    assert code == 0 and len(samples) == EPOCHS
    growth = samples[-1][0] / samples[99][0]
    handles = {handles for _, handles in samples[99:]}
    assert growth <= 1.1 and len(handles) == 1, (growth, handles)
    return f"{EPOCHS} epochs: memory x {growth:.3f} since epoch 100, {handles.pop()} handles throughout"


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
        assert codes == expected, [
            codes,
            *((folder / f"{index}.log").read_text()[-999:] for index in range(2)),
        ]
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


def _command(config: Path, settings: dict) -> list[str]:
    return [sys.executable, str(REPOSITORY / "main.py"), "-c", write_settings(config, settings), "--train"]


def _memory() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Runs the parts that the command line names."""
    parts = {"soak": soak, "processes": processes}
    for name in sys.argv[1:] or parts:
        with tempfile.TemporaryDirectory() as folder:
            dataset = make_dataset(Path(folder) / "data")
            started = time.monotonic()
            result = parts[name](Path(folder), dataset)
            print(f"{name}: {result} ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()

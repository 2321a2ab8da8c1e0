"""What takes too long for the tests: real kills, a disk full at every write, 2,000 epochs, lost processes.

python -m tests.system.faults [kills] [disk] [soak] [processes]        (all without arguments; about an hour)
"""

import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

from tests.helpers.data_parallel import recorded, start_processes
from tests.helpers.fault_points import assert_readable, disk_full_at, largest_file
from tests.helpers.tiny import REPOSITORY, make_dataset, tiny_settings, write_settings

KILLS = 25
EPOCHS = 2000
STATEFUL = {
    "train": {
        "optimizer": "adamw",
        "ema_decay": 0.9,
        "schedule": "cosine",
        "save_every_minutes": 1e-9,
        "statistics_batches": 2,
        "fixed_statistics_epochs": 75,
    },
    "network": {"dropout": 0.2, "attention": "luong", "embedding_dim": 4, "ctc_weight": 0.3},
    "data_aug": {"use_data_aug": True, "noise_range": 4, "wrong_characters": 0.1},
    "callbacks": {"validation": {"every_epochs": 2}, "early_stopping": {"enabled": True, "patience": 1000}},
}


def kills(folder: Path, dataset: Path) -> str:
    """Kills a training with SIGKILL at 25 random moments, every second one within a save."""
    settings = tiny_settings(dataset, folder, **STATEFUL)
    settings["train"]["num_epochs"] = 150
    straight = _command(folder / "straight.yml", settings | {"experiment_folder": str(folder / "straight")})
    subprocess.run(straight, check=True, stderr=subprocess.DEVNULL)
    line, experiment = _command(folder / "killed.yml", settings), folder / "experiment"
    rng, within, positions = random.Random(1), 0, [(0, 0)]
    for number in range(KILLS):
        # What earlier kills have left is younger than a minute, so it may still be there.
        left = _temporaries(experiment)
        with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
            _wait_for_saves(rng.randint(1, 12), experiment, process)
            time.sleep(rng.uniform(0, 0.02))
            while number % 2 and _temporaries(experiment) <= left and process.poll() is None:
                pass
            process.kill()
        within += bool(_temporaries(experiment) - left)
        positions.append(assert_readable(experiment))
        print(f"kill {number + 1}: epoch, step {positions[-1]}", flush=True)
        assert process.returncode == -9, "the training ended before it was killed; raise its num_epochs"
        assert positions[-1] > positions[-2]
    assert within, "no kill came within a save; run it again"
    subprocess.run(line, check=True, stderr=subprocess.DEVNULL)
    count = _assert_same(experiment, folder / "straight")
    return f"{KILLS} kills, {within} within a save: all files whole, {count} arrays bit for bit the same"


def disk(folder: Path, dataset: Path) -> str:
    """Fills the disk at every flush of two epochs, then cuts files short at 20 sizes."""
    curves = {"tensorboard": {"enabled": True}}
    settings = tiny_settings(dataset, folder, train={"num_epochs": 1000}, callbacks=curves)
    config, experiment = write_settings(folder / "tiny.yml", settings), folder / "experiment"
    position, number, done = (0, 0), 0, False
    while not done:
        number += 1
        with disk_full_at(number) as flushes:
            code, message = _train(config, f"train.num_epochs={position[0] + 2}")
        done = len(flushes) < number
        if done:
            assert code == 0, message
        else:
            assert code == 2 and "No space left on device" in message and str(folder) in message, message
        position = _no_further_back(experiment, position)
    largest = max(path.stat().st_size for path in experiment.rglob("*") if path.is_file())
    for size in np.linspace(1000, largest - 1, 20).astype(int):
        with largest_file(int(size)):
            code, message = _train(config)
        assert code == 2 and "File too large" in message and str(folder) in message, message
        position = _no_further_back(experiment, position)
    _train(config, f"train.num_epochs={position[0] + 1}")
    _train(config, f"train.num_epochs={position[0] + 1}", f"experiment_folder={folder / 'straight'}")
    count = _assert_same(experiment, folder / "straight")
    return f"full at each of {number - 1} flushes and at 20 sizes: state kept, {count} arrays as without"


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
        code, message = _train(write_settings(folder / "tiny.yml", settings))
    finally:
        SaveState.on_epoch_end = real
    assert code == 0 and len(samples) == EPOCHS, message
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


def _train(config: str, *overrides: str) -> tuple[int, str]:
    """Trains in this process; returns the exit code and the last line on stderr."""
    import main

    with contextlib.redirect_stderr(io.StringIO()) as file:
        code = main.main(["-c", config, "--train", *(["--set", *overrides] if overrides else [])])
    return code, (file.getvalue().splitlines() or [""])[-1]


def _wait_for_saves(number: int, experiment: Path, process: subprocess.Popen) -> None:
    """Until the training state has been replaced `number` times."""
    last, seen = _inode(experiment), 0
    while seen < number and process.poll() is None:
        time.sleep(0.001)
        current = _inode(experiment)
        seen += current != last
        last = current


def _inode(experiment: Path) -> int | None:
    state = experiment / "state" / "training.npz"
    return state.stat().st_ino if state.exists() else None


def _temporaries(experiment: Path) -> set[Path]:
    return set(experiment.rglob(".*.part.*"))


def _no_further_back(experiment: Path, before: tuple[int, int]) -> tuple[int, int]:
    position = assert_readable(experiment)
    assert position >= before, (position, before)
    return position


def _arrays(experiment: Path) -> Iterator[tuple[str, np.ndarray]]:
    with np.load(experiment / "state" / "training.npz") as arrays:
        yield from ((name, arrays[name]) for name in arrays.files if name != "progress")


def _assert_same(one: Path, other: Path) -> int:
    """The arrays of two states, weights to random numbers, are equal bit for bit; returns their number."""
    first, second = dict(_arrays(one)), dict(_arrays(other))
    assert first.keys() == second.keys()
    assert not [name for name in first if not np.array_equal(first[name], second[name])]
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    return len(first)


def _memory() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Runs the parts that the command line names."""
    parts = {"kills": kills, "disk": disk, "soak": soak, "processes": processes}
    for name in sys.argv[1:] or parts:
        with tempfile.TemporaryDirectory() as folder:
            dataset = make_dataset(Path(folder) / "data")
            started = time.monotonic()
            result = parts[name](Path(folder), dataset)
            print(f"{name}: {result} ({time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()

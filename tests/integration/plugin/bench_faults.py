"""Learners that misbehave, each in one way, as an outside package would bring them."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench.learners import BuildContext
from bench.spaces import Choice, Space


class Good:
    """The mean, or the class frequencies: what each faulty learner does until it goes wrong."""

    def __init__(self, context, config):
        self.context, self.config = context, config

    def fit(self, X, y, *, validation=None, deadline=None):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / len(y)
        self.mean_ = float(np.mean(y))
        self.go_wrong()
        return self

    def go_wrong(self):
        pass

    def predict(self, X):
        return np.full(len(X), self.mean_)

    def predict_proba(self, X):
        return np.tile(self.shares_, (len(X), 1))


class Hang(Good):
    def go_wrong(self):
        re.match(r"(a+)+$", "a" * 64 + "b")  # C code that holds the interpreter lock for ever


class Sleep(Good):
    def go_wrong(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(1000)


class Eat(Good):
    def go_wrong(self):
        hoard = []
        while True:
            hoard.append(np.ones(1 << 21))


class Segfault(Good):
    def go_wrong(self):
        ctypes.string_at(0)


class Abort(Good):
    def go_wrong(self):
        os.abort()


class Leave(Good):
    def go_wrong(self):
        os._exit(7)


class Exit(Good):
    def go_wrong(self):
        sys.exit(3)


class Raise(Good):
    def go_wrong(self):
        raise RuntimeError("this learner never\nworks")


class Nan(Good):
    def predict(self, X):
        return np.full(len(X), np.nan)


class LateSegfault(Good):
    def go_wrong(self):
        if self.config["step"] != 0:
            ctypes.string_at(0)


class LateHang(Good):
    def go_wrong(self):
        if self.config["step"] != 0:
            re.match(r"(a+)+$", "a" * 64 + "b")


class Child(Good):
    """Leaves a child, a daemon and noise behind, and does its work."""

    def go_wrong(self):
        subprocess.Popen(["sleep", "1000"])
        subprocess.Popen(["setsid", "sh", "-c", "sleep 1001 & exit 0"])
        sys.stdout.write("x" * 3_000_000)


class Burn(Good):
    """Works in a child process, where its own clock does not see it."""

    def go_wrong(self):
        subprocess.run([sys.executable, "-c", "while True: pass"], check=False)


class Slow(Good):
    def go_wrong(self):
        end = time.process_time() + 0.15
        while time.process_time() < end:
            pass


class Spawn(Good):
    """Has a child and a daemon running, and goes on for ever."""

    def go_wrong(self):
        subprocess.Popen(["sleep", "333"])
        subprocess.Popen(["setsid", "sleep", "334"])
        time.sleep(1000)


class Scribble(Good):
    """Writes to whatever pipe it finds."""

    def go_wrong(self):
        for path in list(Path("/proc/self/fd").iterdir()):
            try:
                if str(path.readlink()).startswith("pipe:"):
                    os.write(int(path.name), b"Iteration 1, loss = 0.69314718\n")
            except OSError:
                continue


class Regicide(Good):
    """Kills the server that it was forked from."""

    def go_wrong(self):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1000)


class Fork(Good):
    """Forks, and lets both go on."""

    def go_wrong(self):
        os.fork()


class Witness(Slow):
    """Says when it ran, and where."""

    def go_wrong(self):
        start = time.monotonic()
        super().go_wrong()
        cores = sorted(os.sched_getaffinity(0))
        with Path(os.environ["BENCH_TEST_LOG"]).open("a", encoding="ascii") as file:
            file.write(f"{json.dumps([os.getpid(), start, time.monotonic(), cores])}\n")


class Faulty:
    """A learner around one of these estimators."""

    family = "faulty"
    version = 1
    packages = ()
    polls_deadline = False
    devices = ("cpu",)

    def __init__(self, name, estimator, modules=("bench_faults",), steps=9):
        self.name = self.title = name
        self.modules = modules
        self._estimator, self._steps = estimator, steps

    def space(self, problem):
        return Space({"step": 0}, {"step": Choice(tuple(range(1, self._steps + 1)))})

    def limit(self, shape):
        return None

    def warm_up(self, problem, device="cpu"):
        pass

    def build(self, config, context: BuildContext):
        return self._estimator(context, config)


hang = Faulty("hang", Hang)
sleep = Faulty("sleep", Sleep)
eat = Faulty("eat", Eat)
segfault = Faulty("segfault", Segfault)
abort = Faulty("abort", Abort)
leave = Faulty("leave", Leave)
exits = Faulty("exits", Exit)
raises = Faulty("raises", Raise)
nan = Faulty("nan", Nan)
late_segfault = Faulty("late-segfault", LateSegfault)
late_hang = Faulty("late-hang", LateHang)
child = Faulty("child", Child)
burn = Faulty("burn", Burn)
slow = Faulty("slow", Slow)
good = Faulty("good", Good)
spawn = Faulty("spawn", Spawn)
chatty = Faulty("chatty", Good, steps=5000)
scribble = Faulty("scribble", Scribble)
regicide = Faulty("regicide", Regicide)
fork = Faulty("fork", Fork)
witness = Faulty("witness", Witness)
extra = Faulty("extra", Good, modules=("bench_faults_extra",))

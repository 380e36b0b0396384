"""Learners that misbehave, each in one way, as an outside package would bring them."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time

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


class Faulty:
    """A learner around one of these estimators."""

    family = "faulty"
    version = 1
    packages = ()
    modules = ("bench_faults",)
    polls_deadline = False

    def __init__(self, name, estimator):
        self.name = self.title = name
        self._estimator = estimator

    def space(self, problem):
        return Space({"step": 0}, {"step": Choice((1, 2, 3, 4, 5, 6, 7, 8, 9))})

    def limit(self, shape):
        return None

    def warm_up(self, problem):
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

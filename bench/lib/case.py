# SPDX-License-Identifier: MIT
"""The words of which items are made: a case is one job that several contenders do, an item a set of them with its bounds."""
import os
import resource
import re

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
CPU = str(max(os.sched_getaffinity(0)))
PINNED = ["-c", CPU]
BROODS = ["brood", "brood-run"]

# Contender: its program below the build folder, or the script beside this folder.
PROGRAMS = {
    "floor": "bench/floor", "floor-bulk": "bench/floor", "floor-unshare": "bench/floor", "floor-lanes": "bench/floor",
    "floor-threads": "bench/floor",
    "brood": "bench/brood", "brood-run": "bench/brood", "brood-batch": "bench/batch", "brood-batch-fed": "bench/batch",
    "libpipeline": "bench/libpipeline", "libuv": "bench/libuv", "gsubprocess": "bench/glib", "g-spawn-sync": "bench/glib",
    "python": "peer.py", "python-both": "peer.py", "go": "bench/peer-go",
    "bash": "bench/commands", "xargs": "bench/commands", "parallel": "bench/commands", "brood-command": "bench/commands",
}

# Those that run a command of the system.
NEEDS = {"bash": "bash", "xargs": "xargs", "parallel": "parallel"}


class Case:
    """stat: the member of a run's JSON line that counts; floor: who ratios refer to, of several the fastest; limit: what brood's ratio
    may be; x: its place on the axis of a scale; few: for slow contenders (who, times[, rounds]); heavy: left out of a quick pass; needs:
    a command without which it cannot be done; memory: how many bytes a contender takes, where that is much."""

    def __init__(self, key, title, job, contenders, floor=None, limit=None, times=1, options=(), stat="p50_us", unit="us", rounds=None,
                 few=(), x=None, heavy=False, needs=None, memory=0):
        self.key, self.title, self.job, self.contenders = key, title, [str(x) for x in job], contenders
        self.floor = [floor] if isinstance(floor, str) else list(floor or [])
        self.limit, self.times, self.options = limit, times, list(options)
        self.stat, self.unit, self.rounds = stat, unit, rounds
        self.few, self.x, self.heavy, self.needs = {who: rest for who, *rest in few}, x, heavy, needs
        self.memory = memory


class Check:
    """A bound that is not a ratio to the floor. value(get) where get(case, contender, member) is a median or None. least: it may not
    be less; limit None: only told."""

    def __init__(self, case, contender, what, value, limit, unit="x", least=False):
        self.case, self.contender, self.what, self.value, self.limit, self.unit = case, contender, what, value, limit, unit
        self.least = least


class Chart:
    """Lines over the cases' x, or, with bars, a group of bars for each case. stat: another member than the case's own; per: what a value
    is divided by, by x; rate: x / value instead."""

    def __init__(self, name, title, x="", y="", stat=None, bars=False, logx=True, logy=False, per=None, rate=False, cases=None):
        self.name, self.title, self.x, self.y, self.stat, self.bars = name, title, x, y, stat, bars
        self.logx, self.logy, self.per, self.rate, self.cases = logx, logy, per, rate, cases


class Item:
    def __init__(self, title, rounds, cases, checks=(), charts=(), scale=None):
        """scale: the name of the axis, for a table of x by contender"""
        self.title, self.rounds, self.cases, self.checks, self.charts, self.scale = title, rounds, cases, list(checks), list(charts), scale


# ---- values of checks ----

def ratio_to(case, contender, base, member="p50_us"):
    """against its own figure in another case"""
    def value(get):
        a, b = get(case, contender, member), get(base, contender, member)
        return a / b if a and b else None
    return value


def figure(case, contender, member):
    return lambda get: get(case, contender, member)


def times_faster(case, contender, than, member="p50_us", than_member=None):
    """how many times as long `than` takes"""
    def value(get):
        a, b = get(case, than, than_member or member), get(case, contender, member)
        return a / b if a and b else None
    return value


def growth(big, small, contender, floor, member="p50_us"):
    """how much dearer it is at the far end than at the near one, as a multiple of the floor's own growth"""
    def value(get):
        mine, base = ratio_to(big, contender, small, member)(get), ratio_to(big, floor, small, member)(get)
        return mine / base if mine and base else None
    return value


def difference(big, small, contender, member):
    def value(get):
        a, b = get(big, contender, member), get(small, contender, member)
        return a - b if a is not None and b is not None else None
    return value


# ---- what the machine has room for ----

def memory_for(mib):
    available = re.search(r"MemAvailable:\s+(\d+)", open("/proc/meminfo").read())
    return int(available.group(1)) >> 10 > mib * 5 // 4 + 512


def descriptors_for(count):
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] > count + 200

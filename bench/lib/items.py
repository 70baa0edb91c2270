# SPDX-License-Identifier: MIT
"""The items that hold brood to a bound at one size. scale.py has those about how cost grows."""
from case import BROODS, Case, Chart, Check, GIB, Item, KIB, MIB, PINNED, descriptors_for, difference, figure, memory_for, ratio_to, times_faster

LIBRARIES = ["libpipeline", "libuv", "gsubprocess", "go", "python"]
FEWER = [(who, 300) for who in LIBRARIES + ["g-spawn-sync"]]
RATIO = "x floor"


def spawn():
    low, many = ["-d", "10000:3"], ["-d", "10000:64"]
    cases = [
        Case("plain", "start + wait", ["spawn"], ["floor"] + BROODS + LIBRARIES + ["g-spawn-sync"], "floor", 1.10, 1000, PINNED, few=FEWER),
        Case("redirected", "redirected", ["redirected"], ["floor"] + BROODS + LIBRARIES, "floor", None, 500, PINNED, few=FEWER),
    ]
    checks = []
    if descriptors_for(10000):
        slow = [("floor", 60)]
        cases += [
            Case("open-3", "10,000 open, from 3 up", ["spawn"], ["floor-unshare", "floor", "brood"], "floor-unshare", 1.10, 500, PINNED + low,
                 few=slow),
            Case("open-64-redirected", "10,000 open from 64 up, redirected", ["redirected"], ["floor-unshare", "floor", "brood"],
                 "floor-unshare", None, 300, PINNED + many, few=slow),
            Case("open-3-redirected", "10,000 open from 3 up, redirected", ["redirected"], ["floor-unshare", "brood"], "floor-unshare", None,
                 60, PINNED + low),
        ]
        checks = [Check(key, "brood", "against its own small host", ratio_to(key, "brood", base), 1.10)
                  for key, base in (("open-3", "plain"), ("open-64-redirected", "redirected"))]
    return Item("Start and wait", 7, cases, checks,
                [Chart("spawn", "Start and wait, one processor (less is better)", y=RATIO, bars=True, cases=["plain", "redirected"])])


def capture():
    cases = [
        Case("1k", "1 KiB", ["capture", KIB], ["floor"] + BROODS + LIBRARIES, "floor", 1.05, 600, PINNED, few=FEWER),
        Case("1m", "1 MiB", ["capture", MIB], ["floor-bulk", "floor"] + BROODS + LIBRARIES, "floor-bulk", 1.10, 60),
        Case("64m", "64 MiB", ["capture", 64 * MIB], ["floor-bulk", "floor"] + BROODS + LIBRARIES + ["python-both"], "floor-bulk", 1.10, 5,
             unit="ms"),
    ]
    if memory_for(3 << 10):
        cases.append(Case("1g", "1 GiB", ["capture", GIB], ["floor-bulk"] + BROODS + ["libuv", "go", "python"], "floor-bulk", 1.10, 3,
                          stat="min_us", unit="ms", rounds=3, few=[("python", 1), ("go", 1, 1), ("libuv", 1, 1)], heavy=True, memory=5 * GIB // 2))
    large = [case.key for case in cases if case.key in ("64m", "1g")]
    stat = {"64m": "p50_us", "1g": "min_us"}
    checks = [Check(case, who, "memory beyond the output", figure(case, who, "peak_over_output"), 4 * MIB, "bytes")
              for case in large for who in BROODS]
    checks += [Check(case, who, "times as fast as Python", times_faster(case, who, "python", stat[case]), 4, least=True)
               for case in large for who in BROODS]
    return Item("Capture", 7, cases, checks, [Chart("capture", "Capturing a child's output (less is better)", y=RATIO, bars=True)])


def feed():
    return Item("Feed and drain at once", 5, [
        Case("256m", "256 MiB through cat", ["feed", 256 * MIB], ["floor-bulk", "floor"] + BROODS + ["libuv", "gsubprocess", "go", "python"],
             "floor-bulk", 1.15, 3, stat="min_us", unit="ms", few=[("python", 1), ("gsubprocess", 2), ("go", 2)],
             memory=GIB)],
        [Check("256m", who, "times as fast as Python", times_faster("256m", who, "python", "min_us"), 4, least=True) for who in BROODS])


def chain():
    commands = ["bash", "brood-command"]
    cases = [Case("1g", "1 GiB: gen, cat, sink", ["chain", GIB],
                  ["floor-bulk", "floor"] + BROODS + ["libpipeline", "libuv", "go", "python"] + commands, "floor-bulk", 1.05, unit="ms")]
    return Item("A chain of three", 7, cases,
                [Check("1g", who, "times as fast as bash", times_faster("1g", who, "bash"), 1.3, least=True) for who in BROODS]
                + [Check("1g", who, "the host's share of a processor", figure("1g", who, "processor_share"), .01, "share") for who in BROODS]
                + [Check("1g", who, "the host's peak memory", figure("1g", who, "peak"), 8 * MIB, "bytes") for who in BROODS])


def openssl():
    return Item("64 chains of openssl at once", 7, [
        Case("64", "64 of enc and md5, 32 KiB each", ["openssl", 64, 32 * KIB], ["floor", "brood-batch", "python"], "floor", 1.02, 3, unit="ms",
             needs="openssl")])


def bounded():
    return Item("So many at a time", 7, [
        Case("2000", "2,000 commands, two at a time", ["bounded", 2000, 2],
             ["floor-lanes", "floor-threads", "floor", "brood-batch", "libuv", "go", "python"], ("floor-lanes", "floor-threads", "floor"), 1.10,
             unit="ms", few=[(who, 1, 3) for who in ("libuv", "go", "python")])])


def from_the_shell():
    cases = [Case("2000", "2,000 lines, two at a time", ["bounded", 2000, 2], ["floor-lanes", "brood-command", "xargs", "parallel"],
                  "floor-lanes", unit="ms", few=[("parallel", 1, 2)])]
    return Item("The same from the command line", 5, cases, [
        Check("2000", "brood-command", "times as fast as xargs -P2", times_faster("2000", "brood-command", "xargs"), 3, least=True),
        Check("2000", "brood-command", "times as fast as GNU parallel", times_faster("2000", "brood-command", "parallel"), 20, least=True)],
        [Chart("map", "2,000 trivial commands, two at a time (less is better)", y=RATIO, bars=True)])


def deadline():
    peers = ["libuv", "gsubprocess", "go", "python"]
    return Item("Deadlines", 3, [
        Case("wait", "100 ms wait, too late by", ["overshoot-wait", 100], ["floor", "brood"] + peers, "floor", 1.10, 10),
        Case("run", "100 ms budget, reaped too late by", ["overshoot-run", 100], ["floor", "brood-run", "go", "python"], "floor", 1.10, 10),
        Case("notice", "an end is noticed after", ["notice"], ["floor"] + BROODS + ["brood-batch"] + peers, "floor", 1.10, 20)])


def idle():
    who = BROODS + ["brood-batch"]
    return Item("No busy waiting", 1, [
        Case("2s", "processor time of a 2 s wait", ["idle", 2000], ["floor"] + who, "floor")],
        [Check("2s", x, "processor time", figure("2s", x, "p50_us"), 5000, "us") for x in who])


def load():
    """the same program with the library and without: start, ld.so, end"""
    return Item("Loading the library", 5, [
        Case("without", "a program with libc alone", ["program", "BUILD/bench/load-none"], ["floor"], "floor", None, 200, PINNED),
        Case("with", "the same with libbrood.so", ["program", "BUILD/bench/load-brood"], ["floor"], "floor", None, 200, PINNED)],
        [Check("with", "floor", "what libbrood.so adds", difference("with", "without", "floor", "p50_us"), None, "us")])


ITEMS = {
    "spawn": spawn, "capture": capture, "feed": feed, "chain": chain, "openssl": openssl, "bounded": bounded, "map": from_the_shell,
    "deadline": deadline, "idle": idle, "load": load,
}

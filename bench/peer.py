#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Python's subprocess beside the contenders in C: the command line and the JSON line of bench/measure.c.

    peer.py CONTENDER -t DIRECTORY [-n TIMES] [-c CPU] [-m MIB] [-d COUNT:FROM] JOB [NUMBER]...

CONTENDER is `python`, or `python-both`, which captures with capture_output=True (stdout and stderr) where `python` has stdout=PIPE.

Every status and byte is checked here too. What subprocess has no way of doing (a chain in one call) is done as its documentation says.
"""
import argparse
import fcntl
import json
import mmap
import os
import resource
import subprocess
import sys
import time

CODES = 251
NOW = time.monotonic_ns
PATTERN = bytes((i * 7 + (i >> 8)) & 0xFF for i in range(65536))


def fail(what):
    sys.exit(f"bench: {what}")


def status_bytes(field):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def check(output, size):
    if len(output) != size:
        fail(f"{len(output)} bytes instead of {size}")
    for at in range(0, size, 65536):
        piece = output[at:at + 65536]
        if piece != PATTERN[:len(piece)]:
            fail("a wrong byte")


def prepare(a):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept = []
    if a.c is not None:
        os.sched_setaffinity(0, {a.c})
    if a.m:
        memory = mmap.mmap(-1, a.m << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for at in range(0, a.m << 20, 4096):
            memory[at] = 1
        kept.append(memory)
    if a.d:
        count, start = (int(x) for x in a.d.split(":"))
        null = os.open("/dev/null", os.O_RDONLY)
        kept += [fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, start) for _ in range(count)]
    return kept


def timed(times, one, verify=None):
    """one() so many times -> microseconds; verify(what it gave) is not timed"""
    us = []
    for _ in range(times):
        begin = NOW()
        got = one()
        us.append((NOW() - begin) / 1e3)
        if verify:
            verify(got)
        del got
    return us


def run_ok(argv, **options):
    done = subprocess.run(argv, **options)
    if done.returncode != 0:
        fail("the child's status")
    return done


def chain(tiny, size, stages):
    names = ["gen"] + ["cat"] * (stages - 2) + ["sink"] * (stages > 1)
    size = size if stages > 1 else 1
    line = []
    for name in names:
        words = [f"{tiny}/{name}"] + [str(size)] * (name == "gen")
        line.append(subprocess.Popen(words, stdin=line[-1].stdout if line else None, stdout=subprocess.PIPE))
        if len(line) > 1:
            line[-2].stdout.close()
    text = line[-1].communicate()[0]
    if any(child.wait() for child in line) or text != (b"%d\n" % size if stages > 1 else PATTERN[:1]):
        fail("the chain")


def openssl(count, data):
    """as everybody writes it: all are started, then each is fed and read in turn"""
    encrypt = ["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", "env:BENCH_PASS", "-nosalt"]
    started = []
    for _ in range(count):
        first = subprocess.Popen(encrypt, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append((first, subprocess.Popen(["openssl", "md5"], stdin=first.stdout, stdout=subprocess.PIPE)))
        first.stdout.close()
        first.stdin.write(data)
        first.stdin.close()
    texts = set()
    for first, second in started:
        texts.add(second.communicate()[0])
        if first.wait() or second.returncode:
            fail("a stage's status")
    if len(texts) != 1 or len(texts.pop().split()[-1]) != 32:
        fail("a wrong digest")


def overshoot(tiny, ms, run):
    argv = [f"{tiny}/sleep", "30000"]
    begin = NOW()
    try:
        if run:
            subprocess.run(argv, timeout=ms / 1e3)
        else:
            child = subprocess.Popen(argv)
            begin = NOW()
            child.wait(timeout=ms / 1e3)
        fail("it ended")
    except subprocess.TimeoutExpired:
        late = NOW() - begin - ms * 1000000
    if not run:
        child.terminate()
        child.wait()
    return late / 1e3


def notice(tiny, i):
    due = NOW() + 30000000 + i * 1700000 % 20000000
    child = subprocess.Popen([f"{tiny}/sleep", "abs", str(due), "7"])
    if child.wait(timeout=20) != 7:
        fail("the child's status")
    return (NOW() - due) / 1e3


def many(tiny, count, lead_ms):
    held, before = descriptors(), status_bytes("RssAnon")
    begin = NOW()
    due = begin + lead_ms * 1000000
    children = [subprocess.Popen([f"{tiny}/sleep", "abs", str(due), str(i % CODES)]) for i in range(count)]
    started = NOW()
    memory, held = status_bytes("RssAnon") - before, descriptors() - held
    for i, child in enumerate(children):
        if child.wait() != i % CODES:
            fail("a code")
    reaped = NOW()
    return [(started - begin) / 1e3 / count], {
        "late": int(started > due), "start_ms": (started - begin) / 1e6, "reap_ms": (reaped - due) / 1e6,
        "work_ms": (started - begin + reaped - due) / 1e6, "reap_us_each": (reaped - due) / 1e3 / count, "descriptors_each": held / count, "memory_each": memory / count}


def bounded(tiny, count, width):
    """a thread a place, as its documentation has it"""
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(width) as pool:
        if any(pool.map(lambda _: subprocess.run([f"{tiny}/true"]).returncode, range(count))):
            fail("a child's status")


def threads(tiny, count, times):
    """twenty starts in each of so many threads, the time a start"""
    from concurrent.futures import ThreadPoolExecutor

    def turn(_):
        return any([subprocess.run([f"{tiny}/true"]).returncode for _ in range(20)])
    us = []
    with ThreadPoolExecutor(count) as pool:
        for _ in range(times):
            begin = NOW()
            if any(pool.map(turn, range(count))):
                fail("a child's status")
            us.append((NOW() - begin) / 1e3 / count / 20)
    return us


def measure(a):
    t, number = a.t, a.number + [0, 0]
    pipes = {"capture_output": True} if a.contender == "python-both" else {"stdout": subprocess.PIPE}
    if subprocess.run([f"{t}/exit", "7"]).returncode != 7:
        fail("exit 7 did not come back as 7")
    if a.job == "spawn":
        return timed(a.n, lambda: run_ok([f"{t}/true"])), {}
    if a.job == "redirected":
        return timed(a.n, lambda: run_ok([f"{t}/gen", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout,
                     lambda got: check(got, 1)), {}
    if a.job == "capture":
        return timed(a.n, lambda: run_ok([f"{t}/gen", str(number[0])], **pipes).stdout,
                     lambda got: check(got, number[0])), {}
    if a.job == "feed":
        data = (PATTERN * (number[0] // 65536 + 1))[:number[0]]
        return timed(a.n, lambda: run_ok([f"{t}/cat"], input=data, stdout=subprocess.PIPE).stdout,
                     lambda got: check(got, number[0])), {}
    if a.job == "chain":
        return timed(a.n, lambda: chain(t, number[0], number[1] or 3)), {}
    if a.job == "openssl":
        os.environ["BENCH_PASS"] = "open sesame"
        data = (PATTERN * (number[1] // 65536 + 1))[:number[1]]
        return timed(a.n, lambda: openssl(number[0], data)), {}
    if a.job in ("overshoot-wait", "overshoot-run"):
        return [overshoot(t, number[0], a.job == "overshoot-run") for _ in range(a.n)], {}
    if a.job == "notice":
        return [notice(t, i) for i in range(a.n)], {}
    if a.job == "many":
        return many(t, number[0], number[1])
    if a.job == "bounded":
        us = timed(a.n, lambda: bounded(t, number[0], number[1]))
        return us, {"us_each": sorted(us)[len(us) // 2] / number[0]}
    if a.job == "threads":
        return threads(t, number[0], a.n), {}
    fail(f"no job {a.job}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("contender")
    parser.add_argument("-t", required=True)
    parser.add_argument("-n", type=int, default=1)
    parser.add_argument("-c", type=int)
    parser.add_argument("-m", type=int, default=0)
    parser.add_argument("-d")
    parser.add_argument("job")
    parser.add_argument("number", type=int, nargs="*")
    a = parser.parse_args()
    kept = prepare(a)
    us, extra = measure(a)
    us.sort()
    print(json.dumps({"contender": a.contender, "job": a.job, "times": len(us), "mean_us": sum(us) / len(us), "min_us": us[0],
                      "p50_us": us[len(us) // 2], "p99_us": us[len(us) * 99 // 100], "max_us": us[-1], **extra}))
    del kept


if __name__ == "__main__":
    main()

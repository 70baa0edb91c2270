# SPDX-License-Identifier: MIT
"""The items about how cost grows with the work, or with the host: a chart each."""
from case import BROODS, Case, Chart, Check, GIB, Item, KIB, MIB, PINNED, descriptors_for, difference, figure, growth, memory_for, ratio_to


def memory():
    """fork copies a page table entry for each page that was touched; clone with CLONE_VM none"""
    cases = []
    for gib in (0, 1, 4, 8):
        peers = ["libpipeline", "libuv", "gsubprocess", "go", "python"] if gib <= 1 else ["libuv"] if gib == 4 else []
        if memory_for(gib << 10):
            cases.append(Case(str(gib), f"{gib} GiB", ["spawn"], ["floor", "brood"] + peers, "floor", 1.10, 400, PINNED + ["-m", str(gib << 10)],
                              rounds={4: 2, 8: 2}.get(gib), few=[(who, 20, 1) for who in peers], x=gib, heavy=gib > 1))
    last = cases[-1].key
    checks = [Check(case.key, "brood", "against its own small host", ratio_to(case.key, "brood", "0"), 1.10) for case in cases[1:]]
    return Item("Memory touched in the host", 3, cases, checks if last != "0" else [], [
        Chart("memory", "Start and wait, by the memory that the host has touched", "GiB", "microseconds", logx=False, logy=True)],
        scale="in the host")


def descriptors():
    """a clone copies the table; one that shares it until the child cuts itself off copies nothing"""
    cases = []
    for count in (10, 100, 1000, 5000, 15000):
        peers = ["libpipeline", "libuv", "gsubprocess", "go", "python"]
        if descriptors_for(count):
            cases.append(Case(str(count), f"{count:,}", ["spawn"], ["floor-unshare", "floor", "brood"] + peers, "floor-unshare", 1.10, 400,
                              PINNED + ["-d", f"{count}:64"], few=[("floor", 60)] + [(who, 30, 1) for who in peers], x=count))
    checks = [Check(case.key, "brood", "against its own at 10", ratio_to(case.key, "brood", "10"), 1.10) for case in cases[1:]]
    return Item("Descriptors open in the host", 5, cases, checks, [
        Chart("descriptors", "Start and wait, by the descriptors open in the host", "descriptors", "microseconds", logy=True)],
        scale="open")


def threads():
    cases = [Case(str(count), f"{count}", ["threads", count], ["floor"] + BROODS + ["go", "python"], "floor", 1.10, 12, x=count,
                  few=[("python", 4, 2), ("go", 6, 2)]) for count in (1, 2, 4, 8, 16)]
    return Item("Threads that start at once", 5, cases, [
        Check("16", who, "growth from 1 against the floor's", growth("16", "1", who, "floor"), 1.10) for who in BROODS], [
        Chart("threads", "Time a start, all threads together", "threads", "microseconds")], scale="threads")


def children():
    """alive at once, each reaped with a code of its own; the last one is the item that is promised"""
    cases = []
    for count in (10, 100, 1000, 3000, 10000):
        peers = ["python"] + (["libuv", "gsubprocess", "go"] if count <= 1000 else [])
        if descriptors_for(count):
            cases.append(Case(str(count), f"{count:,}", ["many", count, 100 + count // 4], ["floor-unshare", "brood", "brood-batch"] + peers,
                              "floor-unshare", x=count, rounds={10: 9, 100: 5}.get(count), few=[(who, 1, 1) for who in peers if who != "python"], heavy=count > 3000))
    far = cases[-1].key
    checks = []
    for who in ("brood", "brood-batch"):
        def against_python(get, who=who):
            a, b = get(far, who, "work_ms"), get(far, "python", "work_ms")
            return a / b if a and b else None
        checks += [
            Check(far, who, "a start", figure(far, who, "p50_us"), 100, "us"),
            Check(far, who, "descriptors each", figure(far, who, "descriptors_each"), 1.01, "count"),
            Check(far, who, "memory each", figure(far, who, "memory_each"), 1024, "bytes"),
            Check(far, who, "starting and reaping against Python's", against_python, 1.0),
            Check(far, who, "a start: growth from 1,000 against the floor's", growth(far, "1000", who, "floor-unshare"), 1.10),
            Check(far, who, "a reap: growth from 1,000 against the floor's", growth(far, "1000", who, "floor-unshare", "reap_us_each"), 1.10),
        ]
    return Item("Children alive at once", 3, cases, checks, [
        Chart("children-start", "Starting a child, by how many are alive in the end", "children", "microseconds a start"),
        Chart("children-reap", "Reaping a child when all end at once", "children", "microseconds a child", "reap_us_each", logy=True)],
        scale="children")


def among():
    """whoever looks at all of them for each that ends gets slower with each that sleeps"""
    cases = []
    for count in (10, 100, 1000, 3000, 10000):
        peers = ["libuv", "gsubprocess"] if count <= 1000 else []
        if descriptors_for(count):
            cases.append(Case(str(count), f"{count:,}", ["among", count], ["floor", "brood-batch"] + peers, "floor", None, 200, PINNED, x=count,
                              few=[(who, 50, 1) for who in peers], heavy=count > 3000))
    far = cases[-1].key
    return Item("Wait for any, beside sleepers", 3, cases, [
        Check(far, "brood-batch", "growth from 10 against the floor's", growth(far, "10", "brood-batch", "floor"), 1.10)], [
        Chart("among", "Start one and wait for any, beside so many that sleep", "sleeping children", "microseconds", logy=True)],
        scale="asleep")


def length():
    peers = ["libpipeline", "libuv", "python", "bash"]
    cases = [Case(str(count), f"{count}", ["chain", 64 * KIB, count], ["floor"] + BROODS + peers, "floor", None, 20, x=count, unit="us",
                  few=[(who, 10, 2) for who in peers]) for count in (1, 2, 4, 8, 16, 32, 64)]
    return Item("Stages of a chain", 5, cases, [
        Check("64", who, "growth from 4 against the floor's", growth("64", "4", who, "floor"), 1.10) for who in BROODS], [
        Chart("length", "64 KiB through a chain", "stages", "microseconds", logy=True)], scale="stages")


def output():
    cases = []
    for size, title in ((KIB, "1 KiB"), (16 * KIB, "16 KiB"), (256 * KIB, "256 KiB"), (4 * MIB, "4 MiB"), (64 * MIB, "64 MiB"),
                        (512 * MIB, "512 MiB"), (4 * GIB, "4 GiB")):
        peers = ["libuv", "go", "python"] if size <= 64 * MIB else []
        floors = ["floor", "floor-bulk"] if size <= 64 * MIB else ["floor-bulk"]
        if memory_for(2 * size >> 20):
            cases.append(Case(str(size), title, ["capture", size], floors + ["brood"] + peers, floors, 1.10 if size > 64 * KIB else None,
                              min(200, max(2, 64 * MIB // size)), stat="min_us" if size > 64 * MIB else "p50_us", x=size,
                              rounds=2 if size > GIB else None, few=[(who, max(2, min(100, 16 * MIB // size)), 2) for who in peers],
                              heavy=size > 64 * MIB, memory=size * 9 // 8 if size > 64 * MIB else 0))
    far = cases[-1].key
    return Item("Bytes of output", 3, cases, [
        Check(far, "brood", "memory beyond the output", figure(far, "brood", "peak_over_output"), 4 * MIB, "bytes")], [
        Chart("output", "Capturing, by the size of the output (more is better)", "output", "MB/s", rate=True, logy=True)],
        scale="output")


def batch():
    """the caller keeps some ahead and frees what has ended: memory is that of what runs, whatever the number"""
    cases = [Case(str(count), f"{count:,}", ["bounded", count, 2], ["floor-lanes", "brood-batch-fed"] + (["python"] if count <= 1000 else []),
                  "floor-lanes", times=max(1, 1000 // count), stat="us_each", x=count, rounds=1 if count > 10000 else None, heavy=count > 10000,
                  few=[("python", max(1, 200 // count), 1)])
             for count in (10, 100, 1000, 10000, 100000)]
    return Item("Jobs of a batch", 3, cases, [
        Check("100000", "brood-batch-fed", "memory more than for 1,000", difference("100000", "1000", "brood-batch-fed", "peak_growth"),
              256 * KIB, "bytes"),
        Check("100000", "brood-batch-fed", "growth from 1,000 against the floor's", growth("100000", "1000", "brood-batch-fed", "floor-lanes", "us_each"),
              1.10)], [
        Chart("batch", "Time a job, two at a time", "jobs", "microseconds"),
        Chart("batch-memory", "Peak memory beyond what it was before the first job", "jobs", "KiB", "peak_growth", per=KIB)],
        scale="jobs")


ITEMS = {
    "memory": memory, "descriptors": descriptors, "threads": threads, "children": children, "among": among, "length": length,
    "output": output, "batch": batch,
}

# SPDX-License-Identifier: MIT
"""One run of one contender, with an eye on what else the machine does."""
import json
import mmap
import os
import random
import resource
import shutil
import subprocess
import sys
import time

from case import HERE, NEEDS, PROGRAMS

FOREIGN = float(os.environ.get("BENCH_FOREIGN", ".08"))         # of one processor
REPEATS = 3             # of one disturbed run
LATES = 6               # times that the end of many children is put off to twice as late
REPEAT_SECONDS = 90     # of all of them together
LIMIT_SECONDS = 180     # of one run
HZ = os.sysconf("SC_CLK_TCK")
MADV_POPULATE_WRITE = 23        # Python does not name it
QUICKER = 10            # times fewer in a quick pass


def busy():
    """processor seconds used on the machine since it was started, the ones it was denied included"""
    fields = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / HZ


def own():
    return sum(r.ru_utime + r.ru_stime for r in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def fetch_memory(size):
    """have the machine own that much free memory: a hypervisor takes back what lies free for some seconds (virtio's free page reporting), and a
    page that it must find again costs whoever touches it a hundred times as much"""
    memory = mmap.mmap(-1, size)
    try:
        memory.madvise(mmap.MADV_HUGEPAGE)
        memory.madvise(MADV_POPULATE_WRITE)
    except OSError:     # before Linux 5.14
        for _ in range(0, size, 1 << 20):
            memory.write(bytes(min(1 << 20, size - memory.tell())))
    memory.close()


class Bench:
    def __init__(self, build, quick=False, minutes=15):
        self.build = os.path.abspath(build)
        self.tiny = f"{self.build}/bench/tiny"
        self.quick = quick
        self.spare = 0 if quick else REPEAT_SECONDS
        # The last minute is for what has no rounds, and for being wrong about the others.
        self.end = time.monotonic() + (minutes - 1) * 60
        self.failed = []
        self.skipped = set()
        self.environment = dict(os.environ, LD_LIBRARY_PATH=f"{self.build}/lib/.libs")
        self.environment["BROOD_COMMAND"] = self.find_command() or ""

    def find_command(self):
        """the program itself, and not libtool's script in front of it"""
        for path in (f"{self.build}/tools/.libs/brood", f"{self.build}/tools/brood"):
            if os.access(path, os.X_OK):
                return path
        return None

    def late(self):
        return time.monotonic() > self.end

    def command(self, contender):
        """its words, or None where it is not here"""
        program = PROGRAMS[contender]
        if contender in NEEDS and not shutil.which(NEEDS[contender]):
            return None
        if contender == "brood-command" and not self.environment["BROOD_COMMAND"]:
            return None
        if program == "peer.py":
            return [sys.executable, f"{HERE}/peer.py", contender]
        path = f"{self.build}/{program}"
        return [path, contender] if os.access(path, os.X_OK) else None

    def once(self, words):
        """one run -> (its JSON, others' share of a processor, seconds)"""
        began, mine, theirs = time.monotonic(), own(), busy()
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_SECONDS,
                              env=self.environment)
        wall = time.monotonic() - began
        # The counters of both sides move in ticks.
        foreign = max(0, busy() - theirs - (own() - mine) - 2 / HZ) / max(wall, .1)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace").strip()[-300:] or f"exit status {done.returncode}")
        return json.loads(done.stdout), foreign, wall

    def run(self, case, contender):
        """the JSON of one run that nobody disturbed, if such a one can be had"""
        words = self.command(contender)
        if not words:
            self.skipped.add(contender)
            return None
        times = case.few.get(contender, [case.times])[0]
        times = max(1, times // QUICKER) if self.quick else times
        job = [word.replace("BUILD", self.build) for word in case.job]
        repeats = lates = 0
        while True:
            # Who does it more often than that has fetched it by the first time.
            if case.memory and times < 3 and not self.quick:
                fetch_memory(case.memory)
            line, foreign, wall = self.once(words + ["-t", self.tiny, "-n", str(times)] + case.options + job)
            if line.get("late"):        # not all were alive at once: it counts only with a later end
                lates += 1
                if lates > LATES:
                    raise RuntimeError("it never had all of them alive at once")
                job[2] = str(int(job[2]) * 2)
                continue
            if foreign <= FOREIGN or repeats == REPEATS or self.spare < wall:
                break
            repeats += 1
            self.spare -= wall
        line["foreign"] = round(foreign, 3)
        return line

    def left_out(self, case):
        if self.quick and case.heavy:
            return True
        if case.needs and not shutil.which(case.needs):
            self.skipped.add(case.needs)
            return True
        return False

    def run_item(self, key, item, rounds):
        """every contender of every case once a round, in shuffled order -> {case: {contender: [JSON]}}"""
        cases = [case for case in item.cases if not self.left_out(case)]
        runs = {case.key: {who: [] for who in case.contenders} for case in cases}
        broken = set()
        rounds = 1 if self.quick else rounds
        last = rounds or max([item.rounds] + [case.rounds or 0 for case in cases])
        for number in range(last):
            if number > 0 and self.late():
                break
            todo = [(case, who) for case in cases for who in case.contenders
                    if rounds or number < (case.few.get(who, [])[1:] or [case.rounds or item.rounds])[0]]
            random.shuffle(todo)
            for case, who in todo:
                if (case.key, who) in broken:
                    continue
                progress(f"{key}: round {number + 1} of {last}: {case.title}: {who}")
                try:
                    line = self.run(case, who)
                except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
                    broken.add((case.key, who))
                    self.failed.append(f"{key}, {case.title}, {who}: {error}")
                    continue
                if line:
                    runs[case.key][who].append(line)
        return runs

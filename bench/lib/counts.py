# SPDX-License-Identifier: MIT
"""System calls, bytes and symbols: nothing here is a time, and so everything is exact."""
import json
import os
import shutil
import subprocess
import tempfile

from case import KIB
from figures import bound
from tables import verdict

LESS, MORE = 10, 60     # times of the same job: the difference is what fifty of them need


def part_of(title, lines, figures):
    return {"title": title, "lines": lines, "figures": figures}


def count_calls(bench, words):
    """system calls of a program and all its children, by name; the end of a process is not counted by strace"""
    with tempfile.NamedTemporaryFile() as file:
        done = subprocess.run(["strace", "-f", "-c", "-o", file.name] + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120, env=bench.environment)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace").strip()[-300:])
        counts = {}
        for line in open(file.name):
            fields = line.split()
            if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                counts[fields[-1]] = int(fields[3])
        return counts


def calls_each(bench, words, job):
    def one(times):
        return count_calls(bench, words + (["-t", bench.tiny, "-n", str(times)] + job if job else ["-t", bench.tiny, "bounded", str(times), "2"]))
    a, b = one(LESS), one(MORE)
    each = {name: (b[name] - a.get(name, 0)) / (MORE - LESS) for name in b}
    return {name: count for name, count in each.items() if count >= .02}


def syscalls(bench):
    title, text = "System calls for each child, its own included", []
    if not shutil.which("strace"):
        return part_of(title, ["Not counted: there is no strace (Debian package: strace)."], {}), []
    text += ["| job | who | calls | beside the bare three | bound | met | which |", "|---|---|---:|---:|---:|---|---|"]
    out, bounds = {}, []
    libraries = ["libpipeline", "libuv", "gsubprocess", "python"]
    jobs = [("spawn", ["spawn"], ["floor", "brood", "brood-run"] + libraries),
            ("capture 1 KiB", ["capture", "1024"], ["floor", "brood", "brood-run"] + libraries), ("batch job", None, ["floor-lanes", "brood-batch"])]
    for name, job, contenders in jobs:
        for who in contenders:
            words = bench.command(who)
            if not words:
                bench.skipped.add(who)
                continue
            try:
                each = calls_each(bench, words, job)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                bench.failed.append(f"syscalls, {name}, {who}: {error}")
                continue
            total = sum(each.values())
            limit = 10 if name == "spawn" and who in ("brood", "brood-run") else None
            row = bound("syscalls", name, who, "system calls beside the bare three", total - 3, limit, "count")
            out.setdefault(name, {})[who] = {"total": total, "calls": each, "limit": limit}
            bounds += [row] if limit else []
            names = ", ".join(f"{call} {count:.3g}" if count != 1 else call for call, count in sorted(each.items(), key=lambda x: -x[1]))
            text.append(f"| {name} | {who} | {total:.3g} | {total - 3:.3g} | {limit or ''} | {verdict(row)} | {names} |")
    return part_of(title, text, out), bounds


def size(bench):
    library = f"{bench.build}/lib/.libs/libbrood.so"
    if not os.path.exists(library) or not shutil.which("size") or not shutil.which("nm"):
        return part_of("Size", ["Not measured: no shared library in the build folder, or no binutils."], {}), []
    fields = subprocess.check_output(["size", library], text=True).splitlines()[1].split()
    symbols = subprocess.check_output(["nm", "-D", "--defined-only", library], text=True).splitlines()
    needed = subprocess.run(["objdump", "-p", library], stdout=subprocess.PIPE, text=True).stdout
    needed = [line.split()[1] for line in needed.splitlines() if line.split()[:1] == ["NEEDED"]]
    out = {"text": int(fields[0]), "data": int(fields[1]), "bss": int(fields[2]), "needs": needed,
           "exported": sum(line.split()[-2] in "TDBRWVi" for line in symbols)}
    with tempfile.NamedTemporaryFile() as file:
        subprocess.check_call(["strip", "-o", file.name, library])
        out["file_stripped"] = os.path.getsize(file.name)
    row = bound("size", "text", "brood", "text", out["text"], 200 * KIB, "bytes")
    text = ["| what | value | bound | met |", "|---|---:|---:|---|",
            f"| text of libbrood.so | {out['text'] / KIB:.1f} KiB | 200 KiB | {verdict(row)} |",
            f"| data + bss | {out['data'] + out['bss']} B | | |",
            f"| the file, stripped | {out['file_stripped'] / KIB:.1f} KiB | | |",
            f"| exported symbols | {out['exported']} | | |",
            f"| libraries that it needs | {', '.join(needed)} | | |"]
    return part_of("Size", text, out), [row]


def ignored(bench):
    """The experiment of bench/ignored.c, which only runs when it is named."""
    times = "100" if bench.quick else "2000"
    done = subprocess.run([f"{bench.build}/bench/ignored", "-n", times, "-c", str(max(os.sched_getaffinity(0))), bench.tiny], stdout=subprocess.PIPE,
                          text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        return part_of("Ignored signals", ["Not measured: this machine is not the one that it is written for."], {}), []

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    text = ["| way | a start | what it adds | keeps all of them from the child |", "|---|---:|---:|---|"]
    text += [f"| {row['way']} | {row['p50_us']:.1f} us | {row['added_us']:.1f} us | {'yes' if row['clean'] else 'no'} |" for row in rows]
    return part_of("Ways to keep ignored signals from a child", text, {row["way"]: row for row in rows}), []


ITEMS = {"syscalls": syscalls, "size": size}
EXPERIMENTS = {"ignored": ignored}

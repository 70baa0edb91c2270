# SPDX-License-Identifier: MIT
"""Which machine that was."""
import os
import platform
import re
import resource
import shutil
import subprocess


def read(path):
    try:
        return open(path).read().strip()
    except OSError:
        return ""


def version_of(*words):
    """the first number with a dot that it prints"""
    if not shutil.which(words[0]):
        return None
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)
    found = re.search(r"\d+(\.\d+)+|\b\d{8}\b", done.stdout)
    return found.group(0) if found else None


def peers():
    packages = {"libpipeline": "libpipeline", "libuv": "libuv", "GLib": "gio-2.0"}
    found = {name: version_of("pkg-config", "--modversion", package) for name, package in packages.items()}
    found.update({
        "Python": platform.python_version(), "Go": version_of("go", "version"), "bash": version_of("bash", "--version"),
        "GNU xargs": version_of("xargs", "--version"), "GNU parallel": version_of("parallel", "--version"),
        "OpenSSL": version_of("openssl", "version")})
    return {name: version for name, version in found.items() if version}


def machine():
    model = re.search(r"model name\s*:\s*(.*)", read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s+(\d+)", read("/proc/meminfo"))
    huge = re.search(r"\[(\w+)\]", read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return {
        "processors": len(os.sched_getaffinity(0)), "model": model.group(1) if model else platform.machine(),
        "memory_mib": int(memory.group(1)) >> 10 if memory else 0, "kernel": platform.release(), "libc": " ".join(platform.libc_ver()),
        "huge_pages": huge.group(1) if huge else "unknown", "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "virtual": "hypervisor" in read("/proc/cpuinfo"), "load": os.getloadavg()[0], "peers": peers(),
    }


def describe(m, seconds):
    kind = "virtual " if m["virtual"] else ""
    text = [f"{m['processors']} {kind}processors ({m['model']}), {m['memory_mib'] / 1024:.0f} GiB, Linux {m['kernel']}, {m['libc']}, "
            f"transparent huge pages: {m['huge_pages']}, load before: {m['load']:.2f}. The whole took {seconds:.0f} s."]
    return text + ["", "Beside it: " + ", ".join(f"{name} {version}" for name, version in m["peers"].items()) + "."]

# SPDX-License-Identifier: MIT
"""Results as Markdown. Only results.json is looked at, so that a page can be written from a run of another day."""
MIB = 1 << 20


def show(value, unit):
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value / MIB:.2f} MiB" if abs(value) >= MIB / 8 else f"{value:.0f} B"
    if unit == "share":
        return f"{value:.2%}"
    if unit == "x":
        return f"{value:.3f}"
    if unit == "ms":
        return f"{value / 1e3:.1f} ms"
    if unit == "us":
        return f"{value:.1f} us" if abs(value) < 1e5 else f"{value / 1e3:.0f} ms"
    return f"{value:.4g}"


def verdict(row):
    return {None: "", True: "yes", False: "**no**"}[row["met"]]


def limit_of(row):
    return "" if row["limit"] is None else ("at least " if row["least"] else "") + show(row["limit"], row["unit"])


def cases_table(part):
    text = ["| case | who | median | min..max | x floor | bound | met |", "|---|---|---:|---:|---:|---:|---|"]
    for case in part["cases"].values():
        for who, f in case["who"].items():
            ratio, limit = f["ratio"], f["limit"]
            reached = "" if limit is None or ratio is None else "yes" if ratio <= limit else "**no**"
            text.append(f"| {case['title']} | {who}{' !' if f['disturbed'] else ''} | {show(f['median'], case['unit'])} | "
                        f"{show(f['min'], case['unit'])}..{show(f['max'], case['unit'])} | {'' if ratio is None else f'{ratio:.3f}'} | "
                        f"{'' if limit is None else f'{limit:.2f}'} | {reached} |")
    return text


def scale_table(part):
    """x down, contenders across; the ratio of brood's to the floor behind"""
    cases = list(part["cases"].values())
    names = [who for case in cases for who in case["who"]]
    names = sorted(set(names), key=names.index)
    text = [f"| {part['scale']} | " + " | ".join(names) + " | brood x floor | bound | met |",
            "|---|" + "---:|" * len(names) + "---:|---:|---|"]
    for case in cases:
        cells = [show(case["who"][who]["median"], case["unit"]) + (" !" if case["who"][who]["disturbed"] else "") if who in case["who"] else ""
                 for who in names]
        own = [f for who, f in case["who"].items() if who.startswith("brood") and f["ratio"]]
        ratio = max((f["ratio"] for f in own), default=None)
        limit = max((f["limit"] for f in own if f["limit"]), default=None)
        reached = "" if limit is None or ratio is None else "yes" if ratio <= limit else "**no**"
        text.append(f"| {case['title']} | " + " | ".join(cells) + f" | {'' if ratio is None else f'{ratio:.3f}'} | "
                    f"{'' if limit is None else f'{limit:.2f}'} | {reached} |")
    return text


def checks_table(part):
    if not part["checks"]:
        return []
    text = ["", "| case | who | what | value | bound | met |", "|---|---|---|---:|---:|---|"]
    for row in part["checks"]:
        title = part["cases"][row["case"]]["title"]
        text.append(f"| {title} | {row['who']}{' !' if row['disturbed'] else ''} | {row['what']} | {show(row['value'], row['unit'])} | "
                    f"{limit_of(row)} | {verdict(row)} |")
    return text


def item_table(part):
    """an item's tables, without its heading"""
    if "lines" in part:
        return part["lines"]
    if not part["cases"]:
        return ["Nothing of it could be measured here."]
    return (scale_table(part) if part["scale"] else cases_table(part)) + checks_table(part)


def bounds_table(bounds):
    """every bound of the run"""
    text = ["| item | case | who | what | value | bound | met |", "|---|---|---|---|---:|---:|---|"]
    for b in bounds:
        text.append(f"| {b['item']} | {b['case']} | {b['who']}{' !' if b['disturbed'] else ''} | {b['what']} | {show(b['value'], b['unit'])} | "
                    f"{limit_of(b)} | {verdict(b)} |")
    return text


def summary(results):
    bounds = results["bounds"]
    text = [f"{sum(b['met'] is True for b in bounds)} of {len(bounds)} bounds met."]
    for b in bounds:
        if b["met"] is False:
            text.append(f"- missed: {b['item']} / {b['case']} / {b['who']}: {b['what']} {show(b['value'], b['unit'])}, bound {limit_of(b)}"
                        + (" (disturbed)" if b["disturbed"] else ""))
    text += [f"- failed: {x}" for x in results["failed"]]
    text += [f"- not there: {x}" for x in results["missing"]]
    return text


# What the README shows: item, case, what it is called there, and for a contender other than `brood` its name.
README_ROWS = [
    ("spawn", "plain", "start and wait for a trivial static program, one processor", "brood"),
    ("memory", "8", "the same with 8 GiB touched in the host", "brood"),
    ("descriptors", "15000", "the same with 15,000 descriptors open in the host", "brood"),
    ("capture", "1k", "capture 1 KiB", "brood"),
    ("capture", "64m", "capture 64 MiB", "brood"),
    ("capture", "1g", "capture 1 GiB", "brood"),
    ("feed", "256m", "feed and drain 256 MiB through `cat`", "brood"),
    ("chain", "1g", "1 GiB through a chain of three", "brood"),
    ("openssl", "64", "64 chains of `openssl enc` and `openssl md5` at once", "brood-batch"),
    ("children", "10000", "start one of 10,000 children that are all alive", "brood"),
    ("bounded", "2000", "2,000 trivial commands, two at a time", "brood-batch"),
    ("map", "2000", "the same from the command line: `brood map -j2`", "brood-command"),
]

# The peers of that table, as readers know them.
README_PEERS = {"python": "Python", "go": "Go", "libuv": "libuv", "gsubprocess": "GSubprocess", "libpipeline": "libpipeline", "bash": "bash",
                "xargs": "`xargs -P2`", "parallel": "GNU parallel"}


def readme_table(results):
    text = ["| what | bare system calls | brood | ratio | others, as ratios |", "|---|---:|---:|---:|---|"]
    for item, key, title, who in README_ROWS:
        case = results["items"].get(item, {}).get("cases", {}).get(key)
        if not case or who not in case["who"] or not case["floor"]:
            continue
        own, floor = case["who"][who], case["who"][case["floor"]]
        others = sorted((f["ratio"], README_PEERS[name]) for name, f in case["who"].items() if name in README_PEERS and f["ratio"])
        text.append(f"| {title} | {show(floor['median'], case['unit'])} | {show(own['median'], case['unit'])} | {own['ratio']:.2f} | "
                    + ", ".join(f"{name} {ratio:.3g}" for ratio, name in others) + " |")
    return text

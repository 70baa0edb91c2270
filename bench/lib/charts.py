# SPDX-License-Identifier: MIT
"""Charts as SVG, drawn by gnuplot (Debian package: gnuplot-nox) from results.json. White behind, so that a dark page shows them as well."""
import shutil
import subprocess

SIZE = {"lines": "760,400", "bars": "760,360"}
COLOURS = {
    "floor": "#888888", "floor-bulk": "#bbbbbb", "floor-unshare": "#888888", "floor-lanes": "#888888", "floor-threads": "#bbbbbb",
    "brood": "#0072b2", "brood-run": "#56b4e9", "brood-batch": "#0072b2", "brood-batch-fed": "#0072b2", "brood-command": "#56b4e9",
    "libpipeline": "#d55e00", "libuv": "#e69f00", "gsubprocess": "#cc79a7", "g-spawn-sync": "#8a4f7d", "python": "#009e73",
    "python-both": "#66c2a5", "go": "#00a7b5", "bash": "#444444", "xargs": "#b59b00", "parallel": "#7a5c00",
}
ORDER = list(COLOURS)


def value_of(case, figures, chart):
    value = figures["members"].get(chart["stat"]) if chart["stat"] else figures["median"]
    if value is None:
        return None
    if chart["rate"]:
        return case["x"] / value if value else None
    return value / (chart["per"] or 1)


def quoted(text):
    return '"' + text.replace("\\", "").replace('"', "'").replace("_", "\\\\_") + '"'


def head(chart, path, kind):
    return [f"set terminal svg size {SIZE[kind]} dynamic font 'sans-serif,12' background rgb 'white'", f"set output {quoted(path)}",
            f"set title {quoted(chart['title'])}", f"set xlabel {quoted(chart['x'])}", f"set ylabel {quoted(chart['y'])}",
            "set key outside right top vertical Left reverse samplen 2", "set grid ytics lc rgb '#dddddd'", "set border 3 lc rgb '#444444'",
            "set tics nomirror", "set tmargin 2.5"]


def lines(part, chart, path):
    """a line a contender over x; None where there are not two points"""
    cases = [case for key, case in part["cases"].items() if not chart["cases"] or key in chart["cases"]]
    series = {}
    for case in cases:
        for who, figures in case["who"].items():
            value = value_of(case, figures, chart)
            if value is not None:
                series.setdefault(who, []).append((case["x"], value))
    names = sorted((who for who in series if len(series[who]) > 1), key=ORDER.index)
    if not names:
        return None
    ticks = ", ".join(f"{quoted(case['title'])} {case['x']}" for case in cases)
    text = head(chart, path, "lines") + [f"set xtics ({ticks})"]
    text += ["set logscale x"] * chart["logx"] + (["set logscale y"] if chart["logy"] else ["set yrange [0:*]"])
    plots = []
    for who in names:
        text += [f"$d{len(plots)} << EOD"] + [f"{x} {y}" for x, y in series[who]] + ["EOD"]
        dash = 2 if who.startswith("floor") else 1
        width = 2.5 if who.startswith("brood") else 1.5
        plots.append(f"$d{len(plots)} using 1:2 with linespoints lc rgb '{COLOURS[who]}' lw {width} dt {dash} pt 7 ps .5 title {quoted(who)}")
    return text + ["plot " + ", ".join(plots)]


def bars(part, chart, path):
    """a group of bars a case: ratios to the floor"""
    cases = [case for key, case in part["cases"].items() if (not chart["cases"] or key in chart["cases"]) and case["floor"]]
    names = sorted({who for case in cases for who, f in case["who"].items() if f["ratio"] and not who.startswith("floor")}, key=ORDER.index)
    if not names:
        return None
    text = head(chart, path, "bars") + ["set style data histograms", "set style histogram clustered gap 1.5", "set style fill solid .9 noborder",
                                        "set boxwidth .9", "set datafile missing '?'", "set logscale y 2", "set yrange [.5:*]",
                                        "set arrow from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#444444' dt 2 front"]
    text += ["$d << EOD"]
    for case in cases:
        cells = [f"{case['who'][who]['ratio']:.4f}" if who in case["who"] else "?" for who in names]
        text.append(quoted(case["title"]) + " " + " ".join(cells))
    text += ["EOD"]
    plots = [f"$d using {i + 2}{':xtic(1)' if i == 0 else ''} lc rgb '{COLOURS[who]}' title {quoted(who)}" for i, who in enumerate(names)]
    return text + ["plot " + ", ".join(plots)]


def overview(results, path):
    """what the README shows: how the peers and brood stand to the bare calls"""
    wanted = [("spawn", "plain", "start + wait"), ("capture", "1k", "1 KiB out"), ("capture", "64m", "64 MiB out"), ("feed", "256m", "256 MiB through"),
              ("chain", "1g", "1 GiB, 3 stages"), ("bounded", "2000", "2,000, two at once")]
    cases = {}
    for item, key, title in wanted:
        case = results["items"].get(item, {}).get("cases", {}).get(key)
        if case and case["floor"]:
            who = {"brood" if name == "brood-batch" else name: f for name, f in case["who"].items()
                   if name in ("brood", "brood-batch", "libpipeline", "libuv", "gsubprocess", "python", "go")}
            cases[title] = dict(case, title=title, who=who)
    chart = {"title": "Time, as a multiple of the bare system calls' (less is better)", "x": "", "y": "x floor", "cases": None}
    return bars({"cases": cases}, chart, path)


def gnuplot(text):
    done = subprocess.run(["gnuplot"], input="\n".join(text) + "\n", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(f"gnuplot: {done.stdout.strip()[-300:]}")


def draw(results, folder):
    """every chart that these results have the figures for -> their names"""
    if not shutil.which("gnuplot"):
        return []
    drawn = []
    for part in results["items"].values():
        for chart in part.get("charts", []):
            path = f"{folder}/{chart['name']}.svg"
            text = (bars if chart["bars"] else lines)(part, chart, path)
            if text:
                gnuplot(text)
                drawn.append(chart["name"])
    text = overview(results, f"{folder}/overview.svg")
    if text and results["whole"]:
        gnuplot(text)
        drawn.append("overview")
    return drawn

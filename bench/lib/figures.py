# SPDX-License-Identifier: MIT
"""What runs amount to: medians, ratios, bounds. Everything that a table or a chart shows is in what comes out of here."""
import statistics

from guard import FOREIGN


def quiet(lines):
    """the undisturbed ones where they are at least half, else all -> (lines, whether the figure is to be marked)"""
    good = [line for line in lines if line["foreign"] <= FOREIGN]
    return (good, False) if 2 * len(good) >= len(lines) else (lines, True)


def median(runs, case, who, member):
    values = [line[member] for line in quiet(runs.get(case, {}).get(who, []))[0] if member in line]
    return statistics.median(values) if values else None


def met(value, limit, least=False):
    if value is None or limit is None:
        return None
    return value >= limit if least else value <= limit


def case_part(case, runs):
    """contender -> its figures; the floor that ratios refer to"""
    bases = [(median(runs, case.key, who, case.stat), who) for who in case.floor]
    base, base_name = min(((value, who) for value, who in bases if value), default=(None, None))
    out = {}
    for who in case.contenders:
        lines, marked = quiet(runs[case.key][who])
        values = [line[case.stat] for line in lines]
        if not values:
            continue
        value = statistics.median(values)
        out[who] = {
            "median": value, "min": min(values), "max": max(values), "ratio": value / base if base else None,
            "limit": case.limit if who.startswith("brood") else None, "disturbed": marked, "runs": runs[case.key][who],
            "members": {name: median(runs, case.key, who, name) for name in lines[0] if isinstance(lines[0][name], (int, float))}}
    return out, base_name


def evaluate(key, item, runs):
    """the runs of an item -> its part of results.json, its bounds"""
    part = {"title": item.title, "scale": item.scale, "cases": {}, "checks": [], "charts": [vars(chart) for chart in item.charts]}
    bounds = []
    for case in item.cases:
        if case.key not in runs:
            continue
        who, floor = case_part(case, runs)
        part["cases"][case.key] = {"title": case.title, "stat": case.stat, "unit": case.unit, "x": case.x, "floor": floor, "who": who}
        for name, figures in who.items():
            if figures["limit"] is not None:
                bounds.append(bound(key, case.key, name, "x floor", figures["ratio"], figures["limit"], "x", figures["disturbed"]))
    for check in item.checks:
        value = check.value(lambda *place: median(runs, *place))
        if value is None:
            continue
        marked = quiet(runs[check.case][check.contender])[1]
        row = bound(key, check.case, check.contender, check.what, value, check.limit, check.unit, marked, check.least)
        part["checks"].append(row)
        if check.limit is not None:
            bounds.append(row)
    return part, bounds


def bound(item, case, who, what, value, limit, unit, disturbed=False, least=False):
    return {"item": item, "case": case, "who": who, "what": what, "value": value, "limit": limit, "unit": unit, "least": least,
            "met": met(value, limit, least), "disturbed": disturbed}

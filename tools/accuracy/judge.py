"""From runs to one row: medians, and what breaks a bound."""
from statistics import median


def combine(runs):
    """Each figure's own median; of lost calls the worst run counts."""
    row = {key: median(run[key] for run in runs)
           for key in ("calls", "refused", "refused_percent", "last_accepted_s", "ideal_s", "over_ideal")}
    row["worst_over_ideal"] = max(run["over_ideal"] for run in runs)
    row["failed"] = max(run["failed"] for run in runs)
    row["unfinished"] = max(run["unfinished"] for run in runs)
    row["runs"] = len(runs)
    return row


def faults(row, bound):
    """Why a row breaks its bound, in words; nothing if it does not."""
    if "problem" in row:
        return [row["problem"]] if bound else []
    found = []
    if bound is None:
        return found
    if row["failed"] or row["unfinished"]:
        found.append(f"{row['failed']} failed and {row['unfinished']} unfinished, 0 allowed")
    if row["refused_percent"] > bound.refused_percent:
        found.append(f"429s are {row['refused_percent']:.2f} % of the calls, {bound.refused_percent:g} % allowed")
    if row["over_ideal"] > bound.over_ideal:
        found.append(f"the last call was accepted at {row['over_ideal']:.3f} x ideal, {bound.over_ideal:g} allowed")
    return found

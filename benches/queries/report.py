"""A table for people, then a line of JSON a figure."""

import json
import math


def questions(found: dict[str, dict]):
    """Both sides of every question."""
    print(f"\n{'':<20}{'ours ms':>10}{'p95':>10}{'cold':>10}{'DuckDB ms':>12}{'ratio':>9}   equal")
    for name, figures in found.items():
        ratio = figures["ours_ms"] / figures["duckdb_ms"]
        print(f"{name:<20}{figures['ours_ms']:>10.2f}{figures['p95_ms']:>10.2f}{figures['cold_ms']:>10.1f}"
              f"{figures['duckdb_ms']:>12.1f}{ratio:>9.3f}   {'yes' if figures['equal'] else 'NO'}")
    print(f"{'geometric mean':<20}{'':>42}{mean(found):>9.3f}\n")


def mean(found: dict[str, dict]) -> float:
    """Of the ratios of the questions that R1 names: a list of events is none of them."""
    ratios = [f["ours_ms"] / f["duckdb_ms"] for name, f in found.items() if name != "latest_50"]
    return math.exp(sum(map(math.log, ratios)) / max(1, len(ratios)))


def figure(what: str, value: float, unit: str, note: str = ""):
    print(f"{what:<44}{value:>12,.2f} {unit:<10}{note}")


def lines(found: list[dict]):
    print()
    for figures in found:
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
        print(json.dumps(rounded), flush=True)

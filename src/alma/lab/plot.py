"""Curves as text for a terminal: one letter a policy, in a frame of characters."""

from __future__ import annotations

from collections.abc import Sequence

from alma.lab.keeping import Kept
from alma.lab.running import Band, Curves

WIDTH, HEIGHT = 64, 14


def plot(runs: Sequence[Curves] | Sequence[Kept], what: str = "regret", unit: str = "tasks") -> str:
    """`what`: regret, reward or best; of memories found, lost or kept. Where curves meet, the first is seen."""
    bands: list[Band] = [getattr(one, what) for one in runs]
    top = max(max(band.mean) for band in bands)
    bottom = min(0.0, *(min(band.mean) for band in bands))
    last = max(one.at[-1] for one in runs)
    cells = [[" "] * WIDTH for _ in range(HEIGHT)]
    for one, band, letter in reversed(list(zip(runs, bands, _letters(runs), strict=True))):
        for at, value in zip(one.at, band.mean, strict=True):
            column = round((WIDTH - 1) * at / last)
            row = round((HEIGHT - 1) * (top - value) / ((top - bottom) or 1.0))
            cells[row][column] = letter
    lines = [f"{what} in {runs[0].world}, {runs[0].seeds} seeds"]
    for row, line in enumerate(cells):
        value = top - (top - bottom) * row / (HEIGHT - 1)
        lines.append(f"{value:8.2f} ┤{''.join(line).rstrip()}")
    lines.append(" " * 9 + "└" + "─" * WIDTH)
    lines.append(" " * 10 + "0" + f"{last} {unit}".rjust(WIDTH - 1))
    lines += [f"  {letter}  {one.policy}" for one, letter in zip(runs, _letters(runs), strict=True)]
    return "\n".join(lines)


def _letters(runs: Sequence[Curves] | Sequence[Kept]) -> list[str]:
    taken: list[str] = []
    for one in runs:
        free = [letter for letter in (*one.policy, *"abcdefghijklmnopqrstuvwxyz") if letter not in (*taken, "_", " ")]
        taken.append(free[0] if free else "*")
    return taken

"""Energy that the processors have used, where the machine says so.

Linux shows the counters of Intel's and AMD's processors under /sys/class/powercap, mostly to the
superuser only. They count everything that runs on the machine.
"""

from __future__ import annotations

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Adds up the joules used since it was made.

    Args:
        root: where the counters are.
    """

    def __init__(self, root: Path = POWERCAP) -> None:
        self._microjoules = 0
        self._last: dict[Path, int] = {}
        self._range: dict[Path, int] = {}
        try:
            for zone in sorted(root.glob("intel-rapl:*")):
                # Packages only: cores and memory within them are counted already.
                if (zone / "name").read_text().startswith("package"):
                    self._range[zone] = int((zone / "max_energy_range_uj").read_text())
                    self._last[zone] = _counter(zone)
        except (OSError, ValueError):
            self._last = {}

    def read(self) -> float | None:
        """Return the joules so far, or None where they cannot be read.

        To be called at least once an hour or so: a counter that has reached its range begins anew.
        """
        try:
            for zone, last in self._last.items():
                now = _counter(zone)
                self._microjoules += now - last if now >= last else now - last + self._range[zone]
                self._last[zone] = now
        except (OSError, ValueError):
            return None
        return self._microjoules / 1e6 if self._last else None


def _counter(zone: Path) -> int:
    return int((zone / "energy_uj").read_text())

"""Which version of the hooks and of each interface this pixelgen has, and which a plugin is for.

A version is `major.minor`. The minor number grows with each addition that plugins need not know
of; the major number with each change that they must follow. A plugin's module says what it was
written for:

    PIXELGEN_API = {"hooks": "1.0", "sampler": "1.0"}

One that says nothing counts as written for 1.0. See docs/versioning.md for the policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

API_VERSIONS: Mapping[str, str] = {
    "hooks": "1.0",
    "tokenizer": "1.0",
    "model": "1.0",
    "sampler": "1.0",
    "source": "1.0",
    "executor": "1.0",
}

# The oldest major version that is still understood.
OLDEST: Mapping[str, int] = dict.fromkeys(API_VERSIONS, 1)

ATTRIBUTE = "PIXELGEN_API"


def refusals(module: Any) -> dict[str, str]:
    """Return why a plugin's module cannot be used with this pixelgen, by what is at odds.

    Args:
        module: the plugin's, with or without `PIXELGEN_API`.

    Returns:
        A sentence for each of `hooks` and the kinds that it was written for in a version which is
        not understood here; empty where all is well. A declaration that cannot be read counts
        against `hooks`.
    """
    declared = getattr(module, ATTRIBUTE, {})
    if not isinstance(declared, Mapping):
        return {"hooks": f"its {ATTRIBUTE} is {declared!r}, not {_example()}"}
    found = {}
    for area, version in declared.items():
        if area not in API_VERSIONS:
            known = ", ".join(API_VERSIONS)
            return {"hooks": f"its {ATTRIBUTE} has {area!r}; known are {known}"}
        if not (isinstance(version, str) and re.fullmatch(r"\d+\.\d+", version)):
            return {"hooks": f"its {ATTRIBUTE} has {area!r}: {version!r}, not {_example()}"}
        reason = _refusal(area, version)
        if reason:
            found[area] = reason
    for area in API_VERSIONS:  # what says nothing was written for the first version
        reason = _refusal(area, "1.0") if area not in declared else ""
        if reason:
            found[area] = reason
    return found


def _refusal(area: str, version: str) -> str:
    current = API_VERSIONS[area]
    (major, minor), (here, least) = _numbers(version), _numbers(current)
    name = "the hooks" if area == "hooks" else f"the {area} interface"
    written = f"it is written for version {version} of {name}"
    if (major, minor) > (here, least):
        return f"{written}, and this pixelgen has {current}: update pixelgen-core"
    if major < OLDEST[area]:
        return (
            f"{written}, and this pixelgen understands {OLDEST[area]}.0 to {current}: update the "
            "plugin, or install an older pixelgen-core"
        )
    return ""


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)


def _example() -> str:
    return f'a mapping such as {{"hooks": "{API_VERSIONS["hooks"]}"}}'

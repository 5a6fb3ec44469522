"""Names of folders that say which job wrote into them."""

import hashlib
import re
from collections.abc import Mapping

LONGEST = 100  # of 255 bytes that file systems take


def job_name(varying: Mapping[str, str]) -> str:
    """A folder's name for these settings; different ones have different names.

    >>> job_name({"seed": "1", "experiment": "ablation/rig"})
    'seed=1_experiment=ablation-rig'
    """
    exact = "_".join(f"{key}={value}" for key, value in varying.items())
    name = re.sub(r"[^A-Za-z0-9._=+-]+", "-", exact).strip("-.")
    if len(name) <= LONGEST and re.fullmatch(r"[A-Za-z0-9._=+/-]+", exact):
        return name
    # The checksum covers what the name leaves out: a, b and a; b are two folders
    return f"{name[:LONGEST]}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"

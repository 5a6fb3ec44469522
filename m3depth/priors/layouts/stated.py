"""What ``depth_meta.json`` says that its numbers are, against what they are read as."""

from collections.abc import Mapping

DEPTH, INVERSE_DEPTH = "depth along z", "inverse depth along z"
METRIC = "metric"
UNITLESS = ("up_to_scale", "none")  # scale and unit of a scene known but for one factor
UNITS_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}


def contradiction(meta: Mapping[str, object], kind: str) -> str:
    """Why the numbers are not what they are read as; "" where nothing speaks against it.

    Earlier versions said less: what is not said contradicts nothing.

    Args:
        meta: The file's content.
        kind: What the numbers are read as.
    """
    said, scale = meta.get("kind", kind), meta.get("depth_scale", METRIC)
    if said != kind:
        return f"says that its numbers are {said}, and {kind} is read"
    if scale != METRIC and (scale, meta.get("unit")) != UNITLESS:
        return f"says that its depth is known {scale} only, and millimetres are read"
    unit = meta.get("unit")
    unit_mm = UNITS_MM.get(str(unit))
    if unit_mm is not None and meta.get("unit_mm", unit_mm) != unit_mm:
        return f"says that its unit is {unit}, and that one unit is {meta['unit_mm']} mm"
    return ""

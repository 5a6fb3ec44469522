"""What no depth map should hold, and what it says of how the file was made."""

import numpy as np

from m3depth.io.numpy_files import Array


def odd(numbers: Array, least: float = 0.0) -> dict[str, str]:
    """What a map holds that no prediction should, by a name for each fault.

    Args:
        numbers: The map.
        least: No number should lie below it: the disparity of infinity, where that is negative.

    >>> odd(np.array([[50.0, -1.0]]))
    {'negative': '50% of its numbers are negative, which is taken for not predicted'}
    """
    found = {}
    number, whole = np.isfinite(numbers), numbers.dtype.kind in "iu"
    share = float((numbers < least).mean())
    if share:
        wrapped = ": int16 ends at 32767, did it wrap?" if numbers.dtype == np.int16 else ""
        found["negative"] = (
            f"{share:.0%} of its numbers are negative, which is taken for not predicted{wrapped}"
        )
    if numbers.dtype == np.float16 and np.isinf(numbers).any():
        found["float16"] = "inf in float16, which ends at 65504, is taken for not predicted"
    if whole and (numbers == np.iinfo(numbers.dtype).max).any():
        found["saturated"] = (
            f"{np.iinfo(numbers.dtype).max}, the largest that {numbers.dtype} can hold, is scored "
            "as it is: write 0 where nothing is predicted"
        )
    if numbers.size > 1 and number.all() and numbers.min() == numbers.max() > 0:
        found["constant"] = f"every number is {float(numbers.flat[0]):g}"
    return found

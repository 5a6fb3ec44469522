"""``m3depth doctor``: is everything there?"""

import ctypes
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from m3depth.cli.configuration import configuration

PACKAGES = (
    *("m3depth", "torch", "torchvision", "pytorch-lightning", "kornia", "timm", "hydra-core"),
    *("omegaconf", "wandb", "open3d", "numpy", "opencv-python-headless", "plotly", "matplotlib"),
)
LIBRARIES = {  # what open3d's wheel expects of the system: soname, Debian's package
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libudev.so.1": "libudev1",
    "libidn2.so.0": "libidn2-0",
}


def main(overrides: list[str]) -> int:
    """Print a table; 1 when something that is needed is missing."""
    if {"-h", "--help"} & set(overrides):
        sys.stdout.write("usage: m3depth doctor   (a table; exit 1 when something is missing)\n")
        return 0
    if overrides:
        sys.stderr.write("m3depth doctor: takes no options\n")
        return 2
    rows = [("python", platform.python_version(), True), *_packages(), *_libraries(), *_devices()]
    rows.append(("configuration", str(configuration()), configuration().is_dir()))
    width = max(len(name) for name, _, _ in rows)
    for name, found, fine in rows:
        sys.stdout.write(f"{'ok     ' if fine else 'MISSING'}  {name:<{width}}  {found}\n")
    return 0 if all(fine for _, _, fine in rows) else 1


def _packages() -> list[tuple[str, str, bool]]:
    rows = []
    for name in PACKAGES:
        try:
            rows.append((name, version(name), True))
        except PackageNotFoundError:
            rows.append((name, f"pip install {name}", False))
    return rows


def _libraries() -> list[tuple[str, str, bool]]:
    if sys.platform != "linux":
        return []
    rows = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
            rows.append((library, "found", True))
        except OSError:
            rows.append((library, f"apt install {package}", False))
    return rows


def _devices() -> list[tuple[str, str, bool]]:
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [("device", f"CPU, {torch.get_num_threads()} threads", True)] + [
        (f"device cuda:{i}", name, True) for i, name in enumerate(gpus)
    ]

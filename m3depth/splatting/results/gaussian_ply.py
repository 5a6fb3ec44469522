"""Gaussians as viewers of 3D Gaussian splatting read them."""

import numpy as np

from m3depth.splatting.model.splats import Splats


def gaussian_ply(splats: Splats, time: float) -> bytes:
    """A binary PLY of the scene as it is at a time from 0 to 1; millimetres of the world.

    The properties, all float32, are those of the original's files: ``x y z``, ``nx ny nz`` (0),
    ``f_dc_*`` and ``f_rest_*`` (harmonics, all of red first), ``opacity`` (a logit), ``scale_*``
    (natural logarithms) and ``rot_*`` (w, x, y, z).
    """
    state = {name: one.cpu().float().numpy() for name, one in splats.at_rest(time).items()}
    count = len(splats)
    harmonics = state["harmonics"]
    columns = {
        "xyz": state["means_mm"],
        "n": np.zeros((count, 3), np.float32),
        "f_dc": harmonics[:, 0],
        "f_rest": harmonics[:, 1:].transpose(0, 2, 1).reshape(count, -1),
        "opacity": state["logits"][:, None],
        "scale": state["log_scales"],
        "rot": state["quaternions"],
    }
    names = ["x", "y", "z", "nx", "ny", "nz"]
    for name in ("f_dc", "f_rest", "scale", "rot"):
        names += [f"{name}_{index}" for index in range(columns[name].shape[1])]
        names += ["opacity"] if name == "f_rest" else []
    properties = "".join(f"property float {name}\n" for name in names)
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n{properties}end_header\n"
    return head.encode() + np.concatenate(list(columns.values()), 1).astype("<f4").tobytes()

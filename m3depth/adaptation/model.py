"""The network that is adapted, with what makes it, and the checkpoint that it ends in."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from torch import nn

from m3depth.errors import UserError
from m3depth.io.torch_files import write_torch_file
from m3depth.networks.by_rig import ByRig
from m3depth.networks.configuration import of_modules_alone, what_makes, without_pretraining
from m3depth.networks.scale_deviation import ScaleDeviation
from m3depth.networks.trained import rebuilt
from m3depth.types import StereoRig

Entry = Mapping[str, Any]  # of the ledger: plain containers, as a checkpoint may hold them


class Model(NamedTuple):
    """A network and the configuration that rebuilds it."""

    network: nn.Module  # in evaluation mode
    options: dict[str, Any]

    def copied(self) -> Self:
        """To be changed, while this one stays."""
        return self._replace(network=copy.deepcopy(self.network))

    def scaled(self, scale: float, shift: float) -> "Model":
        """Of the disparity ``scale · r + shift``, see `ByRig`; two such steps are one."""
        inner, options = self.network, self.options
        if isinstance(inner, ByRig):
            was = inner.log_scale.detach().exp(), inner.shift.detach()
            scale, shift = scale * float(was[0]), scale * float(was[1]) + shift
            inner, options = inner.network, options["network"]
        made_by = f"{ByRig.__module__}.{ByRig.__qualname__}"
        chosen = {"_target_": made_by, "network": options, "scale": scale, "shift": shift}
        return Model(ByRig(inner, scale, shift).eval(), chosen)


class Adaptable(NamedTuple):
    """A checkpoint whose network is to be adapted."""

    saved: dict[str, Any]
    part: str  # of the system that gives depth
    model: Model
    size: tuple[int, int]  # (height, width) of the network's images

    @classmethod
    def read(cls, path: Path) -> "Adaptable":
        """Of a checkpoint of ``m3depth train`` or ``m3depth adapt``.

        Raises:
            UserError: see `rebuilt`.
        """
        network, part, saved = rebuilt(path)
        about = saved["m3depth"]
        options = without_pretraining(what_makes(part, about["config"]))
        size = (about["size"][0], about["size"][1])
        return cls(saved, part, Model(network.eval(), options), size)

    @property
    def rig(self) -> StereoRig:
        """What it was trained with, at its size."""
        return StereoRig.of(**self.saved["m3depth"]["rig"])

    def write(
        self,
        path: Path,
        model: Model,
        rig: StereoRig | None,
        ledger: Sequence[Entry],
        seen: set[str],
        deviation: ScaleDeviation | None = None,
    ) -> None:
        """Save a network in the place of this one's; no optimizer's state goes with it.

        Args:
            path: Of the file.
            model: The network.
            rig: That its disparity belongs to, at its size; None: the one that it was trained with.
            ledger: What was tried, level by level; it follows what earlier adaptations said.
            seen: Marks of the frames that it was adapted to.
            deviation: How surely it knows an image's scale; None: as this one, if it says so.
        """
        about = copy.deepcopy(self.saved["m3depth"])
        system = about["config"].get("system", {})
        (system if self.part in system else about["config"])[self.part] = model.options
        if rig is not None:
            about["rig"] = {name: float(value) for name, value in rig._asdict().items()}
        about["trained_on"] = sorted(seen.union(about.get("trained_on", ())))
        if deviation is not None:
            about["scale_deviation"] = deviation._asdict()
        about["adapted"] = [*about.get("adapted", ()), *map(dict, ledger)]
        if not of_modules_alone(model.options):
            raise UserError(f"{path}: the network is made of more than torch's modules")
        state = {f"{self.part}.{k}": v for k, v in model.network.state_dict().items()}
        write_torch_file(path, {"state_dict": state, "m3depth": about})

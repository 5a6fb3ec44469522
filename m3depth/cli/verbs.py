"""What each verb's command line stands for; nothing heavy is imported before that is known."""

import re
import sys
from functools import partial

from m3depth.cli.arguments import HELP
from m3depth.cli.configuration import configuration
from m3depth.cli.nearest import meant, nearest
from m3depth.cli.run import run
from m3depth.errors import ConfigError

KINDS = {  # of what `check` looks at: the settings, the task
    "pairs": ("check", "m3depth.cli.check.check_pairs"),
    "prior": ("check_prior", "m3depth.cli.check.check_priors"),
}


train = partial(run, "train")


def _with_depth(verb: str, arguments: list[str]) -> int:
    return run(verb, with_source(arguments))


evaluate, export = (partial(_with_depth, verb) for verb in ("evaluate", "export"))


def predict(arguments: list[str]) -> int:
    """Depth of images or a video; by the network that comes along where no other is named."""
    given = any(one.startswith(("checkpoint=", "source=", "predictions=")) for one in arguments)
    return _with_depth("predict", arguments if given else ["checkpoint=general", *arguments])


def splat(arguments: list[str]) -> int:
    """Fit moving Gaussians to a scene, and score them on the frames that were held out."""
    # `objective` alone is the group of what `m3depth train` minimises
    return run("splat", [re.sub("^objective=", "splat_objective=", one) for one in arguments])


def adapt(arguments: list[str]) -> int:
    """Adapt a checkpoint to other images, without labels, and say whether it helped."""
    return run("adapt", arguments, "m3depth.cli.adapt.adapt")


def reconstruct(arguments: list[str]) -> int:
    """Find a video's camera, its depth and its surface."""
    given = any(one.startswith("poses=") for one in arguments)
    chosen = any(one.startswith("motion=") for one in arguments)
    named = ["motion=file", *arguments] if given and not chosen else arguments
    return run("reconstruct", with_source(named), "m3depth.cli.reconstruct.reconstruct")


def compare(arguments: list[str]) -> int:
    """Show two or more folders of depth, or runs, side by side."""
    given = [one for one in arguments if "=" not in one and not one.startswith("-")]
    rest = [one for one in arguments if one not in given]
    quoted = ",".join("'" + one.replace("\\", "\\\\").replace("'", "\\'") + "'" for one in given)
    named = [f"inputs=[{quoted}]"] if given else []
    return run("compare", [*named, *rest])


def check(arguments: list[str]) -> int:
    """Look for what makes data unfit for their use; 1 when there is an error.

    ``kind=prior`` looks at exported depth priors, ``kind=pairs`` (or none) at a training set.
    """
    kinds = [one.removeprefix("kind=") for one in arguments if one.startswith("kind=")]
    depth = any(one.startswith(("predictions=", "source=folder")) for one in arguments)
    of_files = [kind for kind in kinds if kind not in KINDS]  # what a folder of depth holds
    if of_files and not depth:
        raise ConfigError(f"kind={of_files[-1]}: choose {', '.join(KINDS)}")
    settings, task = KINDS[next((kind for kind in reversed(kinds) if kind in KINDS), "pairs")]
    rest = [one for one in arguments if one not in [f"kind={kind}" for kind in KINDS]]
    return run("check", with_source(rest), task, settings)


def with_source(arguments: list[str]) -> list[str]:
    """The command line, in which ``predictions=DIR`` alone chooses ``source=folder``.

    >>> with_source(["predictions=DIR"])
    ['source=folder', 'predictions=DIR']
    """
    given = any(one.startswith("predictions=") for one in arguments)
    chosen = any(one.startswith("source=") for one in arguments)
    return ["source=folder", *arguments] if given and not chosen else arguments


def bench(arguments: list[str]) -> int:
    """Measure, and give the figures as JSON."""
    names = sorted(file.stem for file in (configuration() / "benchmark").glob("*.yaml"))
    if HELP & set(arguments[:1]):
        sys.stdout.write(f"usage: m3depth bench {' | '.join(names)} [key=value ...]\n\n")
        for file in ("bench", *(f"benchmark/{name}" for name in names)):
            sys.stdout.write((configuration() / f"{file}.yaml").read_text() + "\n")
        return 0
    if not arguments or arguments[0] not in names:
        near = nearest(arguments[0], names) if arguments else None
        asked = f"{arguments[0]}{meant(near)}; " if near else ""
        raise ConfigError(f"{asked}name a benchmark first: m3depth bench {' | '.join(names)}")
    return run("bench", [f"benchmark={arguments[0]}", *arguments[1:]])


def doctor(arguments: list[str]) -> int:
    """Print what is there and what is missing."""
    from m3depth.cli import doctor as table

    return table.main(arguments)

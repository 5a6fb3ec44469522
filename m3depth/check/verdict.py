"""What was found, for a terminal and as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.set_measures import Measure, fine
from m3depth.io.files import write_json, write_png


def table(
    findings: Sequence[Finding],
    header: str,
    purpose: str = "train on",
    measured: Sequence[Measure] = (),
) -> str:
    """What was found, for a terminal: a line each for finding and mend, and what was measured.

    Args:
        findings: The worst first.
        header: How much was looked at.
        purpose: What the data are judged for.
        measured: What was measured; what a finding is about is left out.
    """
    lines = [header]
    for finding in findings:
        lines.append(f"{finding.severity.name:<8} {finding.code}: {finding.said}")
        lines.append(f"{'':<8} -> {finding.mend}")
    lines += [f"{'ok':<8} {one.code}: {one.said}" for one in fine(measured, findings)]
    return "\n".join([*lines, verdict(findings, purpose)]) + "\n"


def verdict(findings: Sequence[Finding], purpose: str = "train on") -> str:
    """The last line."""
    counts = {s: sum(f.severity is s for f in findings) for s in Severity}
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
    if not findings:
        return "ok: nothing found"
    word = "not fit" if errors else "fit"
    return f"{word} to {purpose}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"


def write_check(
    folder: Path,
    findings: Sequence[Finding],
    frames: Mapping[str, Any],
    measured: Sequence[Measure] = (),
) -> None:
    """``check.json`` and a picture for each finding that has one."""
    told: list[dict[str, Any]] = []
    for number, finding in enumerate(findings):
        entry: dict[str, Any] = {
            "code": finding.code,
            "severity": finding.severity.name.lower(),
            "said": finding.said,
            "mend": finding.mend,
            "evidence": {name: round(value, 6) for name, value in finding.evidence.items()},
            "frames": list(finding.frames),
        }
        if finding.picture is not None:
            name = f"{number:02d}_{finding.code}.png"
            write_png(folder / name, finding.picture)
            entry["picture"] = name
        told.append(entry)
    write_json(
        folder / "check.json",
        {
            "findings": told,
            "errors": sum(f.severity is Severity.ERROR for f in findings),
            "warnings": sum(f.severity is Severity.WARNING for f in findings),
            "frames": frames,
            "measured": {
                one.code: {name: round(value, 6) for name, value in one.numbers.items()}
                for one in measured
            },
        },
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")

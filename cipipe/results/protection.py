"""What protect returns: the controls of each environment."""

from dataclasses import dataclass
from typing import Literal

from cipipe.results.findings import Finding, GateOutcome, Rule

ControlState = Literal["pass", "fail", "unknown", "not-available"]


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that must hold on a branch, what the forge says of it, and the setting that decides it."""

    name: str
    state: ControlState
    evidence: str
    setting: str

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "control": self.name,
            "state": self.state,
            "evidence": self.evidence,
            "setting": self.setting,
        }


@dataclass(frozen=True, slots=True)
class ProtectedEnvironment:
    """An environment's controls; `plan` says what is to be set, or with `applied` what was set."""

    environment: str
    protected: bool
    controls: tuple[Control, ...]
    plan: tuple[str, ...] = ()
    applied: bool = False

    @property
    def failed(self) -> tuple[Control, ...]:
        """The controls that do not hold; what nobody can see does not hold where it matters most."""
        bad = {"fail", "unknown"} if self.protected else {"fail"}
        return tuple(control for control in self.controls if control.state in bad)

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "environment": self.environment,
            "controls": [control.document() for control in self.controls],
            "plan": list(self.plan),
        }


@dataclass(frozen=True, slots=True)
class ProtectOutcome:
    """What `protect` returns: exit 1 when a control does not hold."""

    environments: tuple[ProtectedEnvironment, ...]
    file: str = "cipipe.yaml"

    @property
    def exit_code(self) -> int:
        """The exit code, the same in every format."""
        return int(any(each.failed for each in self.environments))

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {"command": "protect", "environments": [each.document() for each in self.environments]}

    def findings(self) -> GateOutcome:
        """The same as findings of rules, for the formats that know nothing else."""
        found = tuple(
            Finding(
                f"protect-{control.name}", "error", "deny" if control.state == "fail" else "unresolved", None,
                f"{each.environment}: {control.evidence}; set {control.setting}",
            )
            for each in self.environments
            for control in each.failed
        )  # fmt: skip
        rules = {
            f"protect-{control.name}": Rule(
                f"protect-{control.name}", control.name.replace("-", " ").capitalize(), "error",
                "A setting of the forge that keeps a branch to its policy.",
                f"Set {control.setting}, or run `cipipe protect --apply`.", "docs/protection.md",
            )
            for each in self.environments
            for control in each.controls
        }  # fmt: skip
        return GateOutcome(found, tuple(rules.values()), (), "forge", len(self.environments), 0)

"""What the verbs return and the reports render: frozen values that know their JSON form (DESIGN 3)."""

from cipipe.results.boards import Board, Held, Move, StatusOutcome, Waiting, age
from cipipe.results.deliveries import (
    Change,
    DeliveriesOutcome,
    Delivery,
    Outcome,
    PullRequest,
    SetImageOutcome,
    Status,
    worst,
)
from cipipe.results.findings import (
    FactsOutcome,
    Finding,
    GateOutcome,
    Location,
    Rule,
    RulesOutcome,
    Severity,
    Verdict,
)
from cipipe.results.protection import Control, ControlState, ProtectedEnvironment, ProtectOutcome

__all__ = [
    "Board",
    "Change",
    "Control",
    "ControlState",
    "DeliveriesOutcome",
    "Delivery",
    "FactsOutcome",
    "Finding",
    "GateOutcome",
    "Held",
    "Location",
    "Move",
    "Outcome",
    "ProtectOutcome",
    "ProtectedEnvironment",
    "PullRequest",
    "Rule",
    "RulesOutcome",
    "SetImageOutcome",
    "Severity",
    "Status",
    "StatusOutcome",
    "Verdict",
    "Waiting",
    "age",
    "worst",
]

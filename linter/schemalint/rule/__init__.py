"""What a rule sees and what it says: with `catalog` and `flow`, all that a rule may import."""

from schemalint.decision import Decisions
from schemalint.finding import Certainty, Place, Severity
from schemalint.finding import Sync as SyncNames
from schemalint.flow.contract import contract_of
from schemalint.flow.path import Write
from schemalint.flow.sync import Carried, Remembered, Sync
from schemalint.flow.witness import witness_of
from schemalint.rule.change import Change, Part, Parts
from schemalint.rule.marks import SHOWN_BY_SERVER, Rule, decision, finding_ids, invariant, load_rules, rule_ids, step
from schemalint.rule.state import Failing, State, writes_in_words
from schemalint.rule.violation import Key, Violation, Violations

__all__ = [
    "SHOWN_BY_SERVER", "Carried", "Certainty", "Change", "Decisions", "Failing", "Key", "Part", "Parts", "Place", "Remembered",
    "Rule", "Severity", "State", "Sync", "SyncNames", "Violation", "Violations", "Write", "contract_of", "decision",
    "finding_ids", "invariant", "load_rules", "rule_ids", "step", "witness_of", "writes_in_words",
]  # fmt: skip

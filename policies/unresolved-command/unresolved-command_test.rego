package cipipe.unresolved_command_test

import data.cipipe.unresolved_command
import rego.v1

document(protected, strict) := {"version": 1, "nonce": "n", "facts": {
	"setting": [{"id": "gate", "strict": strict, "config": false}],
	"command": [{
		"id": "c1",
		"what": "kubectl",
		"tool": "kubectl",
		"verb": "",
		"effect": "unknown",
		"target": "cluster",
		"dry": false,
		"form": "command",
		"protected": protected,
	}],
	"problem": [{"id": "p1", "what": "an include cannot be followed", "protected": protected}],
}}

severities(protected, strict) := [finding.severity | some finding in found] if {
	found := unresolved_command.findings with input as document(protected, strict)
}

test_warns if severities(false, false) == ["warning", "warning"]

test_is_an_error_for_a_protected_environment if severities(true, false) == ["error", "error"]

test_is_an_error_when_strict if severities(false, true) == ["error", "error"]

test_is_never_a_deny if {
	found := unresolved_command.findings with input as document(false, false)
	count([finding | some finding in found; finding.verdict == "unresolved"]) == 2
}

test_does_not_run_without_its_facts if {
	not unresolved_command.ran with input as {"version": 1, "nonce": "n", "facts": {"command": [], "setting": []}}
}

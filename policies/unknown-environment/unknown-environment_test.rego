package cipipe.unknown_environment_test

import data.cipipe.unknown_environment
import rego.v1

document(known) := {"version": 1, "nonce": "n", "facts": {
	"setting": [{"id": "gate", "strict": false, "config": true}],
	"environment": [{"id": "e1", "name": "stagign", "known": known, "protected": false}],
}}

test_denies_a_name_that_is_not_configured if {
	found := unknown_environment.findings with input as document(false)
	found == [{
		"msg": "there is no environment 'stagign' in cipipe.yaml",
		"id": "e1",
		"severity": "error",
		"verdict": "deny",
	}]
}

test_allows_a_configured_name if {
	found := unknown_environment.findings with input as document(true)
	count(found) == 0
}

test_does_not_run_without_its_facts if {
	not unknown_environment.ran with input as {"version": 1, "nonce": "n", "facts": {"setting": []}}
}

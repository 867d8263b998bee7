package cipipe.direct_deploy_test

import data.cipipe.direct_deploy
import rego.v1

document(effect, target, dry) := {"version": 1, "nonce": "n", "facts": {
	"setting": [{"id": "gate", "strict": false, "config": false}],
	"command": [{
		"id": "c1",
		"what": "kubectl apply",
		"tool": "kubectl",
		"verb": "apply",
		"effect": effect,
		"target": target,
		"dry": dry,
		"form": "command",
		"protected": false,
	}],
}}

test_denies_a_change if {
	found := direct_deploy.findings with input as document("mutate", "cluster", false)
	found == [{
		"msg": "kubectl apply changes a cluster from the pipeline",
		"id": "c1",
		"severity": "error",
		"verdict": "deny",
	}]
}

test_allows_a_dry_run if {
	found := direct_deploy.findings with input as document("mutate", "cluster", true)
	count(found) == 0
}

test_allows_the_jobs_own_cluster if {
	found := direct_deploy.findings with input as document("mutate", "ephemeral", false)
	count(found) == 0
}

test_allows_reading if {
	found := direct_deploy.findings with input as document("read", "cluster", false)
	count(found) == 0
}

test_does_not_run_without_its_facts if {
	not direct_deploy.ran with input as {"version": 1, "nonce": "n", "facts": {"setting": []}}
}

test_does_not_run_on_another_version if {
	not direct_deploy.ran with input as {"version": 2, "nonce": "n", "facts": {"command": [], "setting": []}}
}

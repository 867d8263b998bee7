package cipipe.cluster_credentials_test

import data.cipipe.cluster_credentials
import rego.v1

document(target) := {"version": 1, "nonce": "n", "facts": {
	"setting": [{"id": "gate", "strict": false, "config": false}],
	"credential": [{"id": "k1", "what": "aws eks update-kubeconfig", "how": "command", "target": target, "protected": false}],
}}

test_denies_credentials if {
	found := cluster_credentials.findings with input as document("cluster")
	found == [{
		"msg": "aws eks update-kubeconfig gives the pipeline access to a cluster",
		"id": "k1",
		"severity": "error",
		"verdict": "deny",
	}]
}

test_allows_the_jobs_own_cluster if {
	found := cluster_credentials.findings with input as document("ephemeral")
	count(found) == 0
}

test_does_not_run_without_its_facts if {
	not cluster_credentials.ran with input as {"version": 1, "nonce": "n", "facts": {"setting": []}}
}

package cipipe.branch_route_test

import data.cipipe.branch_route
import rego.v1

document(head, merges, protected) := {"version": 1, "nonce": "n", "facts": {
	"setting": [{"id": "setting-1", "strict": false, "config": true}],
	"pull": [{
		"id": "pull-1",
		"number": "#7",
		"environment": "prod",
		"protected": protected,
		"approvals": 1,
		"head": head,
		"merges": merges,
		"commits_known": true,
	}],
}}

test_denies_a_fork if {
	found := branch_route.findings with input as document("fork", false, true)
	found == [{
		"msg": "#7 into prod comes from a fork",
		"id": "pull-1",
		"severity": "error",
		"verdict": "deny",
	}]
}

test_denies_a_branch_beside_the_way if {
	found := branch_route.findings with input as document("other", true, true)
	count(found) == 1
}

test_allows_the_way if {
	every head in ["bump", "promotion"] {
		found := branch_route.findings with input as document(head, true, true)
		count(found) == 0
	}
}

test_allows_a_branch_where_one_branch_holds_all if {
	found := branch_route.findings with input as document("other", false, true)
	count(found) == 0
}

test_allows_anything_where_nothing_is_protected if {
	found := branch_route.findings with input as document("fork", true, false)
	count(found) == 0
}

test_does_not_run_without_its_facts if {
	not branch_route.ran with input as {"version": 1, "nonce": "n", "facts": {"setting": []}}
}

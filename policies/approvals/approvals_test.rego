package cipipe.approvals_test

import data.cipipe.approvals
import rego.v1

pull := {
	"id": "pull-1",
	"number": "#7",
	"environment": "prod",
	"protected": true,
	"approvals": 1,
	"head": "bump",
	"merges": false,
	"commits_known": true,
}

review := {
	"id": "review-1",
	"person": "rita",
	"approves": true,
	"current": true,
	"writes": true,
	"author": false,
	"committer": false,
	"pusher": false,
	"actor": false,
	"bot": false,
	"same_target": true,
}

document(pulls, reviews) := {"version": 1, "nonce": "n", "facts": {
	"setting": [{"id": "setting-1", "strict": false, "config": true}],
	"pull": pulls,
	"review": reviews,
}}

denied(changes) if {
	found := approvals.findings with input as document([pull], [object.union(review, changes)])
	some finding in found
	finding.severity == "error"
}

test_denies_without_an_approval if {
	found := approvals.findings with input as document([pull], [])
	found == [{
		"msg": "#7 has 0 of the 1 approvals that prod asks for",
		"id": "pull-1",
		"severity": "error",
		"verdict": "deny",
	}]
}

test_allows_an_approval if {
	found := approvals.findings with input as document([pull], [review])
	count(found) == 0
}

test_denies_who_is_part_of_it if {
	every part in ["author", "committer", "actor", "bot"] {
		denied({part: true})
	}
}

test_denies_what_does_not_count if {
	every part in ["approves", "current", "writes", "same_target"] {
		denied({part: false})
	}
}

test_says_why_an_approval_does_not_count if {
	found := approvals.findings with input as document([pull], [object.union(review, {"current": false})])
	"the approval of rita does not count for prod: it is for an older commit" in [finding.msg | some finding in found]
}

test_needs_as_many_as_asked if {
	two := object.union(pull, {"approvals": 2})
	one := approvals.findings with input as document([two], [review])
	count(one) == 1
	both := approvals.findings with input as document([two], [review, object.union(review, {"id": "review-2", "person": "sam"})])
	count(both) == 0
}

test_allows_a_committer_of_a_promotion if {
	merge := object.union(pull, {"head": "promotion", "merges": true})
	found := approvals.findings with input as document([merge], [object.union(review, {"committer": true})])
	count(found) == 0
}

test_denies_the_last_pusher_of_a_promotion if {
	merge := object.union(pull, {"head": "promotion", "merges": true})
	found := approvals.findings with input as document([merge], [object.union(review, {"pusher": true})])
	count(found) == 2
}

test_does_not_know_without_accounts if {
	found := approvals.findings with input as document([object.union(pull, {"commits_known": false})], [review])
	[finding.verdict | some finding in found] == ["unresolved"]
}

test_does_not_run_without_its_facts if {
	not approvals.ran with input as {"version": 1, "nonce": "n", "facts": {"pull": [], "setting": []}}
}

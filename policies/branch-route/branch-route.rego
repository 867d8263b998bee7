# METADATA
# title: A protected environment must be reached on its own way
# description: >-
#   A pull request into a protected environment comes from a fork, or, where the environment is promoted by merging branches,
#   from another branch than that of the environment before it or a bump of its own.
# custom:
#   severity: error
#   remedy: Bring the change into the environment before it, and promote it (`cipipe promote`), or merge that branch.
#   docs: docs/rules.md#branch-route
package cipipe.branch_route

import data.cipipe.facts
import rego.v1

kinds := ["pull", "setting"]

ran := facts.ran(kinds)

findings := array.concat(forks, strays)

forks := [finding |
	some pull in input.facts.pull
	pull.protected == true
	pull.head == "fork"
	finding := facts.finding(pull, "error", "deny", sprintf("%s into %s comes from a fork", [pull.number, pull.environment]))
]

strays := [finding |
	some pull in input.facts.pull
	pull.protected == true
	pull.merges == true
	pull.head == "other"
	message := sprintf("%s into %s comes neither from a bump nor from the branch that it promotes", [pull.number, pull.environment])
	finding := facts.finding(pull, "error", "deny", message)
]

deny contains finding if some finding in findings

warn contains ran

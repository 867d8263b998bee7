# METADATA
# title: A pipeline must say what it runs
# description: >-
#   A command, script, include or file cannot be read or resolved, so nobody can say whether it changes a cluster. It is a
#   warning, and an error for a protected environment and with --strict.
# custom:
#   severity: warning
#   remedy: >-
#     Write the command with its verb in plain words, keep the script in the repository, or waive this place with a reason.
#   docs: docs/rules.md#unresolved-command
package cipipe.unresolved_command

import data.cipipe.facts
import rego.v1

kinds := ["command", "problem", "setting"]

ran := facts.ran(kinds)

findings := array.concat(commands, problems)

commands := [finding |
	some command in input.facts.command
	command.effect == "unknown"
	command.target == "cluster"
	command.dry == false
	message := sprintf("it cannot be known whether %s changes a cluster", [command.what])
	finding := facts.finding(command, facts.doubt(command), "unresolved", message)
]

problems := [finding |
	some problem in input.facts.problem
	finding := facts.finding(problem, facts.doubt(problem), "unresolved", sprintf("%s", [problem.what]))
]

deny contains finding if some finding in findings

warn contains ran

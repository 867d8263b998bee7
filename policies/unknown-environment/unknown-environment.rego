# METADATA
# title: A pipeline must name environments that exist
# description: >-
#   A pipeline gives cipipe the name of an environment that cipipe.yaml does not have. The bump would fail, or reach
#   nothing, each time it runs.
# custom:
#   severity: error
#   remedy: Correct the name, or add the environment to cipipe.yaml.
#   docs: docs/rules.md#unknown-environment
package cipipe.unknown_environment

import data.cipipe.facts
import rego.v1

kinds := ["environment", "setting"]

ran := facts.ran(kinds)

findings := [finding |
	some environment in input.facts.environment
	environment.known == false
	finding := facts.finding(environment, "error", "deny", sprintf("there is no environment '%s' in cipipe.yaml", [environment.name]))
]

deny contains finding if some finding in findings

warn contains ran

# METADATA
# title: A pipeline must not change a cluster
# description: >-
#   A pipeline step changes a cluster by itself. What runs there is then not what Git says, nobody approved it, and
#   the puller (Argo CD, Flux) undoes it or fights it.
# custom:
#   severity: error
#   remedy: >-
#     Let the pipeline change the image tag in the environment's manifests (`cipipe bump`) and let the puller apply it. A test
#     against a cluster that the same job makes (kind, k3d, minikube) is fine.
#   docs: docs/rules.md#direct-deploy
package cipipe.direct_deploy

import data.cipipe.facts
import rego.v1

kinds := ["command", "setting"]

ran := facts.ran(kinds)

findings := [finding |
	some command in input.facts.command
	command.effect == "mutate"
	command.target == "cluster"
	command.dry == false
	finding := facts.finding(command, "error", "deny", sprintf("%s changes a cluster from the pipeline", [command.what]))
]

deny contains finding if some finding in findings

warn contains ran

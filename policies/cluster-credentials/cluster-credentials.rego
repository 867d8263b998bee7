# METADATA
# title: A pipeline must not hold credentials of a cluster
# description: >-
#   A pipeline step fetches, writes or is given credentials of a cluster. Whoever can change the pipeline, or what it runs, can
#   then change the cluster; in a pull-based set-up no pipeline needs them.
# custom:
#   severity: error
#   remedy: >-
#     Take the step and the secret away. The puller inside the cluster is the only one that needs access. What has to look at
#     a cluster can do so from there, or through the puller's own status.
#   docs: docs/rules.md#cluster-credentials
package cipipe.cluster_credentials

import data.cipipe.facts
import rego.v1

kinds := ["credential", "setting"]

ran := facts.ran(kinds)

findings := [finding |
	some credential in input.facts.credential
	credential.target == "cluster"
	finding := facts.finding(credential, "error", "deny", sprintf("%s gives the pipeline access to a cluster", [credential.what]))
]

deny contains finding if some finding in findings

warn contains ran

# What every rule asks of the facts document (see docs/rules.md, "The facts").
package cipipe.facts

import rego.v1

version := 1

# The proof that a rule ran on this document: undefined, and so an error of the engine, when a kind of fact that the rule needs is missing.
ran(kinds) := {"msg": "ran", "nonce": input.nonce, "facts": count(input.facts)} if {
	input.version == version
	every kind in kinds {
		is_array(input.facts[kind])
	}
}

finding(fact, severity, verdict, message) := {
	"msg": message,
	"id": fact.id,
	"severity": severity,
	"verdict": verdict,
}

# What is not known is an error where it matters most.
doubt(fact) := "error" if {
	fact.protected == true
} else := "error" if {
	input.facts.setting[0].strict == true
} else := "warning"

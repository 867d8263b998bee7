# METADATA
# title: A pull request into an environment must be approved
# description: >-
#   A pull request changes an environment, and fewer people approved its last commit than the environment asks for. An approval
#   counts when its person has write access and is neither the author, a committer, the one who triggered the bump, nor a bot.
# custom:
#   severity: error
#   remedy: Ask somebody who may still approve for a review of the last commit; the report lists them.
#   docs: docs/rules.md#approvals
package cipipe.approvals

import data.cipipe.facts
import rego.v1

kinds := ["pull", "review", "setting"]

ran := facts.ran(kinds)

findings := array.concat(array.concat(missing, unknown), ignored)

missing := [finding |
	some pull in input.facts.pull
	found := count(eligible(pull))
	found < pull.approvals
	message := sprintf("%s has %d of the %d approvals that %s asks for", [pull.number, found, pull.approvals, pull.environment])
	finding := facts.finding(pull, "error", "deny", message)
]

unknown := [finding |
	some pull in input.facts.pull
	pull.approvals > 0
	pull.commits_known == false
	message := sprintf("nobody knows who made every commit of %s, so its approvals cannot be counted", [pull.number])
	finding := facts.finding(pull, "error", "unresolved", message)
]

ignored := [finding |
	some pull in input.facts.pull
	pull.approvals > 0
	some review in input.facts.review
	review.approves == true
	reason := obstacle(pull, review)
	reason != ""
	message := sprintf("the approval of %s does not count for %s: %s", [review.person, pull.environment, reason])
	finding := facts.finding(review, "warning", "deny", message)
]

eligible(pull) := [review |
	some review in input.facts.review
	review.approves == true
	obstacle(pull, review) == ""
]

# In a promotion by merge everybody who ever changed the source branch is a committer: who pushed last counts instead.
made(pull, review) := review.pusher if {
	pull.head == "promotion"
} else := review.committer

obstacle(pull, review) := "it is the author's" if {
	review.author == true
} else := "its person triggered the bump" if {
	review.actor == true
} else := "its person made a commit of it" if {
	made(pull, review) == true
} else := "it is a bot's" if {
	review.bot == true
} else := "its person has no write access" if {
	review.writes == false
} else := "it is for an older commit" if {
	review.current == false
} else := "it is from before the pull request got its target branch" if {
	review.same_target == false
} else := ""

deny contains finding if some finding in findings

warn contains ran

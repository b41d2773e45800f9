package app

import (
	"slices"

	"github.com/spf13/cobra"
)

// group is a headline of the help with its commands, in the order in which the help
// has the headlines.
type group struct {
	id, title string
	commands  []string
}

func groups() []group {
	return []group{
		{"promote", "Promote, and go back:", []string{"plan", "promote", "promote-canary", "reconcile", "collect", "rollback", "disable-canary"}},
		{"decide", "Decide:", []string{"approve", "reject", "on-comment", "advance", "cancel", "retry-job", "ignore-job", "terminate", "skip", "lock", "unlock", "unblock", "abandon", "unabandon"}},
		{"look", "Look:", []string{"status", "history", "get", "events", "operation", "report"}},
		{"state", "State:", []string{"state"}},
		{"setup", "Set up:", []string{"init", "validate", "schema", "conform", "sandbox", "rehearse", "completion", "help", "version"}},
	}
}

// grouped puts the commands under their headlines.
func grouped(root *cobra.Command) {
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, cmd := range root.Commands() {
			if slices.Contains(g.commands, cmd.Name()) {
				cmd.GroupID = g.id
			}
		}
	}
	root.SetHelpCommandGroupID("setup")
	root.SetCompletionCommandGroupID("setup")
}

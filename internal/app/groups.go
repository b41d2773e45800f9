package app

import (
	"slices"

	"github.com/spf13/cobra"
)

// command is a command by its name, and what builds it.
type command struct {
	name  string
	build func(*invocation) *cobra.Command
}

// group is a headline of the help with its commands.
type group struct {
	id, title string
	commands  []command
}

// groups are all commands, in the order in which the help has their headlines.
func groups() []group {
	return []group{
		{"promote", "Promote, and go back:", []command{
			{"plan", planCommand},
			{"promote", promoteCommand},
			{"promote-canary", promoteCanaryCommand},
			{"reconcile", reconcileCommand},
			{"collect", collectCommand},
			{"rollback", rollbackCommand},
			{"disable-canary", disableCanaryCommand},
		}},
		{"decide", "Decide:", []command{
			{"approve", approveCommand},
			{"reject", rejectCommand},
			{"on-comment", onCommentCommand},
			{"advance", advanceCommand},
			{"cancel", cancelCommand},
			{"retry-job", retryJobCommand},
			{"ignore-job", ignoreJobCommand},
			{"terminate", terminateCommand},
			{"skip", skipCommand},
			{"lock", lockCommand},
			{"unlock", unlockCommand},
			{"unblock", unblockCommand},
			{"abandon", abandonCommand},
			{"unabandon", unabandonCommand},
		}},
		{"look", "Look:", []command{
			{"status", statusCommand},
			{"history", historyCommand},
			{"get", getCommand},
			{"events", eventsCommand},
			{"operation", operationCommand},
			{"report", reportCommand},
		}},
		{"state", "State:", []command{
			{"state", stateCommand},
		}},
		{"setup", "Set up:", []command{
			{"init", initCommand},
			{"validate", validateCommand},
			{"schema", schemaCommand},
			{"conform", conformCommand},
			{"sandbox", sandboxCommand},
			{"rehearse", rehearseCommand},
			{"version", versionCommand},
		}},
	}
}

// tree is the tree of commands as far as a command line needs it: the one command that
// it names, or else all. What the others have to say of themselves and of their flags
// would be a quarter of what a short command costs.
func (inv *invocation) tree(args []string) *cobra.Command {
	root := inv.bare()
	for _, g := range groups() {
		for _, c := range g.commands {
			if slices.Contains(args, c.name) {
				root.AddCommand(c.build(inv))
			}
		}
	}
	if found, _, err := root.Find(args); err != nil || found == root {
		return inv.root()
	}
	root.CompletionOptions.DisableDefaultCmd = true // a shell's questions go to the whole tree
	strict(root)
	return root
}

// root is the whole tree of commands.
func (inv *invocation) root() *cobra.Command {
	root := inv.bare()
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			cmd := c.build(inv)
			cmd.GroupID = g.id
			root.AddCommand(cmd)
		}
	}
	root.SetHelpCommandGroupID("setup")
	root.SetCompletionCommandGroupID("setup")
	strict(root)
	complete(inv, root)
	completeGlobal(root)
	return root
}

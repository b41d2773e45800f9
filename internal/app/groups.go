package app

import (
	"slices"

	"github.com/spf13/cobra"
)

// command is a command by its name, and what builds it.
type command struct {
	name  string
	build func() *cobra.Command
}

// group is a headline of the help with its commands.
type group struct {
	id, title string
	commands  []command
}

// groups are all commands, in the order in which the help has their headlines.
func (inv *invocation) groups() []group {
	return []group{
		{"promote", "Promote, and go back:", []command{
			{"plan", inv.plan},
			{"promote", inv.promote},
			{"promote-canary", inv.promoteCanary},
			{"reconcile", inv.reconcile},
			{"collect", inv.collect},
			{"rollback", inv.rollback},
			{"disable-canary", inv.disableCanary},
		}},
		{"decide", "Decide:", []command{
			{"approve", inv.approve},
			{"reject", inv.reject},
			{"on-comment", inv.onComment},
			{"advance", inv.advance},
			{"cancel", inv.cancel},
			{"retry-job", inv.retryJob},
			{"ignore-job", inv.ignoreJob},
			{"terminate", inv.terminate},
			{"skip", inv.skip},
			{"lock", inv.lock},
			{"unlock", inv.unlock},
			{"unblock", inv.unblock},
			{"abandon", inv.abandon},
			{"unabandon", inv.unabandon},
		}},
		{"look", "Look:", []command{
			{"status", inv.status},
			{"history", inv.history},
			{"get", inv.get},
			{"events", inv.events},
			{"operation", inv.operation},
			{"report", inv.report},
		}},
		{"state", "State:", []command{
			{"state", inv.state},
		}},
		{"setup", "Set up:", []command{
			{"init", inv.initialise},
			{"validate", inv.validate},
			{"schema", inv.schema},
			{"conform", inv.conform},
			{"sandbox", inv.sandbox},
			{"rehearse", inv.rehearse},
			{"version", inv.version},
		}},
	}
}

// tree is the tree of commands as far as a command line needs it: the one command that
// it names, or else all. What the others have to say of themselves and of their flags
// would be a quarter of what a short command costs.
func (inv *invocation) tree(args []string) *cobra.Command {
	root := inv.bare()
	for _, g := range inv.groups() {
		for _, c := range g.commands {
			if slices.Contains(args, c.name) {
				root.AddCommand(c.build())
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
	for _, g := range inv.groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			cmd := c.build()
			cmd.GroupID = g.id
			root.AddCommand(cmd)
		}
	}
	root.SetHelpCommandGroupID("setup")
	root.SetCompletionCommandGroupID("setup")
	strict(root)
	inv.complete(root)
	completeGlobal(root)
	return root
}

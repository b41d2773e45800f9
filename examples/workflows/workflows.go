// Package workflows holds the example workflows, so that `sluice init` writes the very
// ones that people read.
package workflows

import "embed"

// Files are the workflows, by file name.
//
//go:embed run.yml promote.yml back.yml decide.yml reconcile.yml
var Files embed.FS

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sluice/internal/app"
)

// TestPages: each command has a page that says what the program says, and pages are
// made equal.
func TestPages(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	if err := run([]string{dir, "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{again, "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	pages := 0
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // made above
		if err != nil {
			t.Error(err)
			return
		}
		pages++
		same, err := os.ReadFile(filepath.Join(again, name)) //nolint:gosec // made above
		if err != nil || !bytes.Equal(page, same) {
			t.Errorf("%s is made another way each time (%v)", name, err)
		}
		for _, want := range []string{".SH NAME", ".SH SYNOPSIS", "Sluice v1.2.3"} {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		if cmd.HasLocalFlags() && !bytes.Contains(page, []byte("OPTIONS")) {
			t.Errorf("%s lacks the flags", name)
		}
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				visit(sub)
			}
		}
	}
	visit(app.Commands())
	if pages < 30 {
		t.Errorf("only %d pages", pages)
	}
	if err := run([]string{dir}); err == nil {
		t.Error("a version is not asked for")
	}
}

package live

import "testing"

// TestPlain: where lines are wanted in place of a table.
func TestPlain(t *testing.T) {
	tests := []struct {
		system, name, value string
		want                bool
	}{
		{"linux", "", "", false},
		{"linux", "CI", "true", true},
		{"linux", "CI", "false", false},
		{"linux", "NO_COLOR", "1", true},
		{"linux", "TERM", "dumb", true},
		{"darwin", "TERM", "xterm-256color", false},
		{"windows", "", "", true},
		{"windows", "WT_SESSION", "0d1f", false},
	}
	for _, tt := range tests {
		getenv := func(name string) string {
			if name == tt.name {
				return tt.value
			}
			return ""
		}
		if got := plain(getenv, tt.system); got != tt.want {
			t.Errorf("%s with %s=%s: %v, want %v", tt.system, tt.name, tt.value, got, tt.want)
		}
	}
}

package driver_test

import (
	"testing"

	"sluice/stages/driver"
)

// TestShell: a shell takes every word as it was.
func TestShell(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"aws", "--region", "eu-west-1"}, "aws --region eu-west-1"},
		{[]string{"", "a b"}, "'' 'a b'"},
		{[]string{"$(reboot)", "`x`", "~", "a;b", "a\nb"}, "'$(reboot)' '`x`' '~' 'a;b' 'a\nb'"},
		{[]string{"it's"}, `'it'\''s'`},
		{[]string{"ümlaut"}, "'ümlaut'"},
	} {
		if got := driver.Shell(test.words...); got != test.want {
			t.Errorf("%q became %s, want %s", test.words, got, test.want)
		}
	}
}

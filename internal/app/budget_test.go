package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrdersPastTheBudget: a check that is running may last longer than the run may wait. What
// others ordered is read meanwhile, as before.
func TestOrdersPastTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBase(t, &moon{way: goesWell})
		b.asked, b.env = &echo{how: "header"}, map[string]string{"AWS_ACCESS_KEY_ID": "AKIAOFOURS", "AWS_SECRET_ACCESS_KEY": "a-secret-of-ours"}
		b.stdin = strings.Replace(orbit, "  - name: production\n", "  - name: production\n    predeploy:\n      - "+measures()["alarms"]+"\n", 1)
		began := time.Now()
		got := b.run(t, modes()[0], "promote", "--to", "production", "--wait-budget", "3m")
		if took := time.Since(began); took < 5*time.Minute {
			t.Fatalf("the check was over after %s: %s", took, got.stderr)
		}
		if strings.Contains(got.stderr, "could not be read") {
			t.Errorf("nothing could be ordered meanwhile: %s", got.stderr)
		}
	})
}

package file_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/file"
)

// childDir, when set, makes the test binary a writer for the tests below: it
// raises one counter until it is killed, or as often as childTimes says, and
// prints each count once it is durable.
const (
	childDir   = "SLUICE_TEST_FILE_STORE"
	childTimes = "SLUICE_TEST_FILE_TIMES"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(write(dir, os.Getenv(childTimes)))
	}
	os.Exit(m.Run())
}

func write(dir, times string) int {
	limit, err := strconv.Atoi(times)
	if err != nil {
		limit = 1 << 30
	}
	s := file.Open(dir, file.By(fmt.Sprintf("process %d", os.Getpid())))
	for range limit {
		count, err := increment(context.Background(), s)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(count)
	}
	return 0
}

func increment(ctx context.Context, s store.Store) (int, error) {
	for {
		entries, err := s.Load(ctx, web)
		if err != nil {
			return 0, err
		}
		count := 0
		if entries[0].Version != "" {
			if err := json.Unmarshal(entries[0].Data, &count); err != nil {
				return 0, err
			}
		}
		count++
		entries[0].Generation++
		entries[0].Data = []byte(strconv.Itoa(count))
		_, err = s.Commit(ctx, entries[0])
		if store.IsConflict(err) {
			continue
		}
		return count, err
	}
}

func child(t *testing.T, dir, times string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childTimes+"="+times)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestProcessesLoseNoUpdate(t *testing.T) {
	const processes, each = 4, 25
	dir := t.TempDir()
	var all sync.WaitGroup
	for range processes {
		cmd := child(t, dir, strconv.Itoa(each))
		all.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("writer: %v", err)
			}
		})
	}
	all.Wait()
	entries, err := file.Open(dir).Load(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(entries[0].Data); got != strconv.Itoa(processes*each) {
		t.Errorf("the counter is %s, want %d", got, processes*each)
	}
}

// TestKilledWriter kills a writer with SIGKILL again and again, each time
// after another number of saves. What it said is durable is still there, the
// record is whole, and the next writer gets the lock.
func TestKilledWriter(t *testing.T) {
	dir := t.TempDir()
	said := 0
	for round := range 12 {
		cmd := child(t, dir, "")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 1 + round%5 {
			said = count(t, lines)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for n := count(t, lines); n > 0; n = count(t, lines) {
			said = n // what it said before it died
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
		after, err := increment(t.Context(), file.Open(dir))
		if err != nil {
			t.Fatalf("after kill %d: %v", round, err)
		}
		if after <= said {
			t.Fatalf("after kill %d the counter is %d, but %d was durable", round, after, said)
		}
	}
}

// count reads the next line, and is 0 at the end.
func count(t *testing.T, lines *bufio.Scanner) int {
	t.Helper()
	if !lines.Scan() {
		return 0
	}
	n, err := strconv.Atoi(lines.Text())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

package ledger

// Save saves a set of rows, all or none. The rows are encoded in the call: the
// caller may change them at once. What others saved beside our lease is taken
// over into the rows in the call too, where it is known already. What comes while
// a commit is under way is saved together by the next one. The channel is sent
// one value.
func (l *Ledger) Save(rows ...Row) <-chan Saved { return l.SaveSets(rows)[0] }

// SaveSets is [Ledger.Save] for several sets at once, which go into one commit.
func (l *Ledger) SaveSets(sets ...[]Row) []<-chan Saved {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]<-chan Saved, len(sets))
	for i, rows := range sets {
		s := newSet()
		out[i] = s.done
		if l.queue.closed {
			s.done <- Saved{Err: errClosed}
			continue
		}
		if err := l.draft(s, rows); err != nil {
			s.done <- Saved{Err: err}
			continue
		}
		l.queue.add(s)
	}
	l.work()
	return out
}

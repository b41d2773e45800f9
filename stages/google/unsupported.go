package google

// UnsupportedError says that the platform cannot do this at all.
type UnsupportedError struct{ Text, Remedy string }

// Error is what it cannot do.
func (e *UnsupportedError) Error() string { return e.Text }

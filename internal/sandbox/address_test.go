package sandbox

import "testing"

func TestAddress(t *testing.T) {
	tests := []struct {
		listen string
		i      int
		want   string
	}{
		{"", 3, "127.0.0.1:0"},
		{"127.0.0.1:0", 3, "127.0.0.1:0"},
		{"127.0.0.1:4566", 0, "127.0.0.1:4566"},
		{"localhost:4566", 2, "localhost:4568"},
		{"[::1]:4566", 1, "[::1]:4567"},
		{"127.0.0.1:65535", 1, ""},
		{"127.0.0.1:-1", 0, ""},
		{"192.0.2.1:4566", 0, ""},
		{"example.org:4566", 0, ""},
		{":4566", 0, ""},
	}
	for _, test := range tests {
		got, err := address(test.listen, test.i)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("address(%q, %d) = %q, %v; want %q", test.listen, test.i, got, err, test.want)
		}
	}
}

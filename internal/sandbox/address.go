package sandbox

import (
	"fmt"
	"net"
	"strconv"
)

// address is where the i-th emulator listens.
func address(listen string, i int) (string, error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("sandbox: listen address %q: %w; give one such as 127.0.0.1:0", listen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("sandbox: listen address %q is not loopback; the sandbox asks for no real credentials, so it serves this machine alone", listen)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n+i > 65535 {
		return "", fmt.Errorf("sandbox: listen address %q: the port is a number from 0 to %d", listen, 65535-i)
	}
	if n > 0 {
		n += i
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), nil
}

package transport_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/transport"
)

// answering is a server that answers each request with the same bytes.
func answering(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4<<10)) // the request
			_, _ = io.WriteString(conn, answer)   // it may have hung up
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestLongHeads: what stands in a status, a header or a trailer is not told at length, and
// what is told of it is never a part, in which no credential would be known any more.
func TestLongHeads(t *testing.T) {
	const ends = "\r\n\r\n"
	long := strings.Repeat("some-words-", 10<<10)
	for name, answer := range map[string]string{
		"no HTTP":     long + ends,
		"status":      "HTTP/1.1 " + long + ends,
		"reason":      "HTTP/1.1 503 " + long + ends,
		"header line": "HTTP/1.1 200 OK\r\n" + long + ends,
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: " + long + ends,
		"location":    "HTTP/1.1 302 Found\r\nLocation: ://%zz" + long + "\r\nContent-Length: 0" + ends,
		"all headers": "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+long+"\r\n", 8) + ends,
		"trailer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A" + ends + "0\r\n" + long[:2<<10] + "\r\n" + ends,
	} {
		client := &http.Client{Transport: transport.New(nil, transport.Options{}), CheckRedirect: transport.CheckRedirect}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, answering(t, answer), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(request)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			err = errors.Join(err, resp.Body.Close())
		}
		if err == nil || len(err.Error()) > 1<<10 || strings.Contains(err.Error(), "some-words") {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

// TestShortHeads: what is short is told as net/http has it.
func TestShortHeads(t *testing.T) {
	client := &http.Client{Transport: transport.New(nil, transport.Options{})}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, answering(t, "SSH-2.0-OpenSSH_9.6\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(request)
	if err == nil {
		_ = resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "SSH-2.0") {
		t.Errorf("%v", err)
	}
}

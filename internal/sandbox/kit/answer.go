package kit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// WriteJSON answers with body, as a document of a media type.
func WriteJSON(w http.ResponseWriter, status int, media string, body any) {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck,errchkjson // plain data, to a client that may have gone away
}

// Hash are n bytes that are the same for the same text, as hexadecimal digits: the stuff
// that ids and checksums are made of.
func Hash(n int, text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:n])
}

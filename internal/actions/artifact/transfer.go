package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// blockSize is the most that one request uploads, as in GitHub's own client.
const blockSize = 8 << 20

// blockList is the storage's list of the blocks that make up a file.
type blockList struct {
	XMLName xml.Name `xml:"BlockList"`
	Latest  []string `xml:"Latest"`
}

// put uploads data to a signed address, in blocks and a list of them. A single
// request would do on GitHub, but act answers it with 200 and stores nothing.
func (c *Client) put(ctx context.Context, signed string, data []byte) error {
	if err := c.checkSigned(signed); err != nil {
		return err
	}
	list := blockList{}
	for block := range slices.Chunk(data, blockSize) {
		id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "sluice-%06d", len(list.Latest)))
		list.Latest = append(list.Latest, id)
		if err := c.upload(ctx, signed+"&comp=block&blockid="+url.QueryEscape(id), block, "upload of a block"); err != nil {
			return err
		}
	}
	text, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	return c.upload(ctx, signed+"&comp=blocklist", append([]byte(xml.Header), text...), "upload of the block list")
}

func (c *Client) upload(ctx context.Context, address string, body []byte, what string) error {
	_, err := retry(ctx, c, func() ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(body))
		if err != nil {
			return nil, unaddressed(what, err)
		}
		request.Header.Set("Content-Type", "application/octet-stream")
		request.Header.Set("X-Ms-Blob-Content-Type", "application/zip")
		_, status, err := do(c.http, request, what, maxAnswer)
		if err == nil && status != http.StatusCreated {
			err = &AnswerError{what, fmt.Errorf("%d instead of 201", status)}
		}
		return nil, err
	})
	return err
}

// fetch downloads what lies at a signed address, once more where proven is not
// content: one bad answer says nothing about what lies there.
func (c *Client) fetch(ctx context.Context, signed string, limit int64, proven func([]byte) error) ([]byte, error) {
	text, err := c.download(ctx, signed, limit)
	if err != nil || proven(text) == nil {
		return text, err
	}
	if err := c.clock.Sleep(ctx, c.wait/10); err != nil {
		return nil, err
	}
	if text, err = c.download(ctx, signed, limit); err == nil {
		err = proven(text)
	}
	return text, err
}

func (c *Client) download(ctx context.Context, signed string, limit int64) ([]byte, error) {
	const what = "download of the artifact"
	return retry(ctx, c, func() ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, signed, nil)
		if err != nil {
			return nil, unaddressed(what, err)
		}
		text, _, err := do(c.http, request, what, limit)
		return text, err
	})
}

// unaddressed says what failed without the address, whose query is a
// signature that grants access.
func unaddressed(what string, err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// isCutOff reports whether the service hung up without an answer.
func isCutOff(err error) bool {
	return err != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "connection reset"))
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(digest[:])
}

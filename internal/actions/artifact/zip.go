package artifact

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Limits bound what [Unpack] accepts from a zip file that somebody else wrote.
type Limits struct {
	Entries int   // files
	Size    int64 // bytes of all files together, unpacked
	Ratio   int64 // unpacked bytes for each packed one
}

// Pack makes a zip file of one file. What would not pass the ratio of limits
// is stored without compression, so that Pack never writes what Unpack
// refuses.
func Pack(name string, data []byte, limits Limits) ([]byte, error) {
	packed, err := pack(name, data, zip.Deflate)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limits.Ratio*int64(len(packed)) {
		return pack(name, data, zip.Store)
	}
	return packed, nil
}

func pack(name string, data []byte, method uint16) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	if err == nil {
		_, err = f.Write(data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Unpack returns the files of a zip file by name. It refuses names that leave
// the archive, names that occur twice, and whatever exceeds the limits, and
// believes no size that a header states.
func Unpack(packed []byte, limits Limits) (map[string][]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil, fmt.Errorf("not a zip file: %w", err)
	}
	if len(r.File) > limits.Entries {
		return nil, fmt.Errorf("the zip file has %d entries, at most %d are allowed", len(r.File), limits.Entries)
	}
	files := map[string][]byte{}
	room := min(limits.Size, limits.Ratio*int64(len(packed)))
	for _, f := range r.File {
		if err := checkEntry(f, files); err != nil {
			return nil, err
		}
		data, err := read(f, room)
		if err != nil {
			return nil, err
		}
		room -= int64(len(data))
		files[f.Name] = data
	}
	return files, nil
}

func checkEntry(f *zip.File, files map[string][]byte) error {
	if !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, "\\:\x00") || !f.Mode().IsRegular() {
		return fmt.Errorf("the zip file has an entry %.100q, which is not a plain file inside it", f.Name)
	}
	if _, twice := files[f.Name]; twice {
		return fmt.Errorf("the zip file has two entries %.100q", f.Name)
	}
	return nil
}

func read(f *zip.File, room int64) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("entry %q of the zip file: %w", f.Name, err)
	}
	data, err := io.ReadAll(io.LimitReader(in, room+1))
	if err := errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("entry %q of the zip file: %w", f.Name, err)
	}
	if int64(len(data)) > room {
		return nil, fmt.Errorf("the zip file unpacks to more than is allowed (entry %q)", f.Name)
	}
	return data, nil
}

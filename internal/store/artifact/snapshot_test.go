package artifact

import (
	"testing"

	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

// A snapshot is believed only whole: what is taken is of the pipeline, has its serial,
// and each of its entries is one that can be read.
func FuzzSnapshot(f *testing.F) {
	f.Add(`{"schema":"` + schema + `","pipeline":"shop","serial":1,"entries":[],"digest":""}`)
	f.Add(`{"schema":"` + schema + `","pipeline":"shop","serial":1,"entries":[null],"digest":""}`)
	f.Add(`{"schema":"` + schema + `","pipeline":"shop","serial":2,"parents":["a"],"ancestors":[{"id":"a","serial":1}],"entries":[{"data":"e30="}]}`)
	whole := &snapshot{Schema: schema, Pipeline: "shop", Save: "s", Serial: 1}
	if zip, err := whole.pack(); err != nil {
		f.Fatal(err)
	} else if _, err := unpack("shop", zip); err != nil {
		f.Fatal(err)
	} else if files, err := artifact.Unpack(zip, limits); err != nil {
		f.Fatal(err)
	} else {
		f.Add(string(files[fileName]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		zip, err := artifact.Pack(fileName, []byte(text), limits)
		if err != nil {
			return
		}
		s, err := unpack("shop", zip)
		if err != nil {
			return
		}
		if sum, err := s.sum(); err != nil || s.Pipeline != "shop" || s.Serial < 1 || s.id != store.Sum(zip) || sum == "" {
			t.Errorf("%q is taken as %+v", text, s)
		}
		for _, i := range s.Entries {
			if i.Origin.ID == "" || i.Version == "" {
				t.Errorf("%q has an entry without a version: %+v", text, i)
			}
		}
	})
}

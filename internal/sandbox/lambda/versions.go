package lambda

import (
	"cmp"
	"net/http"
)

func (e *Emulator) getConfiguration(region string, r *http.Request) (int, any, error) {
	f, err := e.state.function(region, r.PathValue("fn"))
	if err != nil {
		return 0, nil, err
	}
	qualifier := cmp.Or(r.URL.Query().Get("Qualifier"), latest)
	shown := qualifier
	if a := f.Aliases[qualifier]; a != nil {
		shown = a.FunctionVersion
	}
	v, err := f.version(shown)
	return http.StatusOK, v, err
}

func (e *Emulator) updateCode(region string, r *http.Request) (int, any, error) {
	var input struct {
		ZipFile, S3Bucket, S3Key, S3ObjectVersion, ImageUri string //nolint:revive,staticcheck // as on the wire
		Publish                                             bool
	}
	f, err := e.state.function(region, r.PathValue("fn"))
	if err != nil {
		return 0, nil, err
	}
	if err := decode(r, &input); err != nil {
		return 0, nil, err
	}
	code := input.ZipFile + input.S3Bucket + input.S3Key + input.S3ObjectVersion + input.ImageUri
	if code == "" {
		return 0, nil, invalid("Please provide a source for function code.")
	}
	f.upload(code, e.now())
	if input.Publish {
		return http.StatusOK, f.publish("", e.now()), nil
	}
	return http.StatusOK, f.Latest, nil
}

func (e *Emulator) listVersions(region string, r *http.Request) (int, any, error) {
	f, err := e.state.function(region, r.PathValue("fn"))
	if err != nil {
		return 0, nil, err
	}
	// docs/platforms.md: "`ListVersionsByFunction` begins with `$LATEST`"
	items, next, err := page(r, append([]*version{&f.Latest}, f.Versions...))
	return http.StatusOK, struct {
		Versions   []*version
		NextMarker *string
	}{items, next}, err
}

func (e *Emulator) publishVersion(region string, r *http.Request) (int, any, error) {
	var input struct{ CodeSha256, Description, RevisionID string }
	f, err := e.state.function(region, r.PathValue("fn"))
	if err != nil {
		return 0, nil, err
	}
	if err := decode(r, &input); err != nil {
		return 0, nil, err
	}
	if input.CodeSha256 != "" && input.CodeSha256 != f.Latest.CodeSha256 {
		return 0, nil, invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", input.CodeSha256, f.Latest.CodeSha256)
	}
	return http.StatusCreated, f.publish(input.Description, e.now()), nil
}

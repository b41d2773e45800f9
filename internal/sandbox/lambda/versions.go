package lambda

import "cmp"

func getConfiguration(c *call) (any, error) {
	qualifier := cmp.Or(c.URL.Query().Get("Qualifier"), latest)
	if a := c.function.Aliases[qualifier]; a != nil {
		qualifier = a.FunctionVersion
	}
	return c.function.version(qualifier)
}

// codeInput is what a request says of a function's code, in one of the ways there are.
type codeInput struct {
	ZipFile, S3Bucket, S3Key, S3ObjectVersion, ImageUri string //nolint:revive,staticcheck // as on the wire
	Publish                                             bool
}

func updateCode(c *call, in *codeInput) (any, error) {
	code := in.ZipFile + in.S3Bucket + in.S3Key + in.S3ObjectVersion + in.ImageUri
	if code == "" {
		return nil, invalid("Please provide a source for function code.")
	}
	c.function.upload(code, c.now)
	if in.Publish {
		return c.function.publish("", c.now), nil
	}
	return c.function.Latest, nil
}

func listVersions(c *call) (any, error) {
	// docs/platforms.md: "`ListVersionsByFunction` begins with `$LATEST`"
	items, next, err := page(c, append([]*version{&c.function.Latest}, c.function.Versions...))
	return struct {
		Versions   []*version
		NextMarker *string
	}{items, next}, err
}

type publishInput struct{ CodeSha256, Description, RevisionID string }

func publishVersion(c *call, in *publishInput) (any, error) {
	if have := c.function.Latest.CodeSha256; in.CodeSha256 != "" && in.CodeSha256 != have {
		return nil, invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, have)
	}
	return c.function.publish(in.Description, c.now), nil
}

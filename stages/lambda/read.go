package lambda

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/middleware"

	"sluice/canary"
	"sluice/internal/guard"
	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// latestVersion is what Lambda calls the code that is not published.
const latestVersion = "$LATEST"

// version is what of a version matters here.
type version struct {
	number, code string // code is its CodeSha256, 12 hexadecimal digits of it
	digest       string // its CodeSha256 as digests are written
	role, dead   string
	description  string
	created      time.Time
}

// release is the version of a function as a release. Its time is told where it is
// asked for by name alone: what a target runs has another id in another function,
// and whoever promotes it there has to resolve it.
func (v version) release(function string) driver.Release {
	return driver.Release{ID: function + ":" + v.number + "@" + v.code, Name: v.number, Comment: v.description, Digest: v.digest}
}

func (v version) resolved(function string) driver.Release {
	r := v.release(function)
	r.CreateTime = v.created
	return r
}

// id is a release's id in its parts.
type id struct{ function, number, code string }

// parse reads a release's id.
func parse(text string) (id, bool) {
	function, rest, named := strings.Cut(text, ":")
	number, code, coded := strings.Cut(rest, "@")
	return id{function, number, code}, named && coded && function != "" && number != "" && code != ""
}

// alias is an alias as an answer shows it.
type alias struct {
	stands
	revision string
}

// alias reads a target's.
func (d *functions) alias(ctx context.Context, at place) (alias, error) {
	out, err := d.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &at.Function, Name: &at.Alias}, at.in)
	if err != nil {
		return alias{}, err
	}
	return believeAlias("GetAlias", (*lambda.UpdateAliasOutput)(out), at, out.ResultMetadata)
}

// believeAlias is the alias that an answer shows, if it shows the one that was asked
// for. An alias always runs a version: Lambda makes none without.
func believeAlias(operation string, out *lambda.UpdateAliasOutput, at place, metadata middleware.Metadata) (alias, error) {
	var lacks []string
	if aws.ToString(out.Name) != at.Alias {
		lacks = append(lacks, "the Name "+at.Alias)
	}
	if !strings.HasSuffix(aws.ToString(out.AliasArn), ":function:"+at.Function+":"+at.Alias) {
		lacks = append(lacks, "the AliasArn of "+at.Function+":"+at.Alias)
	}
	if aws.ToString(out.FunctionVersion) == "" {
		lacks = append(lacks, "a FunctionVersion")
	}
	if aws.ToString(out.RevisionId) == "" {
		lacks = append(lacks, "a RevisionId")
	}
	s := stands{Version: aws.ToString(out.FunctionVersion)}
	if out.RoutingConfig != nil {
		if len(out.RoutingConfig.AdditionalVersionWeights) > 1 {
			lacks = append(lacks, "one weight alone")
		}
		for version, weight := range out.RoutingConfig.AdditionalVersionWeights {
			if weight < 0 || weight > 1 || !isNumber(version) {
				lacks = append(lacks, "a weight from 0 to 1 of a version")
			}
			s.Canary, s.Percent = version, canary.PercentOfFraction(weight)
		}
	}
	if s.Percent.IsZero() {
		s.Canary, s.Percent = "", ""
	}
	return alias{s, aws.ToString(out.RevisionId)}, amazon.Lacking(operation, metadata, lacks...)
}

func isNumber(text string) bool {
	n, err := strconv.ParseUint(text, 10, 64)
	return err == nil && n > 0
}

// version reads a version of the target's function.
func (d *functions) version(ctx context.Context, at place, number string) (version, error) {
	out, err := d.client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &at.Function, Qualifier: &number}, at.in)
	if err != nil {
		return version{}, err
	}
	return believeVersion("GetFunctionConfiguration", types.FunctionConfiguration{
		FunctionName: out.FunctionName, Version: out.Version, CodeSha256: out.CodeSha256, LastModified: out.LastModified,
		Role: out.Role, DeadLetterConfig: out.DeadLetterConfig, Description: out.Description,
	}, at.Function, number, out.ResultMetadata)
}

// believeVersion is a version as an answer shows it, if it is the one that was
// asked for; number "" is any.
func believeVersion(operation string, out types.FunctionConfiguration, function, number string, metadata middleware.Metadata) (version, error) {
	var lacks []string
	if aws.ToString(out.FunctionName) != function {
		lacks = append(lacks, "the FunctionName "+function)
	}
	v := version{number: aws.ToString(out.Version), role: aws.ToString(out.Role), description: aws.ToString(out.Description)}
	if number != "" && v.number != number || v.number != latestVersion && !isNumber(v.number) {
		lacks = append(lacks, strings.TrimSpace("the Version "+number))
	}
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(out.CodeSha256))
	if err != nil || len(sum) != 32 {
		lacks = append(lacks, "a CodeSha256")
	} else {
		v.code, v.digest = hex.EncodeToString(sum[:6]), "sha256:"+hex.EncodeToString(sum)
	}
	if v.created, err = time.Parse("2006-01-02T15:04:05.999-0700", aws.ToString(out.LastModified)); err != nil {
		lacks = append(lacks, "a time as LastModified")
	}
	if out.DeadLetterConfig != nil {
		v.dead = aws.ToString(out.DeadLetterConfig.TargetArn)
	}
	return v, amazon.Lacking(operation, metadata, lacks...)
}

// mostPages bounds a list of versions, of 50 a page.
const mostPages = 200

// published lists a function's published versions.
func (d *functions) published(ctx context.Context, at place) ([]version, error) {
	var all []version
	in := &lambda.ListVersionsByFunctionInput{FunctionName: &at.Function}
	for had := map[string]bool{}; len(had) < mostPages; {
		out, err := d.client.ListVersionsByFunction(ctx, in, at.in)
		if err != nil {
			return nil, err
		}
		for _, listed := range out.Versions {
			v, err := believeVersion("ListVersionsByFunction", listed, at.Function, "", out.ResultMetadata)
			if err != nil {
				return nil, err
			}
			if v.number != latestVersion {
				all = append(all, v)
			}
		}
		if len(out.Versions) == 0 && in.Marker == nil {
			return nil, amazon.Lacking("ListVersionsByFunction", out.ResultMetadata, "the version $LATEST, which every function has")
		}
		next := aws.ToString(out.NextMarker)
		if next == "" {
			return all, nil
		}
		if had[next] {
			return nil, amazon.Lacking("ListVersionsByFunction", out.ResultMetadata, "a page that follows the one before")
		}
		had[next], in.Marker = true, &next
	}
	return nil, &amazon.InvalidError{Text: fmt.Sprintf("function %s has more than %d pages of versions", at.Function, mostPages), Remedy: "delete old ones, or name a release by its id"}
}

// warming is an alias' provisioned concurrency.
type warming struct {
	on     bool
	status types.ProvisionedConcurrencyStatusEnum
	reason string
}

// warming reads a target's.
func (d *functions) warming(ctx context.Context, at place) (warming, error) {
	out, err := d.client.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &at.Function, Qualifier: &at.Alias}, at.in)
	if _, none := errors.AsType[*types.ProvisionedConcurrencyConfigNotFoundException](err); none {
		return warming{}, nil
	}
	if err != nil {
		return warming{}, err
	}
	if out.Status == "" {
		return warming{}, amazon.Lacking("GetProvisionedConcurrencyConfig", out.ResultMetadata, "a Status")
	}
	return warming{on: true, status: out.Status, reason: aws.ToString(out.StatusReason)}, nil
}

// Live is what the aliases run. Where Lambda itself keeps all traffic on the version
// before, because the new one is not warm yet, that one runs and the new one is
// pending.
func (d *functions) Live(ctx context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live := make([]driver.Live, len(targets))
	errs := guard.Each("reading aliases", d.atOnce, len(targets), func(i int) (err error) {
		live[i], err = d.live(ctx, targets[i])
		return err
	})
	return live, errs
}

func (d *functions) live(ctx context.Context, t driver.Target) (driver.Live, error) {
	at, err := d.place(t)
	if err != nil {
		return driver.Live{}, err
	}
	a, err := d.alias(ctx, at)
	if err != nil {
		return driver.Live{}, err
	}
	own, err := d.version(ctx, at, a.Version)
	if err != nil {
		return driver.Live{}, err
	}
	live := driver.Whole(own.release(at.Function))
	if a.Canary == "" {
		return live, nil
	}
	other, err := d.version(ctx, at, a.Canary)
	if err != nil {
		return driver.Live{}, err
	}
	if a.Percent.Rest().IsZero() {
		w, err := d.warming(ctx, at)
		if err != nil {
			return driver.Live{}, err
		}
		if w.on {
			pending := live.Release
			live = driver.Whole(other.release(at.Function))
			live.Pending = &pending
			return live, nil
		}
	}
	releases := map[string]driver.Release{a.Version: live.Release, a.Canary: other.release(at.Function)}
	live.Shares = nil
	for _, share := range a.split().Shares() {
		live.Shares = append(live.Shares, driver.Share{Release: releases[share.Release], Percent: share.Percent.String()})
	}
	return live, nil
}

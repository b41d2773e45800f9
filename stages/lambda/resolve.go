package lambda

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// Resolve finds a version of the target's function by its id, its number, its
// description or its code. The id of another function's version, or of one whose code
// this function's version of that number has not, means its code: the newest version
// of the target's function with the same code is found.
func (d *functions) Resolve(ctx context.Context, t driver.Target, called string) (driver.Release, error) {
	at, err := d.place(t)
	if err != nil {
		return driver.Release{}, err
	}
	named, isID := parse(called)
	number := named.number
	if !isID {
		named, number = id{}, called
	}
	if number == latestVersion {
		return driver.Release{}, onLatest(at.Function)
	}
	if isNumber(number) && (!isID || named.function == at.Function) {
		own, found, err := d.own(ctx, at, number, named)
		if found || err != nil {
			return own, err
		}
	}
	all, err := d.published(ctx, at)
	if err != nil {
		return driver.Release{}, err
	}
	switch {
	case called == driver.Latest:
		return newest(at.Function, all)
	case isID:
		return sameCode(at.Function, all, called, named)
	default:
		return calledSo(at.Function, all, called)
	}
}

// own is the target's own version of a number. Where that has other code than the id
// says, or is not there, another function's is meant: one of the same name elsewhere.
func (d *functions) own(ctx context.Context, at place, number string, named id) (driver.Release, bool, error) {
	v, err := d.version(ctx, at, number)
	byID := named != (id{})
	switch {
	case err == nil && (!byID || v.code == named.code):
		return v.resolved(at.Function), true, nil
	case err != nil && (!byID || d.Explain(err).Code != driver.NotFound):
		return driver.Release{}, false, err
	default:
		return driver.Release{}, false, nil
	}
}

func onLatest(function string) error {
	return &amazon.InvalidError{
		Text:   fmt.Sprintf("%s:%s is no release: its code changes with every upload, without anybody promoting it", function, latestVersion),
		Remedy: "publish a version (`aws lambda publish-version --function-name " + function + "`), and have the alias run that",
	}
}

// byNumber orders versions, the newest last.
func byNumber(a, b version) int {
	x, _ := strconv.ParseUint(a.number, 10, 64)
	y, _ := strconv.ParseUint(b.number, 10, 64)
	if x < y {
		return -1
	}
	return 1
}

func newest(function string, all []version) (driver.Release, error) {
	if len(all) == 0 {
		return driver.Release{}, &amazon.NotFoundError{Text: "function " + function + " has no published version", Remedy: "publish one: `aws lambda publish-version --function-name " + function + "`"}
	}
	return slices.MaxFunc(all, byNumber).resolved(function), nil
}

// sameCode is the newest version with the code of one of another function, region
// or account.
func sameCode(function string, all []version, called string, named id) (driver.Release, error) {
	same := slices.DeleteFunc(all, func(v version) bool { return v.code != named.code })
	if len(same) == 0 {
		return driver.Release{}, &amazon.NotFoundError{
			Text:   fmt.Sprintf("no published version of %s has the code of %s", function, called),
			Remedy: fmt.Sprintf("upload the same package there and publish it (`aws lambda update-function-code --publish --function-name %s …`), or name one of its own versions (--release)", function),
		}
	}
	r := slices.MaxFunc(same, byNumber).resolved(function)
	r.Origin = called
	return r, nil
}

// calledSo is the version that people call by its description or its code.
func calledSo(function string, all []version, called string) (driver.Release, error) {
	var found []driver.Release
	var ids []string
	for _, v := range all {
		r := v.resolved(function)
		if v.description == called || len(called) >= 7 && strings.HasPrefix(v.code, called) {
			found, ids = append(found, r), append(ids, r.ID)
		}
	}
	switch len(found) {
	case 0:
		return driver.Release{}, &amazon.NotFoundError{Text: fmt.Sprintf("no published version of %s is called %q", function, called), Remedy: "name one by its number"}
	case 1:
		return found[0], nil
	default:
		return driver.Release{}, &amazon.InvalidError{Text: fmt.Sprintf("%d versions are called %q: %s", len(found), called, strings.Join(ids, ", ")), Remedy: "name one by its number"}
	}
}

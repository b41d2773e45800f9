package amazon

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"sluice/stages/driver"
)

// Regional takes the region off a name of the form [REGION/]…; own is the client's,
// which is meant where the name has none. It is an [*InvalidError] where neither is
// known, or where nothing is named.
func Regional(finds driver.Finds, what, own string) (region, rest string, err error) {
	region, rest, several := strings.Cut(what, "/")
	if !several || !regexp.MustCompile(`^(?:`+RegionPattern+`)$`).MatchString(region) {
		region, rest = "", what
	}
	if rest == "" {
		return "", "", Malformed(finds, what)
	}
	if region, err = RegionOr(region, own); err != nil {
		return "", "", &InvalidError{Text: "no AWS region is known", Remedy: "say it before the name, as in " + finds.Example + ", or set AWS_REGION"}
	}
	return region, rest, nil
}

// Malformed is the error of a name that has not the form it should have.
func Malformed(finds driver.Finds, what string) error {
	return &InvalidError{Text: fmt.Sprintf("%q is not of the form %s", what, finds.What), Remedy: "write it like " + finds.Example}
}

// ElsewhereRemedy is what to do where a region has not what was asked for.
func ElsewhereRemedy(rest string) string {
	return "where it is in another region, say so, as in us-east-1/" + rest + "; the account is that of the credentials"
}

// Place is something of a name that a target may be; config is the driver's own plain
// data.
func Place(name string, config any) driver.Place {
	data, _ := json.Marshal(config) // plain data always encodes
	return driver.Place{Name: name, Config: data}
}

package google

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"sluice/stages/driver"
)

// Login is how a job gets credentials: GitHub's token is exchanged for those of a
// service account.
func Login() driver.Login {
	return driver.Login{
		Steps: `- uses: google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093 # v3.0.0
  with:
    workload_identity_provider: ${{ vars.GOOGLE_WORKLOAD_IDENTITY_PROVIDER }}
    service_account: ${{ vars.GOOGLE_SERVICE_ACCOUNT }}
`,
		IDToken: true, Variables: []string{"GOOGLE_WORKLOAD_IDENTITY_PROVIDER", "GOOGLE_SERVICE_ACCOUNT"},
	}
}

// Find implements [driver.Finder] for a driver that is one.
func (d confirmed) Find(ctx context.Context, what string) (driver.Existing, error) {
	finder, ok := d.Driver.(driver.Finder)
	if !ok {
		return driver.Existing{}, &UnsupportedError{Text: "what exists cannot be listed"}
	}
	return finder.Find(ctx, what)
}

// Parts are the parts of a name of the form finds, such as PROJECT/LOCATION[/SERVICE];
// what was left out is "". What has another form is an [*InvalidError].
func Parts(finds driver.Finds, what string) ([]string, error) {
	required, _, _ := strings.Cut(finds.What, "[")
	least, most := strings.Count(required, "/")+1, strings.Count(finds.What, "/")+1
	parts := strings.Split(what, "/")
	wrong := len(parts) < least || len(parts) > most
	for _, part := range parts {
		wrong = wrong || !IsName(part)
	}
	if wrong {
		return nil, &InvalidError{Text: fmt.Sprintf("%q is not of the form %s", what, finds.What), Remedy: "write it like " + finds.Example}
	}
	return append(parts, make([]string, most-len(parts))...), nil
}

// Names are the short names of what a list holds, or that of the one resource that is
// asked for, which must be there. size is the parameter that says how long pages are.
func (c *Client) Names(ctx context.Context, list, one, size string) ([]string, error) {
	if one != "" {
		_, err := c.Get(ctx, list+"/"+one)
		return []string{one}, err
	}
	var names []string
	for page, err := range EachPage[Fields](ctx, c, list, Last(list), url.Values{size: {"100"}}) {
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			names = append(names, Last(r.Text("name")))
		}
	}
	if len(names) == 0 {
		return nil, &NotFoundError{Text: "there are no " + Last(list) + " in " + strings.TrimSuffix(list, "/"+Last(list))}
	}
	return names, nil
}

// Place is a resource of a name as something that a target may be; config is the
// driver's own plain data.
func Place(name string, config any) driver.Place {
	data, _ := json.Marshal(config) // plain data always encodes
	return driver.Place{Name: name, Config: data}
}

package lambda

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

var _ driver.Finder = (*functions)(nil)

// Find lists the aliases of a function.
func (d *functions) Find(ctx context.Context, what string) (driver.Existing, error) {
	region, function, err := amazon.Regional(Facts().Finds, what, d.client.Options().Region)
	if err != nil {
		return driver.Existing{}, err
	}
	if strings.Contains(function, "/") {
		return driver.Existing{}, amazon.Malformed(Facts().Finds, what)
	}
	at := place{Function: function, Region: region}
	found := driver.Existing{Name: function, One: true}
	pages := lambda.NewListAliasesPaginator(d.client, &lambda.ListAliasesInput{FunctionName: &at.Function}, func(o *lambda.ListAliasesPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, at.in)
		if err != nil {
			return driver.Existing{}, err
		}
		for _, a := range page.Aliases {
			if at.Alias = aws.ToString(a.Name); at.Alias == "" {
				return driver.Existing{}, amazon.Lacking("ListAliases", page.ResultMetadata, "the Name of an alias")
			}
			one := amazon.Place(at.Alias, at)
			if aws.ToString(a.FunctionVersion) == latestVersion {
				one.Note = "it runs " + latestVersion + ", which is no release: have it run a published version first"
			}
			found.Places = append(found.Places, one)
		}
	}
	if len(found.Places) == 0 {
		return driver.Existing{}, &amazon.NotFoundError{Text: fmt.Sprintf("function %s in %s has no alias", function, region), Remedy: "make one for each stage (`aws lambda create-alias`)"}
	}
	return found, nil
}

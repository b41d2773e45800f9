package ecs

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

var _ driver.Finder = (*services)(nil)

// Find is a service, or all those of a cluster.
func (d *services) Find(ctx context.Context, what string) (driver.Existing, error) {
	region, rest, err := amazon.Regional(Facts().Finds, what, d.client.Options().Region)
	if err != nil {
		return driver.Existing{}, err
	}
	cluster, one, _ := strings.Cut(rest, "/")
	if cluster == "" || strings.Contains(one, "/") {
		return driver.Existing{}, amazon.Malformed(Facts().Finds, what)
	}
	at := place{Cluster: cluster, Region: region}
	names := []string{one}
	if one == "" {
		if names, err = d.names(ctx, at); err != nil {
			return driver.Existing{}, err
		}
	}
	found := driver.Existing{Name: one}
	for _, at.Service = range names {
		s, err := d.service(ctx, at)
		if err != nil {
			return driver.Existing{}, err
		}
		place := amazon.Place(at.Service, at)
		if controller := controllerOf(s); controller != "ECS" {
			place.Note = "deployed by " + controller + ", which Sluice does not work with: its deployment controller must be ECS"
		}
		found.Places = append(found.Places, place)
	}
	return found, nil
}

// names are the services of a cluster.
func (d *services) names(ctx context.Context, at place) ([]string, error) {
	var names []string
	pages := ecs.NewListServicesPaginator(d.client, &ecs.ListServicesInput{Cluster: &at.Cluster, MaxResults: aws.Int32(100)}, func(o *ecs.ListServicesPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, at.in)
		if err != nil {
			return nil, err
		}
		for _, arn := range page.ServiceArns {
			names = append(names, last(arn))
		}
	}
	if len(names) == 0 {
		return nil, &amazon.NotFoundError{Text: fmt.Sprintf("cluster %s in %s has no service", at.Cluster, at.Region), Remedy: amazon.ElsewhereRemedy(at.Cluster)}
	}
	return names, nil
}

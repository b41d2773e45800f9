// Google's generated clients for Go, by REST and by GAPIC, on the emulators: a promotion of
// Cloud Deploy and its rollback, and what the other services answer. It is a module of its
// own, so that what it needs stays out of Sluice's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	deploy "cloud.google.com/go/deploy/apiv1"
	"cloud.google.com/go/deploy/apiv1/deploypb"
	"google.golang.org/api/clouddeploy/v1"
	"google.golang.org/api/config/v1"
	"google.golang.org/api/deploymentmanager/v2"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/api/run/v2"
)

const (
	parent   = "projects/shop-1234/locations/europe-west1"
	pipeline = parent + "/deliveryPipelines/run"
)

func main() {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute)
	defer stop()
	gapic(ctx)
	generated(ctx)
}

// call tells how a call went; ask returns what is wrong with the answer, or nil.
func call(name string, ask func() error) {
	verdict, why := "WORKS", ""
	if err := ask(); err != nil {
		verdict, why = "DIFFERS", strings.Join(strings.Fields(err.Error()), " ")
		if strings.Contains(why, "does not serve") {
			verdict = "REFUSED"
		}
	}
	fmt.Println(strings.Join([]string{verdict, name, why}, "\t"))
}

func at(service string) []option.ClientOption {
	endpoint := os.Getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_" + service)
	return []option.ClientOption{option.WithEndpoint(strings.TrimSuffix(endpoint, "/")), option.WithoutAuthentication()}
}

// gapic drives Cloud Deploy by the client that Google recommends, which asks for enums as numbers.
func gapic(ctx context.Context) {
	client, err := deploy.NewCloudDeployRESTClient(ctx, at("CLOUDDEPLOY")...)
	if err != nil {
		call("GAPIC deploy", func() error { return err })
		return
	}
	defer client.Close() //nolint:errcheck // the process ends
	call("GAPIC deploy GetDeliveryPipeline", func() error {
		p, err := client.GetDeliveryPipeline(ctx, &deploypb.GetDeliveryPipelineRequest{Name: pipeline})
		if err == nil && len(p.GetSerialPipeline().GetStages()) != 2 {
			return fmt.Errorf("%v", p)
		}
		return err
	})
	var newest *deploypb.Release
	call("GAPIC deploy ListReleases", func() error {
		releases := client.ListReleases(ctx, &deploypb.ListReleasesRequest{Parent: pipeline, OrderBy: "createTime desc", PageSize: 1})
		newest, err = releases.Next()
		return err
	})
	call("GAPIC deploy CreateRollout", func() error {
		op, err := client.CreateRollout(ctx, &deploypb.CreateRolloutRequest{
			Parent: newest.GetName(), RolloutId: "by-gapic", Rollout: &deploypb.Rollout{TargetId: "prod"},
		})
		if err != nil {
			return err
		}
		made, err := op.Wait(ctx)
		if err == nil && made.GetTargetId() != "prod" {
			return fmt.Errorf("%v", made)
		}
		return err
	})
	call("GAPIC deploy GetRollout, until it is over", func() error {
		for {
			r, err := client.GetRollout(ctx, &deploypb.GetRolloutRequest{Name: newest.GetName() + "/rollouts/by-gapic"})
			if err != nil || r.GetState() == deploypb.Rollout_SUCCEEDED {
				return err
			}
			time.Sleep(500 * time.Millisecond)
			if ctx.Err() != nil {
				return fmt.Errorf("it is still %s", r.GetState())
			}
		}
	})
	call("GAPIC deploy RollbackTarget", func() error {
		_, err := client.RollbackTarget(ctx, &deploypb.RollbackTargetRequest{Name: pipeline, TargetId: "prod", RolloutId: "back"})
		return err
	})
	call("GAPIC deploy ListTargets", func() error {
		targets := client.ListTargets(ctx, &deploypb.ListTargetsRequest{Parent: parent})
		for n := 0; ; n++ {
			_, err := targets.Next()
			if errors.Is(err, iterator.Done) && n > 1 {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	call("GAPIC deploy ListAutomations", func() error {
		_, err := client.ListAutomations(ctx, &deploypb.ListAutomationsRequest{Parent: pipeline}).Next()
		return err
	})
}

// generated drives each service by the client that is made of its discovery document.
func generated(ctx context.Context) {
	call("generated clouddeploy releases.list", func() error {
		s, err := clouddeploy.NewService(ctx, at("CLOUDDEPLOY")...)
		if err != nil {
			return err
		}
		list, err := s.Projects.Locations.DeliveryPipelines.Releases.List(pipeline).Context(ctx).Do()
		if err == nil && len(list.Releases) == 0 {
			return errors.New("no release")
		}
		return err
	})
	call("generated deploymentmanager deployments.get and operations.list", func() error {
		s, err := deploymentmanager.NewService(ctx, at("DEPLOYMENTMANAGER")...)
		if err != nil {
			return err
		}
		d, err := s.Deployments.Get("shop-1234", "net").Context(ctx).Do()
		if err != nil {
			return err
		}
		list, err := s.Operations.List("shop-1234").Context(ctx).Do()
		if err == nil && (len(list.Operations) == 0 || d.Operation == nil) {
			return errors.New("no operation made it")
		}
		return err
	})
	call("generated config deployments.list", func() error {
		s, err := config.NewService(ctx, at("CONFIG")...)
		if err != nil {
			return err
		}
		list, err := s.Projects.Locations.Deployments.List(parent).Context(ctx).Do()
		if err == nil && len(list.Deployments) == 0 {
			return errors.New("no deployment")
		}
		return err
	})
	call("generated run services.get", func() error {
		s, err := run.NewService(ctx, at("RUN")...)
		if err != nil {
			return err
		}
		got, err := s.Projects.Locations.Services.Get(parent + "/services/web").Context(ctx).Do()
		if err == nil && len(got.TrafficStatuses) == 0 {
			return errors.New("no traffic")
		}
		return err
	})
	call("generated run services.list", func() error {
		s, err := run.NewService(ctx, at("RUN")...)
		if err != nil {
			return err
		}
		list, err := s.Projects.Locations.Services.List(parent).Context(ctx).Do()
		if err == nil && len(list.Services) == 0 {
			return errors.New("no service")
		}
		return err
	})
	call("generated run jobs.list", func() error {
		s, err := run.NewService(ctx, at("RUN")...)
		if err != nil {
			return err
		}
		_, err = s.Projects.Locations.Jobs.List(parent).Context(ctx).Do()
		return err
	})
}

package clouddeploy

import "encoding/json"

// rollout is what the driver must know of one among others. What it follows is read
// as it is, as a [view].
type rollout struct {
	Name            string `json:"name"`
	TargetID        string `json:"targetId"`
	State           string `json:"state"`
	Description     string `json:"description"`
	CreateTime      string `json:"createTime"`
	DeployStartTime string `json:"deployStartTime"`
	DeployEndTime   string `json:"deployEndTime"`
}

// release is what the driver must know of one.
type release struct {
	Name        string                  `json:"name"`
	Description string                  `json:"description"`
	CreateTime  string                  `json:"createTime"`
	Abandoned   bool                    `json:"abandoned"`
	RenderState string                  `json:"renderState"`
	Renders     map[string]targetRender `json:"targetRenders"` // by the target's id
	Snapshot    *deliveryPipeline       `json:"deliveryPipelineSnapshot"`
}

// targetRender is how a release was rendered for one target.
type targetRender struct {
	State          string `json:"renderingState"`
	Build          string `json:"renderingBuild"`
	FailureCause   string `json:"failureCause"`
	FailureMessage string `json:"failureMessage"`
}

// deliveryPipeline is what the driver must know of one.
type deliveryPipeline struct {
	Labels    map[string]string `json:"labels"`
	Suspended bool              `json:"suspended"`
	Serial    struct {
		Stages []stage `json:"stages"`
	} `json:"serialPipeline"`
}

// stage is a target's place in a delivery pipeline.
type stage struct {
	TargetID string `json:"targetId"`
	Strategy struct {
		Canary *struct{} `json:"canary"` // nil for a deployment all at once
	} `json:"strategy"`
}

// operation is a long-running operation of a location.
type operation struct {
	Name     string          `json:"name"`
	Done     bool            `json:"done"`
	Error    *status         `json:"error"`
	Metadata json.RawMessage `json:"metadata"`
}

// operationMetadata is what an operation of Cloud Deploy says of itself.
type operationMetadata struct {
	Verb       string `json:"verb"`
	Target     string `json:"target"`
	CreateTime string `json:"createTime"`
	EndTime    string `json:"endTime"`
}

// status is google.rpc.Status.
type status struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// deployPolicy is what the driver must know of one.
type deployPolicy struct {
	Name      string     `json:"name"`
	Suspended bool       `json:"suspended"`
	Selectors []selector `json:"selectors"`
	Rules     []struct {
		Restriction *restriction `json:"rolloutRestriction"`
	} `json:"rules"`
}

// selector names what a policy is about; nil selects nothing by itself.
type selector struct {
	DeliveryPipeline *attribute `json:"deliveryPipeline"`
	Target           *attribute `json:"target"`
}

// attribute is an id, "*" or "" for all, and labels.
type attribute struct {
	ID     string            `json:"id"`
	Labels map[string]string `json:"labels"`
}

// restriction is when a policy forbids what to whom.
type restriction struct {
	ID       string       `json:"id"`
	Actions  []string     `json:"actions"`
	Invokers []string     `json:"invokers"`
	Windows  *timeWindows `json:"timeWindows"`
}

type timeWindows struct {
	TimeZone string          `json:"timeZone"`
	Weekly   []weeklyWindow  `json:"weeklyWindows"`
	OneTime  []oneTimeWindow `json:"oneTimeWindows"`
}

type weeklyWindow struct {
	DaysOfWeek []string   `json:"daysOfWeek"`
	StartTime  *timeOfDay `json:"startTime"`
	EndTime    *timeOfDay `json:"endTime"`
}

type oneTimeWindow struct {
	StartDate *date      `json:"startDate"`
	StartTime *timeOfDay `json:"startTime"`
	EndDate   *date      `json:"endDate"`
	EndTime   *timeOfDay `json:"endTime"`
}

// date is google.type.Date.
type date struct {
	Year  int `json:"year"`
	Month int `json:"month"`
	Day   int `json:"day"`
}

// timeOfDay is google.type.TimeOfDay.
type timeOfDay struct {
	Hours   int `json:"hours"`
	Minutes int `json:"minutes"`
	Seconds int `json:"seconds"`
	Nanos   int `json:"nanos"`
}

// newRollout is a rollout that is asked for.
type newRollout struct {
	Name        string            `json:"name,omitempty"`
	TargetID    string            `json:"targetId,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// rollbackTarget is the body of a request to go back.
type rollbackTarget struct {
	TargetID          string         `json:"targetId"`
	ReleaseID         string         `json:"releaseId"`
	RolloutID         string         `json:"rolloutId"`
	RolloutToRollBack string         `json:"rolloutToRollBack,omitempty"`
	Config            rollbackConfig `json:"rollbackConfig"`
	Policies          []string       `json:"overrideDeployPolicy,omitempty"`
}

type rollbackConfig struct {
	Rollout newRollout `json:"rollout"`
}

// command is the body of a command to a rollout; each kind has some of the fields.
type command struct {
	Approved *bool    `json:"approved,omitempty"`
	PhaseID  string   `json:"phaseId,omitempty"`
	JobID    string   `json:"jobId,omitempty"`
	Policies []string `json:"overrideDeployPolicy,omitempty"`
}

package rollout

import (
	"time"

	"sluice/stages/driver"
)

// Operation is how far an effect is, exactly in Deployment Manager's shape,
// whichever the platform. It is a view: nothing of it is stored.
type Operation struct {
	Name          string             `json:"name,omitzero"`
	OperationType string             `json:"operationType,omitzero"`
	TargetLink    string             `json:"targetLink,omitzero"` // pipeline/stage/target
	SelfLink      string             `json:"selfLink,omitzero"`
	Status        driver.Status      `json:"status"`
	Progress      int                `json:"progress,omitzero"` // percent
	User          string             `json:"user,omitzero"`
	InsertTime    time.Time          `json:"insertTime,omitzero"`
	StartTime     time.Time          `json:"startTime,omitzero"`
	EndTime       time.Time          `json:"endTime,omitzero"`
	Error         *OperationError    `json:"error,omitzero"` // DONE with an error is a failure
	Warnings      []OperationProblem `json:"warnings,omitempty"`
}

// OperationError is why an operation failed.
type OperationError struct {
	Errors []OperationProblem `json:"errors"`
}

// OperationProblem is one error or warning of an operation.
type OperationProblem struct {
	Code     string `json:"code,omitzero"`
	Location string `json:"location,omitzero"` // warnings have none
	Message  string `json:"message"`
}

// OperationOf is the operation of one of r's effects.
func OperationOf(r *Record, s Step) Operation {
	o := Operation{
		Name: s.Call.Key, OperationType: string(s.Call.Kind), TargetLink: r.Pipeline + "/" + r.Stage + "/" + r.Target,
		Status: statusOf(s.State), InsertTime: s.Call.Intended,
	}
	var problems []driver.Problem
	if op := s.Operation; op != nil {
		o.take(*op)
		problems = op.Results[r.Target].Errors
	}
	if o.Status == driver.Done && s.State == StepDone {
		o.Progress = 100
	}
	if s.State == StepFailed || s.State == StepWithdrawn {
		o.Error = operationError(problems, s.Message)
	}
	return o
}

func statusOf(s StepState) driver.Status {
	switch s {
	case StepIntended:
		return driver.Pending
	case StepBegun, StepAsking:
		return driver.Running
	default:
		return driver.Done
	}
}

// take fills in what the platform says.
func (o *Operation) take(op driver.Operation) {
	if op.ID != "" {
		o.Name = op.ID
	}
	if op.Kind != "" {
		o.OperationType = op.Kind
	}
	if !op.Inserted.IsZero() {
		o.InsertTime = op.Inserted
	}
	if o.Status == driver.Running && op.Status == driver.Pending {
		o.Status = driver.Pending
	}
	o.Progress, o.User, o.SelfLink, o.StartTime, o.EndTime = op.Progress, op.User, op.Link, op.Started, op.Ended
	for _, w := range op.Warnings {
		o.Warnings = append(o.Warnings, OperationProblem{Code: w.Code, Message: w.Message})
	}
}

func operationError(problems []driver.Problem, message string) *OperationError {
	if len(problems) == 0 {
		return &OperationError{Errors: []OperationProblem{{Message: message}}}
	}
	e := &OperationError{}
	for _, p := range problems {
		e.Errors = append(e.Errors, OperationProblem(p))
	}
	return e
}

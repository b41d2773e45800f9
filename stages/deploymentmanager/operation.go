package deploymentmanager

import (
	"encoding/json"
	"fmt"
	"strconv"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// operation is Deployment Manager's own long-running work, read leniently: its
// errors come in many shapes.
type operation struct {
	ResourceKind        string    `json:"kind"`
	ID                  string    `json:"id"`
	Name                string    `json:"name"`
	OperationType       string    `json:"operationType"`
	Status              string    `json:"status"`
	Progress            int       `json:"progress"`
	User                string    `json:"user"`
	InsertTime          string    `json:"insertTime"`
	StartTime           string    `json:"startTime"`
	EndTime             string    `json:"endTime"`
	SelfLink            string    `json:"selfLink"`
	TargetLink          string    `json:"targetLink"`
	TargetID            string    `json:"targetId"`
	HTTPErrorStatusCode int       `json:"httpErrorStatusCode"`
	HTTPErrorMessage    string    `json:"httpErrorMessage"`
	Error               errorList `json:"error"`
	Warnings            []problem `json:"warnings"`
}

type errorList struct {
	Errors []problem `json:"errors"`
}

// operationOf reads an operation's text.
func operationOf(raw json.RawMessage) (operation, error) {
	var o operation
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, fmt.Errorf("reading an operation: %w", err)
	}
	return o, nil
}

// done reports whether the operation is over. "status DONE, progress 100 and an
// empty error" is success; DONE before 100 is not done.
func (o operation) done() bool {
	return o.Status == string(driver.Done) && (o.Progress >= 100 || o.failed())
}

// failed reports whether the operation says that it failed, which a status of
// DONE does not contradict.
func (o operation) failed() bool { return len(o.Error.Errors) > 0 || o.HTTPErrorStatusCode >= 400 }

// open is the operation as the contract has it, still at work.
func (o operation) open(c driver.Call) driver.Operation {
	op := driver.Operation{
		Call: c, ID: o.Name, Kind: o.OperationType, Status: driver.Running, Progress: o.Progress, User: o.User,
		Inserted: google.Clock(o.InsertTime), Started: google.Clock(o.StartTime), Ended: google.Clock(o.EndTime), Link: o.SelfLink,
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {Outcome: driver.Open, Data: o.about()}},
	}
	switch o.Status {
	case string(driver.Pending):
		op.Status = driver.Pending
	case string(driver.Running), string(driver.Done):
	default:
		op.Warnings = append(op.Warnings, driver.Problem{Code: o.Status, Message: "Deployment Manager gives the operation a status that this version does not know; it is followed until it is DONE"})
	}
	for _, w := range o.Warnings {
		op.Warnings = append(op.Warnings, w.readable())
	}
	return op
}

// about is what the operation says of itself and of what it works on, as
// Deployment Manager names it.
func (o operation) about() json.RawMessage {
	data, err := json.Marshal(struct {
		Kind       string `json:"kind,omitempty"`
		ID         string `json:"id,omitempty"`
		TargetLink string `json:"targetLink,omitempty"`
		TargetID   string `json:"targetId,omitempty"`
	}{o.ResourceKind, o.ID, o.TargetLink, o.TargetID})
	if err != nil || string(data) == "{}" { // four texts always marshal
		return nil
	}
	return data
}

// end makes op, which is this operation, a failure with every reason.
func (o operation) end(op driver.Operation) driver.Operation {
	return failedWith(op, o.problems()...)
}

// problems are all errors of the operation, readable.
func (o operation) problems() []driver.Problem {
	var all []driver.Problem
	for _, e := range o.Error.Errors {
		all = append(all, e.readable())
	}
	if len(all) == 0 {
		all = append(all, driver.Problem{Code: strconv.Itoa(o.HTTPErrorStatusCode), Message: o.HTTPErrorMessage})
	}
	return all
}

// failedWith ends an operation for the reasons given.
func failedWith(op driver.Operation, why ...driver.Problem) driver.Operation {
	op.Status = driver.Done
	name := op.Call.Changes[0].Target.Name
	op.Results = map[string]driver.Result{name: {Outcome: driver.Failed, Errors: why, Data: op.Results[name].Data}}
	return op
}

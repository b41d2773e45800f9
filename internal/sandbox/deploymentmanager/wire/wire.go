// Package wire is what Deployment Manager's API takes and gives, as the emulator reads
// and writes it: all fields of its resources, by the API's discovery document, so that
// what the API takes is taken here and what it does not know is refused. What the
// emulator does not look into is kept as it came.
//
// Google's generated client has the same types, with gRPC, protocol buffers and
// OpenTelemetry behind them: a quarter of the program. A test holds each type here
// to its own.
package wire

import "encoding/json"

// Deployment is a configuration and the resources made of it.
type Deployment struct {
	Description string               `json:"description,omitempty"`
	Fingerprint string               `json:"fingerprint,omitempty"`
	ID          uint64               `json:"id,omitempty,string"`
	InsertTime  string               `json:"insertTime,omitempty"`
	Labels      []*Entry             `json:"labels,omitempty"`
	Manifest    string               `json:"manifest,omitempty"`
	Name        string               `json:"name,omitempty"`
	Operation   *Operation           `json:"operation,omitempty"`
	SelfLink    string               `json:"selfLink,omitempty"`
	Target      *TargetConfiguration `json:"target,omitempty"`
	Update      *DeploymentUpdate    `json:"update,omitempty"`
	UpdateTime  string               `json:"updateTime,omitempty"`
}

// Entry is a label of a deployment or of its update, or a detail of a warning.
type Entry struct {
	Key   string `json:"key,omitempty"`
	Value string `json:"value,omitempty"`
}

// DeploymentUpdate is what is being deployed or previewed.
type DeploymentUpdate struct {
	Description string   `json:"description,omitempty"`
	Labels      []*Entry `json:"labels,omitempty"`
	Manifest    string   `json:"manifest,omitempty"`
}

// TargetConfiguration is what is to be deployed.
type TargetConfiguration struct {
	Config  *ConfigFile   `json:"config,omitempty"`
	Imports []*ImportFile `json:"imports,omitempty"`
}

// ConfigFile is a configuration.
type ConfigFile struct {
	Content string `json:"content,omitempty"`
}

// ImportFile is a file that a configuration imports.
type ImportFile struct {
	Content string `json:"content,omitempty"`
	Name    string `json:"name,omitempty"`
}

// Manifest is what was deployed or previewed once.
type Manifest struct {
	Config                 *ConfigFile   `json:"config,omitempty"`
	ExpandedConfig         string        `json:"expandedConfig,omitempty"`
	ID                     uint64        `json:"id,omitempty,string"`
	Imports                []*ImportFile `json:"imports,omitempty"`
	InsertTime             string        `json:"insertTime,omitempty"`
	Layout                 string        `json:"layout,omitempty"`
	ManifestSizeBytes      int64         `json:"manifestSizeBytes,omitempty,string"`
	ManifestSizeLimitBytes int64         `json:"manifestSizeLimitBytes,omitempty,string"`
	Name                   string        `json:"name,omitempty"`
	SelfLink               string        `json:"selfLink,omitempty"`
}

// Operation is long-running work, as far as the emulator tells of it.
type Operation struct {
	EndTime             string               `json:"endTime,omitempty"`
	Error               *OperationError      `json:"error,omitempty"`
	HTTPErrorMessage    string               `json:"httpErrorMessage,omitempty"`
	HTTPErrorStatusCode int64                `json:"httpErrorStatusCode,omitempty"`
	ID                  uint64               `json:"id,omitempty,string"`
	InsertTime          string               `json:"insertTime,omitempty"`
	Kind                string               `json:"kind,omitempty"`
	Name                string               `json:"name,omitempty"`
	OperationType       string               `json:"operationType,omitempty"`
	Progress            int64                `json:"progress,omitempty"`
	SelfLink            string               `json:"selfLink,omitempty"`
	StartTime           string               `json:"startTime,omitempty"`
	Status              string               `json:"status,omitempty"`
	TargetID            uint64               `json:"targetId,omitempty,string"`
	TargetLink          string               `json:"targetLink,omitempty"`
	User                string               `json:"user,omitempty"`
	Warnings            []*OperationWarnings `json:"warnings,omitempty"`
}

// OperationError is why an operation failed.
type OperationError struct {
	Errors []*OperationErrorErrors `json:"errors,omitempty"`
}

// OperationErrorErrors is one reason.
type OperationErrorErrors struct {
	Arguments    []string        `json:"arguments,omitempty"`
	Code         string          `json:"code,omitempty"`
	DebugInfo    json.RawMessage `json:"debugInfo,omitempty"`
	ErrorDetails json.RawMessage `json:"errorDetails,omitempty"`
	Location     string          `json:"location,omitempty"`
	Message      string          `json:"message,omitempty"`
}

// OperationWarnings is one warning.
type OperationWarnings struct {
	Code    string   `json:"code,omitempty"`
	Data    []*Entry `json:"data,omitempty"`
	Message string   `json:"message,omitempty"`
}

// FingerprintRequest asks to stop what is at work on a deployment, or to drop a preview.
type FingerprintRequest struct {
	Fingerprint string `json:"fingerprint,omitempty"`
}

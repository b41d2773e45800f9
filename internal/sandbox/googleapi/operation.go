package googleapi

import "encoding/json"

// Operation is google.longrunning.Operation.
type Operation struct {
	Done     bool               `json:"done,omitempty"`
	Error    *Status            `json:"error,omitempty"`
	Metadata *OperationMetadata `json:"metadata,omitempty"`
	Name     string             `json:"name,omitempty"`
	Response json.RawMessage    `json:"response,omitempty"`
}

// OperationMetadata is what an operation says of itself.
type OperationMetadata struct {
	Type                  string `json:"@type,omitempty"`
	APIVersion            string `json:"apiVersion,omitempty"`
	CreateTime            string `json:"createTime,omitempty"`
	EndTime               string `json:"endTime,omitempty"`
	RequestedCancellation bool   `json:"requestedCancellation,omitempty"`
	StatusMessage         string `json:"statusMessage,omitempty"`
	Target                string `json:"target,omitempty"`
	Verb                  string `json:"verb,omitempty"`
}

// Status is google.rpc.Status.
type Status struct {
	Code    int64           `json:"code,omitempty"`
	Details json.RawMessage `json:"details,omitempty"`
	Message string          `json:"message,omitempty"`
}

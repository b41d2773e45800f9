package rollout

import (
	"slices"
	"strings"

	"sluice/stages/driver"
)

// CauseOf is the failure cause of an effect that the platform, or its driver,
// refused with an error of this code.
func CauseOf(code driver.Code) FailureCause {
	switch code {
	case driver.NotFound:
		return ReleaseFailed
	case driver.Unsupported:
		return OperationFeatureNotSupported
	default:
		return ExecutionFailed
	}
}

// causeOf is the failure cause of an operation: the first that a problem names
// by its code, else EXECUTION_FAILED.
func causeOf(problems []driver.Problem) FailureCause {
	known := []FailureCause{
		CloudBuildUnavailable, DeadlineExceeded, ReleaseFailed, ReleaseAbandoned,
		VerificationConfigNotFound, CloudBuildRequestFailed, OperationFeatureNotSupported,
	}
	for _, p := range problems {
		if cause := FailureCause(strings.ToUpper(p.Code)); slices.Contains(known, cause) {
			return cause
		}
	}
	return ExecutionFailed
}

// problemsText says in one line why an operation failed.
func problemsText(problems []driver.Problem) string {
	messages := make([]string, 0, len(problems))
	for _, p := range problems {
		messages = append(messages, p.String())
	}
	if len(messages) == 0 {
		return "the platform reports a failure without a reason"
	}
	return strings.Join(messages, "; ")
}

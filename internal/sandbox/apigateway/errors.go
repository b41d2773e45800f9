package apigateway

import (
	"net/http"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

func badRequest(format string, args ...any) error {
	return kit.Errorf(http.StatusBadRequest, "BadRequestException", format, args...)
}

func notFound(format string, args ...any) error {
	return kit.Errorf(http.StatusNotFound, "NotFoundException", format, args...)
}

// found is what was looked for, or the refusal where it is nil.
func found[R any](r *R, format string, args ...any) (*R, error) {
	if r == nil {
		return nil, notFound(format, args...)
	}
	return r, nil
}

func conflict(format string, args ...any) error {
	return kit.Errorf(http.StatusConflict, "ConflictException", format, args...)
}

// Refuse implements sandbox.Emulator.
func (e *Emulator) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	awsapi.WriteError(w, awsapi.Refused(why, "apigateway:"+r.Method, "arn:aws:apigateway:"+awsapi.RegionOf(r)+"::"+r.URL.Path))
}

// Busy implements sandbox.Busier.
func (*Emulator) Busy(w http.ResponseWriter, _ *http.Request) {
	// docs/platforms.md: "While another is under way: 409 ConflictException"
	awsapi.WriteError(w, conflict("Unable to complete operation due to concurrent modification. Please try again later."))
}

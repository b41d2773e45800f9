package analysis

// The vendors whom checks ask as somebody that the pipeline file may name.
const (
	vendorAWS    = "aws"
	vendorGoogle = "google"
)

// Vendor is whom a query asks, as the file names who asks; "" where nobody can be
// named.
func (s Source) Vendor() string {
	switch {
	case s.CloudWatch != nil:
		return vendorAWS
	case s.Monitoring != nil:
		return vendorGoogle
	default:
		return ""
	}
}

// Vendor is whom the alarms are asked of, see [Source.Vendor].
func (a *Alarms) Vendor() string {
	if a.Monitoring != nil {
		return vendorGoogle
	}
	return vendorAWS
}

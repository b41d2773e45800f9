package deploymentmanager

// manifest is what the driver must know of one. Nothing ever changes it.
type manifest struct {
	Name       string       `json:"name"`
	InsertTime string       `json:"insertTime"`
	Config     configFile   `json:"config"`
	Imports    []importFile `json:"imports"`
}

// configFile is a configuration as it was written, unexpanded.
type configFile struct {
	Content string `json:"content,omitempty"`
}

// importFile is a file that a configuration imports.
type importFile struct {
	Content string `json:"content,omitempty"`
	Name    string `json:"name,omitempty"`
}

// wantedDeployment is a deployment as it is to become.
type wantedDeployment struct {
	Description string        `json:"description,omitempty"`
	Fingerprint string        `json:"fingerprint,omitempty"`
	Labels      []label       `json:"labels,omitempty"`
	Name        string        `json:"name,omitempty"`
	Target      *wantedTarget `json:"target,omitempty"` // nil deploys what was previewed
}

// wantedTarget is what a manifest is made from.
type wantedTarget struct {
	Config  configFile   `json:"config"`
	Imports []importFile `json:"imports,omitempty"`
}

// label is one of a deployment's labels.
type label struct {
	Key   string `json:"key,omitempty"`
	Value string `json:"value,omitempty"`
}

// fingerprinted is the body of a request that has nothing but the fingerprint.
type fingerprinted struct {
	Fingerprint string `json:"fingerprint,omitempty"`
}

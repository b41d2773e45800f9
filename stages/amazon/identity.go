package amazon

import "sluice/stages/driver"

// Identity is how the pipeline file names who asks AWS.
func Identity() driver.Identity {
	return driver.Identity{Name: "aws", Keys: []driver.Key{
		{
			Name: "role", Type: driver.String, Token: true,
			Pattern: `arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}`,
			Hint:    "the ARN of a role, such as arn:aws:iam::111122223333:role/deploy",
			Doc:     "The role that requests are made as: in GitHub Actions it is assumed with the job's own token, elsewhere with the credentials of profile or of the environment.",
		},
		{
			Name: "profile", Type: driver.String, Local: true,
			Pattern: `[\w+=,.@/ :-]{1,128}`, Hint: "the name of a profile, such as production",
			Doc: "A profile of the machine's own AWS configuration, in the place of the environment's keys.",
		},
	}}
}

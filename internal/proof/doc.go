// Package proof holds no code: its tests run Sluice as a process of its own
// against every platform and store there is, kill it wherever it can be killed, stop
// it, answer it as it must not be answered, set its clock, and count at the platforms
// what came of that.
//
//	make proof   every case there is, as a table
//	make soak    many processes at once that die at random
//	make bench   what it costs, as ratios
//
// `go test ./...` runs a part of it, chosen by a seed that a failure prints.
package proof

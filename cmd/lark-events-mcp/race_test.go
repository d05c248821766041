//go:build unix && race

package main_test

// raceFlags build the binary as the test itself is built.
var raceFlags = []string{"-race"}

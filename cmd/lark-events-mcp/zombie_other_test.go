//go:build unix && !linux

package main_test

// zombie is not known here; init reaps soon.
func zombie(int) bool { return false }

// standsStill is not known here; a process that is to stop does so soon.
func standsStill(int) bool { return true }

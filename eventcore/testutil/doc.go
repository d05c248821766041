// Package testutil has what tests of several packages share: a source of events that a test feeds by hand, a bus
// in the test's process, and short directories for sockets.
//
// It is for tests only, and is free of the Lark SDK; tests of the real connection use source/larksim.
package testutil

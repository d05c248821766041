package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

// The exit codes, as the help says.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitConfig      = 3
	exitPlatform    = 4
	exitInterrupted = 130
)

// complaintPrefix begins the line that says why the program failed.
const complaintPrefix = "lark-events-mcp: "

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// configError is a file or setting of the user's that cannot be used.
type configError struct{ err error }

func (e configError) Error() string { return e.err.Error() }
func (e configError) Unwrap() error { return e.err }

// exitCode prints err, if there is something to say, and returns the code to end with.
func exitCode(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(os.Stderr, complaintPrefix+"%v\nrun lark-events-mcp --help, or --help after a command\n", err)
		return exitUsage
	}
	var config configError
	if errors.As(err, &config) {
		fmt.Fprintf(os.Stderr, "lark-events-mcp: %v\n", err)
		return exitConfig
	}
	var known *eventcore.Error
	if !errors.As(err, &known) {
		fmt.Fprintf(os.Stderr, complaintPrefix+"%v\n", err)
		return exitFailed
	}
	fmt.Fprintf(os.Stderr, complaintPrefix+"%s\n", strings.TrimPrefix(err.Error(), complaintPrefix))
	if errors.Is(err, statedir.ErrUnusable) {
		return exitConfig
	}
	switch known.Code {
	case eventcore.CodeUnknownKey, eventcore.CodeInvalidParams, eventcore.CodeInvalidFilter, eventcore.CodeInvalidCursor:
		return exitUsage
	case eventcore.CodeCredentialsMissing:
		return exitConfig
	case eventcore.CodePermissionDenied, eventcore.CodePlatformError:
		return exitPlatform
	}
	return exitFailed
}

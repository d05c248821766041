package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// announcer tells whoever runs consume when events can arrive, and how the connection changes from then on.
type announcer struct {
	out   io.Writer
	key   string
	ready bool
	phase source.Phase // the last one told
}

// tell prints a line if the connection is in another phase than last time.
func (a *announcer) tell(state source.State) {
	if state.Phase == a.phase {
		return
	}
	a.phase = state.Phase
	switch {
	case state.Phase == source.Connected && !a.ready:
		a.ready = true
		fmt.Fprintf(a.out, "ready key=%s\n", a.key)
	case state.Phase == source.Failed:
		fmt.Fprintln(a.out, "warning: only events in the journal can be read:", describeSource(state))
	default:
		fmt.Fprintln(a.out, describeSource(state))
	}
}

// unready returns err, unless the timeout passed before any event could arrive: then it returns why none could.
func (f *consumeFlags) unready(ctx context.Context, told *announcer, state source.State, err error) error {
	if told.ready || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	if state.Phase == source.Failed && state.Err != nil {
		return state.Err
	}
	why := describeSource(state)
	if state.Phase == source.Connected {
		why = "the platform did not answer in time what subscribing to " + told.key + " takes"
	}
	// The deadline itself, which err wraps, is no news and would pass for an orderly end.
	return fmt.Errorf("no event could arrive within --timeout %s: %s; lark-events-mcp status shows more, or allow more time", f.timeout, why)
}

// describeSource says where the connection to the platform stands.
func describeSource(state source.State) string {
	text := "the connection to the platform is " + string(state.Phase)
	if state.Phase == source.Failed {
		text = "the platform refused the connection"
	}
	if state.Detail != "" {
		text += ": " + state.Detail
	}
	return text
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// writeGrace is how long what is being written may still take when the program is to end, so that a reader that is
// only slow gets whole lines.
const writeGrace = time.Second

// errUnread is returned for a write that nobody read; the reader may have got a part of it.
var errUnread = errors.New("stdout is not read")

// writeUntil writes text, or returns errUnread with ctx's error if that takes longer than writeGrace after the end of
// ctx. A blocked write cannot be ended: it is left behind for the end of the process, and text must not be changed.
func writeUntil(ctx context.Context, out io.Writer, text []byte) error {
	written := make(chan error, 1)
	go func() {
		_, err := out.Write(text)
		written <- err
	}()
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(writeGrace)
	defer grace.Stop()
	select {
	case err := <-written:
		return err
	case <-grace.C:
		return fmt.Errorf("%w: %w", errUnread, ctx.Err())
	}
}

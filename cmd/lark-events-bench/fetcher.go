package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
	"github.com/larkevents/lark-events-mcp/eventcore/transport"
)

// fetcher is a consumer of a bus that looks into no event, so that what it costs is what the bus does.
type fetcher struct {
	net    net.Conn
	in     *bufio.Reader
	out    *protocol.Writer
	after  eventcore.Position // where the next fetch begins
	lastID uint64
	page   []byte
}

// attach connects to the bus of an app and introduces itself. The first fetch begins at the journal's head.
func attach(ctx context.Context, app statedir.App) (*fetcher, error) {
	conn, err := transport.Dial(ctx, app.Socket())
	if err != nil {
		return nil, err
	}
	f := &fetcher{net: conn, out: protocol.NewWriter(conn)}
	hello := &protocol.Hello{Version: protocol.Version, Role: protocol.RoleConsumer, Name: "bench", PID: os.Getpid()}
	var answer protocol.Response
	err = f.out.Write(protocol.Request{Hello: hello})
	if err == nil {
		// One byte at a time, so that nothing that follows the welcome is lost with the reader.
		err = protocol.NewReader(&oneByte{conn}, protocol.MaxResponseLine).Read(&answer)
	}
	if err == nil && answer.Welcome == nil {
		err = fmt.Errorf("the bus answered the hello with %+v", answer)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	f.in, f.after = bufio.NewReaderSize(conn, 64<<10), answer.Welcome.Head
	return f, nil
}

// oneByte reads a byte at a time.
type oneByte struct{ from net.Conn }

func (r *oneByte) Read(p []byte) (int, error) { return r.from.Read(p[:min(1, len(p))]) }

// ask sends a fetch.
func (f *fetcher) ask(fetch protocol.Fetch) error {
	f.lastID++
	fetch.After = f.after
	return f.out.Write(protocol.Request{ID: f.lastID, Fetch: &fetch})
}

// fetch asks for events and returns how many bytes their line has; f.after moves on.
func (f *fetcher) fetch(fetch protocol.Fetch) (size int, err error) {
	if err := f.ask(fetch); err != nil {
		return 0, err
	}
	for {
		if err := f.line(); err != nil {
			return 0, err
		}
		if bytes.HasPrefix(f.page, []byte(`{"id":`)) { // anything else is a notification
			break
		}
	}
	next := f.page[bytes.LastIndex(f.page, []byte(`"next":`))+len(`"next":`):]
	end := bytes.IndexByte(next, ',')
	if end < 0 {
		return 0, fmt.Errorf("the bus answered a fetch with %.200s", f.page)
	}
	after, err := strconv.ParseUint(string(next[:end]), 10, 64)
	f.after = eventcore.Position(after)
	return len(f.page), err
}

// line reads a line into f.page.
func (f *fetcher) line() error {
	f.page = f.page[:0]
	for {
		part, err := f.in.ReadSlice('\n')
		f.page = append(f.page, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// attachMany attaches n consumers; detach ends them all.
func attachMany(ctx context.Context, app statedir.App, n int) (all []*fetcher, detach func(), err error) {
	detach = func() {
		for _, f := range all {
			f.net.Close()
		}
	}
	for range n {
		f, err := attach(ctx, app)
		if err != nil {
			detach()
			return nil, nil, fmt.Errorf("attach %d consumers: %w", n, err)
		}
		all = append(all, f)
	}
	return all, detach, nil
}

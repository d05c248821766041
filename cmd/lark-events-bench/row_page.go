package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source/larksim"
	"github.com/larkevents/lark-events-mcp/eventcore/statedir"
)

const (
	largeJournal = 1_000_000
	smallJournal = 10_000
	pageEvents   = 100
	pageRounds   = 5
	pageReads    = 100 // a round at each place
)

// pageRow is whether the length of a journal is felt by who reads a page of it.
func pageRow() row {
	const against = "the same in a journal of 10,000 events"
	places := []string{"start", "middle", "end"}
	r := row{name: "page", run: measurePage}
	for _, place := range places {
		r.lines = append(r.lines, line{
			what: "a page of 100 from a bus with a journal of 1,000,000 events, at its " + place + ", p50", unit: "ms",
			against: against, limit: limit{must: 1.3, aim: 1},
		})
	}
	return r
}

func measurePage(ctx context.Context, b *bench) ([]sample, error) {
	var readers []*fetcher
	for _, events := range []int{largeJournal, smallJournal} {
		s, err := b.newSetting()
		if err != nil {
			return nil, err
		}
		defer s.close()
		began := time.Now()
		if err := fill(ctx, s.app, events, s.platform); err != nil {
			return nil, err
		}
		if events == largeJournal {
			b.note("a journal of 1,000,000 events was filled in %s", time.Since(began).Round(time.Second))
		}
		// A bus that opens a journal has no recent events in memory, so that all pages come from the journal.
		if _, err := s.bus(ctx, "--retention-size", "1000GiB"); err != nil {
			return nil, err
		}
		f, err := attach(ctx, s.app)
		if err != nil {
			return nil, err
		}
		s.onClose = append(s.onClose, func() { f.net.Close() })
		readers = append(readers, f)
	}
	samples := make([]sample, 3)
	for place := range samples {
		for range pageRounds {
			var took [2][]time.Duration
			for n := range pageReads {
				// Not always the same page, and never further away than the small journal is long.
				shift := n * 23
				for side, events := range []int{largeJournal, smallJournal} {
					after := []int{shift, events/2 + shift, events - pageEvents - shift}[place]
					d, err := readPage(readers[side], after)
					if err != nil {
						return nil, err
					}
					took[side] = append(took[side], d)
				}
			}
			samples[place].add(milliseconds(percentile(took[0], 50)), milliseconds(percentile(took[1], 50)))
		}
	}
	return samples, nil
}

// readPage fetches a page and returns how long it took.
func readPage(f *fetcher, after int) (time.Duration, error) {
	f.after = eventcore.Position(after)
	began := time.Now()
	_, err := f.fetch(protocol.Fetch{Types: []string{messageKey}, Max: pageEvents})
	took := time.Since(began)
	if err == nil && f.after != eventcore.Position(after+pageEvents) {
		err = fmt.Errorf("a page of %d after %d ended at %d", pageEvents, after, f.after)
	}
	return took, err
}

// fill makes the journal of an app.
func fill(ctx context.Context, app statedir.App, events int, platform *larksim.Platform) error {
	if err := app.Create(); err != nil {
		return err
	}
	log, err := journal.OpenSQLite(ctx, app.Journal())
	if err != nil {
		return err
	}
	defer log.Close()
	var body []byte
	for body = range platform.Texts(1, textSize) {
	}
	now := time.Now()
	event := protocol.AppendEvent(nil, &eventcore.RawEvent{
		EventID: "an id of 32 characters, as usual", EventType: messageKey, SourceTime: strconv.FormatInt(now.UnixMilli(), 10),
		Payload: body, Timestamp: now,
	})
	const commit = 20_000
	entries := make([]journal.Entry, 0, commit)
	for n := 1; n <= events; n++ {
		entries = append(entries, journal.Entry{ID: fmt.Sprintf("%032d", n), Type: messageKey, Received: now, Event: event})
		if len(entries) == commit || n == events {
			if _, err := log.Append(ctx, entries); err != nil {
				return fmt.Errorf("fill a journal: %w", err)
			}
			entries = entries[:0]
		}
	}
	return nil
}

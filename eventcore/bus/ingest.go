package bus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/journal"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

const (
	// maxUnderWay bounds the events that are received but not yet stored; a source that delivers more waits.
	maxUnderWay = 4096
	// maxCommit bounds the events of one commit.
	maxCommit = 512
)

// ingest takes events on their way in: it drops what it has seen, appends the rest, and only then acknowledges.
// While one commit is under way the next one gathers, so that commits are shared under load and nobody waits for
// company when there is none.
type ingest struct {
	journal journal.Journal
	log     *slog.Logger
	publish func([]recentItem) // makes appended events readable
	wake    func([]recentItem) // wakes who waits for them
	queue   chan source.Event
	dedup   *eventcore.DedupFilter // of what is in the journal

	received, journaled, duplicates, malformedCount, refused atomic.Uint64

	mu      sync.Mutex
	problem string
	// tell is told of the first failure to store, and with "" of the success that ends it; nil tells nobody.
	tell func(problem string)
}

func newIngest(log journal.Journal, logger *slog.Logger, publish, wake func([]recentItem)) *ingest {
	return &ingest{
		journal: log, log: logger, publish: publish, wake: wake,
		queue: make(chan source.Event, maxUnderWay), dedup: eventcore.NewDedupFilter(),
	}
}

// deliver implements source.Sink.
func (in *ingest) deliver(ctx context.Context, event source.Event) error {
	select {
	case in.queue <- event:
		in.received.Add(1)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// malformed implements source.Sink, and counts what cannot be kept.
func (in *ingest) malformed(detail string) {
	in.malformedCount.Add(1)
	in.log.Warn("a body that is no event for the journal was acknowledged and dropped", "detail", detail)
}

// run stores events until ctx ends, and then what was delivered by then.
func (in *ingest) run(ctx context.Context) {
	for {
		select {
		case event := <-in.queue:
			in.store(in.gather(event))
			continue
		case <-ctx.Done():
		}
		break
	}
	for {
		select {
		case event := <-in.queue:
			in.store(in.gather(event))
		default:
			return
		}
	}
}

// gather adds to an event those that wait already.
func (in *ingest) gather(first source.Event) []source.Event {
	events := []source.Event{first}
	for len(events) < maxCommit {
		select {
		case event := <-in.queue:
			events = append(events, event)
		default:
			return events
		}
	}
	return events
}

// store appends events in one commit, publishes the new ones, acknowledges all and wakes who waits for them, or refuses all.
func (in *ingest) store(events []source.Event) {
	fresh := events[:0]
	encoded := make([][]byte, 0, len(events))
	for _, event := range events {
		event.DedupID = dedupID(&event)
		if in.dedup.Seen(event.DedupID) {
			in.duplicates.Add(1)
			event.Done(nil)
			continue
		}
		line := protocol.AppendEvent(make([]byte, 0, len(event.Payload)+256), &event.RawEvent)
		if len(line) > protocol.MaxEventBytes {
			// No consumer could read it, nor anything behind it. Delivered again it would be no smaller.
			in.malformed(fmt.Sprintf("the event takes %d bytes, at most %d can be read", len(line), protocol.MaxEventBytes))
			event.Done(nil)
			continue
		}
		fresh, encoded = append(fresh, event), append(encoded, line)
	}
	if len(fresh) == 0 {
		return
	}
	entries := make([]journal.Entry, len(fresh))
	for i, event := range fresh {
		entries[i] = journal.Entry{ID: event.DedupID, Type: event.EventType, Received: event.Timestamp, Event: encoded[i]}
	}
	// A commit that has begun is not given up: its outcome decides the acknowledgements.
	appended, err := in.journal.Append(context.Background(), entries)
	if err != nil {
		in.refuse(fresh, err)
		return
	}
	in.setProblem("")
	items := make([]recentItem, 0, len(fresh))
	for i, result := range appended {
		in.dedup.IsDuplicate(entries[i].ID)
		if result.Duplicate {
			in.duplicates.Add(1)
			continue
		}
		line := protocol.AppendItem(make([]byte, 0, len(entries[i].Event)+48), result.Position, entries[i].Event)
		items = append(items, recentItem{position: result.Position, eventType: entries[i].Type, line: line})
	}
	in.journaled.Add(uint64(len(items)))
	// Published first, so that what was acknowledged can be read. The platform's clock runs, and there may be hundreds to
	// wake: they come last.
	in.publish(items)
	for _, event := range fresh {
		event.Done(nil)
	}
	in.wake(items)
}

// maxDedupID bounds, in bytes, an id that is kept as it is: thousands are, in memory.
const maxDedupID = 256

// dedupID returns what the event is told from others by.
func dedupID(event *source.Event) string {
	id := event.DedupID
	if id == "" {
		id = event.EventID
	}
	if len(id) > maxDedupID {
		sum := sha256.Sum256([]byte(id))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return id
}

// refuse answers events with an error, so that the platform delivers them again.
func (in *ingest) refuse(events []source.Event, err error) {
	in.refused.Add(uint64(len(events)))
	in.setProblem(err.Error())
	in.log.Error("events could not be stored; the platform will deliver them again", "events", len(events), "error", err)
	for _, event := range events {
		event.Done(err)
	}
}

func (in *ingest) setProblem(problem string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.tell != nil && (problem == "") != (in.problem == "") {
		in.tell(problem)
	}
	in.problem = problem
}

// lastProblem is the latest failure to store, until a commit succeeds.
func (in *ingest) lastProblem() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.problem
}

func (in *ingest) counters() protocol.Counters {
	return protocol.Counters{
		Received: in.received.Load(), Journaled: in.journaled.Load(), Duplicates: in.duplicates.Load(),
		Malformed: in.malformedCount.Load(), Refused: in.refused.Load(),
	}
}

package protocol

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// Version is the version of the protocol. Both sides say theirs in the hello; a bus refuses another version.
// What can be left out by one side is a capability instead.
const Version = 1

// CapabilityRetry means that the bus knows [Request].Retry.
const CapabilityRetry = "retry"

// Limits of what one side accepts from the other.
const (
	MaxRequestLine  = 1 << 20  // bytes of a request
	MaxResponseLine = 64 << 20 // bytes of a response
	MaxBatchEvents  = 1000     // events of a batch
	MaxBatchBytes   = 8 << 20  // bytes of the events of a batch; the first event may exceed it
	// MaxEventBytes bounds an encoded event, see [AppendEvent]. The rest of the line is left to the batch around it,
	// so that an event within the bound can always be read.
	MaxEventBytes = MaxResponseLine - 1<<20
	MaxWait       = 10 * time.Minute
	MaxPending    = 256 // requests of one connection that are not answered yet
	MaxTypes      = 200 // event types of a fetch or a count
)

// Request is a message to the bus: the member that is set says what is asked. Every request but Cancel is
// answered by a [Response] with its ID; the order of answers is not that of requests.
type Request struct {
	ID      uint64   `json:"id"`
	Hello   *Hello   `json:"hello,omitempty"`
	Fetch   *Fetch   `json:"fetch,omitempty"`
	Seek    *Seek    `json:"seek,omitempty"`
	Count   *Count   `json:"count,omitempty"`
	Acquire *Acquire `json:"acquire,omitempty"`
	Settle  *Settle  `json:"settle,omitempty"`
	Release *Release `json:"release,omitempty"`
	Status  *Empty   `json:"status,omitempty"`
	// Retry asks for another attempt at a connection that the platform refused for good; otherwise it does nothing.
	// The answer has Source, the state from then on.
	Retry *Empty `json:"retry,omitempty"`
	Stop  *Empty `json:"stop,omitempty"`
	// Cancel ends the request with this ID early. A fetch is then answered with what there is.
	Cancel uint64 `json:"cancel,omitempty"`
}

// Response is a message from the bus: an answer if ID is set, else a notification (Source, Stopping), or an error
// that ends the connection.
type Response struct {
	ID       uint64           `json:"id,omitempty"`
	Error    *eventcore.Error `json:"error,omitempty"`
	Welcome  *Welcome         `json:"welcome,omitempty"`
	Batch    *Batch           `json:"batch,omitempty"`
	Position *Position        `json:"position,omitempty"`
	Counted  *Counted         `json:"counted,omitempty"`
	Acquired *Acquired        `json:"acquired,omitempty"`
	Released *Released        `json:"released,omitempty"`
	Status   *Status          `json:"status,omitempty"`
	Done     *Empty           `json:"done,omitempty"`
	// Source answers a retry, and tells of a change of the source's state.
	Source *source.State `json:"source,omitempty"`
	// Stopping tells that the bus ends because somebody wants it to; consumers are not to start another one
	// unless they are asked for something new.
	Stopping *Empty `json:"stopping,omitempty"`
}

// Empty is a message without content.
type Empty struct{}

// Role says what a connection is for.
type Role string

// The roles of a connection.
const (
	RoleConsumer Role = "consumer" // keeps the bus running
	RoleControl  Role = "control"  // asks for status, or tells it to stop
)

// Hello is the first request of a connection.
type Hello struct {
	Version int    `json:"version"`
	Role    Role   `json:"role"`
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	// Binary is the version of the program, for people.
	Binary       string   `json:"binary,omitempty"`
	Capabilities []string `json:"capabilities,omitempty"`
	// Credentials is a fingerprint of the secret the consumer was configured with. A bus whose platform refused
	// its own, other secret ends, so that one with this secret can start.
	Credentials string `json:"credentials,omitempty"`
	// Domain is the platform the consumer was configured with, as in Status. A bus of another one refuses it; a
	// consumer that does not say is served.
	Domain string `json:"domain,omitempty"`
}

// Welcome answers a hello.
type Welcome struct {
	Version      int                `json:"version"`
	PID          int                `json:"pid"`
	Binary       string             `json:"binary,omitempty"`
	Capabilities []string           `json:"capabilities,omitempty"`
	Journal      string             `json:"journal"`
	Head         eventcore.Position `json:"head"`
	Source       source.State       `json:"source"`
}

// Fetch asks for events after a position. It is answered when a matching event is there, or WaitMS after.
type Fetch struct {
	After eventcore.Position `json:"after"`
	// Types are the event types wanted; none means all.
	Types    []string `json:"types,omitempty"`
	Max      int      `json:"max"`
	MaxBytes int      `json:"max_bytes,omitempty"`
	WaitMS   int64    `json:"wait_ms,omitempty"`
}

// Batch answers a fetch.
type Batch struct {
	Events []Item `json:"events"`
	// Next is the position to fetch after next: behind the last event, or, if there are no more matching events,
	// behind all that was looked at.
	Next eventcore.Position `json:"next"`
	// Head is the position behind the newest event of any type, as far as this answer knows: others may have got
	// positions behind it before. The answer to a Seek is up to date.
	Head eventcore.Position `json:"head"`
	// More means that events matching the fetch lie after Next.
	More bool `json:"more,omitempty"`
	// Gap means that events after the position that was asked for have left the journal unread, or are too large.
	Gap bool `json:"gap,omitempty"`
}

// Item is an event and the position behind it. Event is an encoded eventcore.RawEvent, see [AppendEvent].
type Item struct {
	Position eventcore.Position `json:"position"`
	Event    json.RawMessage    `json:"event"`
}

// Seek asks for the position behind the newest event (Head), or before the first event that arrived at Time or
// later, or, with neither, before the oldest retained event.
type Seek struct {
	Head bool      `json:"head,omitempty"`
	Time time.Time `json:"time,omitzero"`
}

// Position answers a seek.
type Position struct {
	After eventcore.Position `json:"after"`
}

// Count asks how many events of these types lie after a position.
type Count struct {
	After eventcore.Position `json:"after"`
	Types []string           `json:"types,omitempty"`
}

// Counted answers a count.
type Counted struct {
	Events int `json:"events"`
}

// Acquire joins a subscription identity. Holder is the consumer's own number for what joins, unique within the
// connection. The answer may have to wait until another consumer has finished its PreConsume or cleanup.
type Acquire struct {
	Holder   uint64 `json:"holder"`
	Identity string `json:"identity"`
	Key      string `json:"key"`
	// Platform means that the identity has a subscription on the platform, to be made and ended.
	Platform bool `json:"platform,omitempty"`
	// Single refuses to share the identity.
	Single bool `json:"single,omitempty"`
}

// Acquired answers an acquire. If First, the consumer runs PreConsume and then settles.
type Acquired struct {
	First bool `json:"first"`
	// Orphaned means that the platform side may be there already: an earlier consumer was killed before its cleanup, or
	// got no answer from the platform.
	Orphaned bool `json:"orphaned,omitempty"`
}

// Settle tells how the PreConsume or the cleanup that the bus had called for ended.
type Settle struct {
	Holder   uint64 `json:"holder"`
	Identity string `json:"identity"`
	OK       bool   `json:"ok"`
	// Unknown, without OK, means that the platform may have done what it was asked.
	Unknown bool `json:"unknown,omitempty"`
}

// Release leaves a subscription identity.
type Release struct {
	Holder   uint64 `json:"holder"`
	Identity string `json:"identity"`
}

// Released answers a release. If Last, the consumer runs the cleanup and then settles.
type Released struct {
	Last bool `json:"last"`
}

// Status is what a bus tells of itself.
type Status struct {
	AppID     string       `json:"app_id"`
	Domain    string       `json:"domain"`
	PID       int          `json:"pid"`
	Binary    string       `json:"binary,omitempty"`
	Started   time.Time    `json:"started"`
	KeepAlive bool         `json:"keep_alive,omitempty"`
	Source    source.State `json:"source"`
	Journal   JournalStats `json:"journal"`
	Consumers []Consumer   `json:"consumers"`
	Scopes    []Scope      `json:"scopes,omitempty"`
	Counters  Counters     `json:"counters"`
	// Goroutines are those of the bus's process: a number that stays much the same while it runs. 0 from a bus that
	// does not tell.
	Goroutines int `json:"goroutines,omitempty"`
	// Acknowledgements are the times from a frame's arrival to its acknowledgement being written to the platform,
	// since the bus started; nil from a bus that does not measure them.
	Acknowledgements *Histogram `json:"acknowledgements,omitempty"`
	// Problem is the latest failure to store events, until one succeeds.
	Problem string `json:"problem,omitempty"`
	// Unreadable says why events could not be read, since that was first found, if it is for people to mend.
	Unreadable *eventcore.Error `json:"unreadable,omitempty"`
}

// JournalStats describes what a journal retains. Oldest and Newest are times of arrival, zero when it is empty.
type JournalStats struct {
	ID     string             `json:"id"`
	Events int                `json:"events"`
	Bytes  int64              `json:"bytes"`
	Head   eventcore.Position `json:"head"`
	Oldest time.Time          `json:"oldest,omitzero"`
	Newest time.Time          `json:"newest,omitzero"`
}

// Consumer is one connected consumer.
type Consumer struct {
	Name   string    `json:"name"`
	PID    int       `json:"pid"`
	Binary string    `json:"binary,omitempty"`
	Since  time.Time `json:"since"`
	Keys   []string  `json:"keys,omitempty"`
}

// Scope is one subscription identity on the platform.
type Scope struct {
	Identity string `json:"identity"`
	Key      string `json:"key"`
	Holders  int    `json:"holders"`
	Orphaned bool   `json:"orphaned,omitempty"`
}

// Orphans are the scopes of a key that may exist on the platform although no consumer holds them.
type Orphans struct {
	Key    string
	Scopes int
}

// Orphans returns what may be left on the platform, in order of the keys.
func (s *Status) Orphans() []Orphans {
	count := map[string]int{}
	for _, scope := range s.Scopes {
		if scope.Orphaned {
			count[scope.Key]++
		}
	}
	var all []Orphans
	for _, key := range slices.Sorted(maps.Keys(count)) {
		all = append(all, Orphans{key, count[key]})
	}
	return all
}

// Counters count events since the bus started.
type Counters struct {
	Received   uint64 `json:"received"`
	Journaled  uint64 `json:"journaled"`
	Duplicates uint64 `json:"duplicates"`
	Malformed  uint64 `json:"malformed"`
	Refused    uint64 `json:"refused"`
}

// Histogram counts durations, in seconds. Counts has, for each of the Bounds, which ascend, how many were no longer.
type Histogram struct {
	Bounds []float64 `json:"bounds"`
	Counts []uint64  `json:"counts"`
	Count  uint64    `json:"count"` // of all
	Sum    float64   `json:"sum"`
}

package main_test

import (
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// soak is a day in miniature: a steady flow, and a platform that drops the connection again and again.
type soak struct {
	*world
	ledger  ledger
	readers []reader
	pids    map[string]int
	// texts return what a process wrote for people since the last call.
	texts map[string]func() string
	web   *webReader
	// series are the measurements, by process and what was measured.
	series map[string][]float64
}

const soakRate = 200 // events a second

// soakGrowth is by how much the least of a measurement may be larger in the second half of the time after the warm-up
// than in the first. A leak of one for each reconnection raises a count by four in the short form, by 48 in the long
// one; there, a leak of 48 bytes for each event raises the heap by 2 MB, which is told in whole ones. The short form is
// too short to tell what fills the caches from a leak of memory.
var soakGrowth = map[string]struct{ short, long float64 }{
	"goroutines": {3, 3}, "fds": {3, 3}, "heap MB": {8, 1}, "rss MB": {64, 16},
}

func TestFaultSoak(t *testing.T) {
	w := newWorld(t, faultPlatform())
	w.env["LARK_EVENTS_RETENTION_SIZE"] = "16MiB" // so that it is full soon, and events go as they come
	w.env["GODEBUG"] = "gctrace=1"
	random := testutil.FaultRandom(t)
	agent, web, lines := newAgentReader(w, "agent", random), newWebReader(w, "HTTP agent", random), newConsumeReader(w, "consume")
	s := &soak{world: w, ledger: ledger{w: w}, readers: []reader{agent, web, lines}, web: web, series: map[string][]float64{}}
	for _, r := range s.readers {
		r.resume()
	}
	eventually(t, "the connection to the platform", func() bool { return w.status().Source.Phase == "connected" })
	s.pids = map[string]int{
		"agent": agent.proc.cmd.Process.Pid, "HTTP agent": web.proc.cmd.Process.Pid, "consume": lines.proc.cmd.Process.Pid, "bus": w.status().PID,
	}
	s.texts = map[string]func() string{
		"agent": s.since(agent.proc), "HTTP agent": s.since(web.proc), "consume": s.since(lines.proc), "bus": s.busLog(),
	}
	length := time.Duration(testutil.Faults(t, 8, 600)) * time.Second
	s.run(length, time.Duration(testutil.Faults(t, 0.5, 5)*float64(time.Second)))
	s.end()
}

// since returns a function that returns what a process wrote to stderr since it was called last.
func (s *soak) since(p *process) func() string {
	read := 0
	return func() string {
		more, _, _ := p.stderr.from(read)
		read += len(more)
		return strings.Join(more, "\n")
	}
}

func (s *soak) busLog() func() string {
	read := int64(0)
	return func() string {
		file, err := os.Open(s.app().Log())
		if err != nil {
			s.t.Fatal(err)
		}
		defer file.Close()
		text, err := io.ReadAll(io.NewSectionReader(file, read, math.MaxInt64-read))
		if err != nil {
			s.t.Fatal(err)
		}
		read += int64(len(text))
		return string(text)
	}
}

// run lets events flow for a while; each connection is dropped when it has been open for so long.
func (s *soak) run(length, dropAfter time.Duration) {
	const tick = 20 * time.Millisecond
	s.t.Logf("%d events a second for %v, each connection dropped after %v", soakRate, length, dropAfter)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began := time.Now()
	for connected, measured := began, began; time.Since(began) < length; <-ticker.C {
		for due := int(time.Since(began).Seconds() * soakRate); len(s.ledger.entries) < due; {
			s.ledger.text()
		}
		for _, r := range s.readers {
			r.take()
		}
		switch {
		case s.platform.Connections() == 0:
			connected = time.Now()
		case time.Since(connected) >= dropAfter:
			s.platform.DropConnections()
		}
		if time.Since(measured) >= length/100 {
			measured = time.Now()
			s.measure()
		}
	}
}

func (s *soak) measure() {
	s.t.Helper()
	note := func(who, what string, value float64) {
		s.series[who+" "+what] = append(s.series[who+" "+what], value)
	}
	bus := s.status()
	if bus.Source.Phase != source.Connected {
		return // without a connection it holds less
	}
	note("bus", "goroutines", float64(bus.Goroutines))
	note("HTTP agent", "goroutines", s.web.goroutines())
	for who, pid := range s.pids {
		g := gaugeOf(s.t, pid)
		note(who, "rss MB", g.rss)
		note(who, "fds", g.fds)
		heap, ok := heapOf(s.t, s.texts[who]())
		if !ok { // nothing was collected since
			heap = math.Inf(1)
		}
		note(who, "heap MB", heap)
	}
}

var goroutineMetric = regexp.MustCompile(`(?m)^go_goroutines (\S+)`)

// goroutines are those of the server.
func (r *webReader) goroutines() float64 {
	r.w.t.Helper()
	request, err := http.NewRequestWithContext(r.w.t.Context(), "GET", strings.TrimSuffix(r.agent.url, "/mcp")+"/metrics", nil)
	if err != nil {
		r.w.t.Fatal(err)
	}
	response, err := r.agent.client.Do(request)
	if err != nil {
		r.w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.w.t.Fatal(err)
	}
	found := goroutineMetric.FindSubmatch(text)
	if found == nil {
		r.w.t.Fatalf("no goroutines in %s", text)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		r.w.t.Fatal(err)
	}
	return n
}

func (s *soak) end() {
	t := s.t
	t.Helper()
	s.ledger.finish(s.readers...)
	counters := s.status().Counters
	s.ledger.log(int(counters.Journaled), s.readers)
	if int(counters.Journaled) != len(s.ledger.entries) {
		t.Errorf("%d events were journaled, %d were sent", counters.Journaled, len(s.ledger.entries))
	}
	for _, r := range s.readers {
		s.ledger.checkOrder(r.name(), r.delivered())
		sameOrder(t, r.name(), r.delivered(), s.readers[0].delivered())
	}
	if measured := len(s.series["bus fds"]); measured < 20 { // too few for two halves: the machine was busy
		if testutil.LongFault() {
			t.Errorf("measured only %d times", measured)
		}
		t.Logf("measured only %d times, because the connection was down or the machine was busy", measured)
		return
	}
	for name, values := range s.series {
		n := len(values)
		first, second := slices.Min(values[n/5:n*3/5]), slices.Min(values[n*3/5:])
		for what, limits := range soakGrowth {
			if !strings.HasSuffix(name, what) {
				continue
			}
			limit := limits.short
			if testutil.LongFault() {
				limit = limits.long
			}
			t.Logf("%s: at least %.1f in the first half, %.1f in the second", name, first, second)
			if second > first+limit && !math.IsInf(second, 1) {
				t.Errorf("%s has grown from %.1f to %.1f, by more than %.1f; all values: %.1f", name, first, second, limit, values)
			}
		}
	}
}

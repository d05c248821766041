package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// result is a report of each kind of figure, with chosen numbers.
func result() *report {
	r := &report{Commit: "0123456789ab", Date: "2026-01-02", Go: "go1.26", OS: "linux/amd64", CPU: "A processor", Cores: 2}
	r.Notes, r.Failed = []string{"a note"}, []string{"fanout: no socket"}
	for _, f := range []struct {
		line   line
		sample sample
	}{
		{
			line{what: "more is better", unit: "events/s", against: "the least", limit: limit{atLeast: true, must: 1, aim: 2}},
			sample{ours: []float64{30100.4, 29000, 31000}, theirs: []float64{10000, 9000, 14000}},
		},
		{
			line{what: "less is better", unit: "ms", against: "the least", limit: limit{must: 3, aim: 1.5}},
			sample{ours: []float64{0.61234}, theirs: []float64{0.3}},
		},
		{
			line{what: "not in any way", unit: "ms", against: "a round trip", limit: limit{absolute: true, must: 5, aim: 1}},
			sample{ours: []float64{6}, theirs: []float64{0.1}},
		},
		{line{what: "with nothing beside it", unit: "%", limit: limit{absolute: true, must: 0.1}}, sample{ours: []float64{0}}},
	} {
		r.Figures = append(r.Figures, newFigure("row", f.line, f.sample))
	}
	return r
}

func TestTheReportAsTableAndAsJSON(t *testing.T) {
	for name, print := range map[string]func(*report, *bytes.Buffer) error{
		"report.md":   func(r *report, to *bytes.Buffer) error { return r.print(to) },
		"report.json": func(r *report, to *bytes.Buffer) error { return r.printJSON(to) },
	} {
		var got bytes.Buffer
		if err := print(result(), &got); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; run go test -update", err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs; run go test -update and look at the diff:\n%s", path, &got)
		}
	}
}

func TestWhatCouldNotBeMeasuredEndsWithAnError(t *testing.T) {
	b := &bench{report: *result()}
	if code := b.tell(t.Output(), false); code != 1 {
		t.Errorf("ends with %d, want 1", code)
	}
	b.report.Failed = nil
	if code := b.tell(t.Output(), false); code != 0 {
		t.Errorf("numbers that do not reach their limit end with %d, want 0", code)
	}
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// row is something that is measured as one: it has a figure for each of its lines.
type row struct {
	name  string
	lines []line
	run   func(ctx context.Context, b *bench) ([]sample, error)
	// beside means that it mostly waits, so that the others may run meanwhile.
	beside bool
}

// line says what one figure is, what it is measured against, and what it should be.
type line struct {
	what    string
	unit    string
	against string
	limit   limit
}

// limit is what a figure must reach, and what it should.
type limit struct {
	absolute bool // of the value, else of its ratio to what it is measured against
	atLeast  bool // else at most
	must     float64
	aim      float64 // 0 for none
}

func (l limit) reached(figure, bound float64) bool {
	if l.atLeast {
		return figure >= bound
	}
	return figure <= bound
}

// sample are the values of a line, one a run, and of what it is measured against.
type sample struct {
	ours   []float64
	theirs []float64 // empty if there is nothing to measure against
}

// rows is everything that is measured, in the order of its table.
func rows() []row {
	return []row{
		loadRow(), ackRow(), wakeRow(), fanoutRow(), bystandersRow(), pageRow(), startRow(), memoryRow(), idleRow(), bytesRow(),
	}
}

// pick returns the rows of these names, separated by commas; all for "".
func pick(all []row, wanted string) ([]row, error) {
	if wanted == "" {
		return all, nil
	}
	known := names(all)
	var picked []row
	for name := range strings.SplitSeq(wanted, ",") {
		i := slices.Index(known, strings.TrimSpace(name))
		if i < 0 {
			return nil, fmt.Errorf("--only %s: there is no row %q; there are %s", wanted, name, strings.Join(known, ", "))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

func names(all []row) (names []string) {
	for _, r := range all {
		names = append(names, r.name)
	}
	return names
}

// add adds the values of one run.
func (s *sample) add(ours, theirs float64) {
	s.ours, s.theirs = append(s.ours, ours), append(s.theirs, theirs)
}

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRowsArePickedByName(t *testing.T) {
	all, err := pick(rows(), "")
	if err != nil || len(all) != len(rows()) {
		t.Errorf("without a name: %v, %v", names(all), err)
	}
	some, err := pick(rows(), "wake, load")
	if err != nil || !slices.Equal(names(some), []string{"wake", "load"}) {
		t.Errorf("wake, load: %v, %v", names(some), err)
	}
	_, err = pick(rows(), "load,speed")
	if err == nil || !strings.Contains(err.Error(), `"speed"`) || !strings.Contains(err.Error(), strings.Join(names(rows()), ", ")) {
		t.Errorf("an unknown name: %v, want one that says which there are", err)
	}
	if code := run(t.Context(), []string{"--only", "speed"}, t.Output()); code != 2 {
		t.Errorf("an unknown name ends with %d, want 2", code)
	}
	if code := run(t.Context(), []string{"--only", "bytes", "load"}, t.Output()); code != 2 {
		t.Errorf("a word that is no flag ends with %d, want 2", code)
	}
}

func TestALimitIsReachedFromItsSide(t *testing.T) {
	for _, c := range []struct {
		limit  limit
		figure float64
		want   bool
	}{
		{limit{must: 3}, 3, true},
		{limit{must: 3}, 3.1, false},
		{limit{atLeast: true, must: 1}, 1, true},
		{limit{atLeast: true, must: 1}, 0.99, false},
	} {
		if got := c.limit.reached(c.figure, c.limit.must); got != c.want {
			t.Errorf("%+v with %v: %v", c.limit, c.figure, got)
		}
	}
}

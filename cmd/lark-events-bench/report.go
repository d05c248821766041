package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// report is everything that a run of the bench has to say.
type report struct {
	Commit string `json:"commit"`
	Date   string `json:"date"`
	Go     string `json:"go"`
	OS     string `json:"os"`
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`

	Figures []figure `json:"figures"`
	Notes   []string `json:"notes"`
	// Failed says of each row that could not be measured why.
	Failed []string `json:"failed,omitempty"`
}

// figure is the outcome of one line.
type figure struct {
	Row     string  `json:"row"`
	What    string  `json:"what"`
	Unit    string  `json:"unit"`
	Value   float64 `json:"value"` // the median of Runs
	Against string  `json:"against,omitempty"`
	// AgainstValue is the median of AgainstRuns, and Ratio is Value's to it; zero if there is nothing to compare with.
	AgainstValue float64 `json:"against_value,omitempty"`
	Ratio        float64 `json:"ratio,omitempty"`
	Must         string  `json:"must"`
	Reached      bool    `json:"reached"`
	Aim          string  `json:"aim,omitempty"`
	AimReached   bool    `json:"aim_reached,omitempty"`

	Runs        []float64 `json:"runs"`
	AgainstRuns []float64 `json:"against_runs,omitempty"`
}

func newFigure(row string, l line, s sample) figure {
	f := figure{
		Row: row, What: l.what, Unit: l.unit, Against: l.against, Runs: rounded(s.ours), AgainstRuns: rounded(s.theirs),
		Value: round(median(s.ours)), AgainstValue: round(median(s.theirs)),
	}
	judged := median(s.ours)
	if theirs := median(s.theirs); theirs != 0 {
		f.Ratio = round(judged / theirs)
		if !l.limit.absolute {
			judged /= theirs
		}
	}
	f.Must, f.Reached = l.bound(l.limit.must), l.limit.reached(judged, l.limit.must)
	if l.limit.aim != 0 {
		f.Aim, f.AimReached = l.bound(l.limit.aim), l.limit.reached(judged, l.limit.aim)
	}
	return f
}

// bound is a limit in words.
func (l line) bound(of float64) string {
	sign, unit := "≤ ", "×"
	if l.limit.atLeast {
		sign = "≥ "
	}
	if l.limit.absolute {
		unit = " " + l.unit
	}
	return sign + number(of) + unit
}

// print writes the report as a table in Markdown.
func (r *report) print(to io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %d cores, %s, %s; commit %s, %s\n\n", r.CPU, r.Cores, r.OS, r.Go, r.Commit, r.Date)
	if len(r.Figures) > 0 {
		text.WriteString("| what | value | measured against | its value | ratio | must reach | aim | |\n")
		text.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	}
	for _, f := range r.Figures {
		cells := []string{f.What, f.quantity(f.Value, f.Runs), f.Against, "", "", f.Must, f.Aim, f.verdict()}
		if f.Ratio != 0 {
			cells[3], cells[4] = f.quantity(f.AgainstValue, f.AgainstRuns), number(f.Ratio)+"×"
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | "))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&text, "\n- %s", note)
	}
	for _, failed := range r.Failed {
		fmt.Fprintf(&text, "\n- NOT MEASURED: %s", failed)
	}
	text.WriteString("\n")
	_, err := io.WriteString(to, text.String())
	return err
}

func (r *report) printJSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// quantity is a value with its unit and, if there were several runs, their spread.
func (f figure) quantity(value float64, runs []float64) string {
	text := number(value) + " " + f.Unit
	if len(runs) > 1 {
		text += " (" + number(slices.Min(runs)) + "–" + number(slices.Max(runs)) + ")"
	}
	return text
}

func (f figure) verdict() string {
	switch {
	case f.Aim != "" && f.AimReached:
		return "aim reached"
	case f.Reached:
		return "reached"
	}
	return "NOT reached"
}

// number writes three significant digits, and all of those before the point.
func number(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }

// round keeps three significant digits, and all of those before the point.
func round(v float64) float64 {
	if v >= 100 || v <= -100 {
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', 0, 64), 64)
		return v
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return v
}

func rounded(values []float64) []float64 {
	var all []float64
	for _, v := range values {
		all = append(all, round(v))
	}
	return all
}

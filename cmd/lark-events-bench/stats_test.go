package main

import "testing"

func TestPercentileIsAValueThatSoManyDoNotExceed(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, c := range []struct {
		values []int
		p      float64
		want   int
	}{
		{hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred, 99.5, 100}, {hundred, 1, 1},
		{[]int{7}, 50, 7}, {[]int{2, 1}, 50, 1}, {nil, 50, 0},
	} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("%v %% of %d values: %d, want %d", c.p, len(c.values), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestCPUTimesOfPS(t *testing.T) {
	for text, want := range map[string]string{"0:00.12": "120ms", "01:02:03": "1h2m3s", "1:30": "1m30s"} {
		if got, err := parseClock(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
	if _, err := parseClock("never"); err == nil {
		t.Error("never is no time")
	}
}

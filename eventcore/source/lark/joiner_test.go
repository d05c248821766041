package lark

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestChunksJoinInAnyOrder(t *testing.T) {
	now := time.Unix(0, 0)
	var j joiner
	for range 100 {
		parts := []string{"one ", "", "two ", "three"}
		var whole []byte
		for i, seq := range rand.Perm(len(parts)) {
			got, err := j.add(now, "m", len(parts), seq, []byte(parts[seq]))
			if err != nil || (got != nil) != (i == len(parts)-1) {
				t.Fatalf("chunk %d of %d: %q (%v)", i+1, len(parts), got, err)
			}
			whole = got
		}
		if string(whole) != "one two three" {
			t.Fatalf("joined %q", whole)
		}
	}
	if len(j.half)+len(j.order)+j.held != 0 {
		t.Errorf("something is left: %+v", j)
	}
}

func TestAMessageThatLacksAChunkExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j joiner
		j.add(time.Now(), "m", 2, 0, []byte("old "))
		time.Sleep(chunkExpiry)
		if whole, err := j.add(time.Now(), "m", 2, 1, []byte("new")); whole != nil || err != nil {
			t.Errorf("joined %q (%v) with a chunk from %v ago", whole, err, chunkExpiry)
		}
		if whole, _ := j.add(time.Now(), "m", 2, 0, []byte("quite ")); string(whole) != "quite new" {
			t.Errorf("joined %q, want the new chunks", whole)
		}
	})
}

func TestWhatCannotBeJoinedIsRefusedAndForgotten(t *testing.T) {
	now := time.Unix(0, 0)
	cases := []struct {
		name string
		add  func(j *joiner) error
		says string
	}{
		{"no id", func(j *joiner) error { return second(j.add(now, "", 2, 0, nil)) }, "names no message"},
		{"negative", func(j *joiner) error { return second(j.add(now, "m", 2, -1, nil)) }, "out of range"},
		{"past the end", func(j *joiner) error {
			j.add(now, "m", 2, 0, []byte("x"))
			return second(j.add(now, "m", 2, 2, nil))
		}, "out of range"},
		{"too many chunks", func(j *joiner) error { return second(j.add(now, "m", maxChunks+1, 0, nil)) }, "more than"},
		{"numbers disagree", func(j *joiner) error {
			j.add(now, "m", 3, 0, []byte("x"))
			return second(j.add(now, "m", 2, 1, nil))
		}, "disagree"},
		{"too large", func(j *joiner) error {
			j.add(now, "m", 3, 0, make([]byte, maxJoined-1))
			return second(j.add(now, "m", 3, 1, []byte("xx")))
		}, "larger than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var j joiner
			if err := c.add(&j); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
			if len(j.half)+len(j.order)+j.held != 0 {
				t.Errorf("something is left: %d messages, %d bytes", len(j.half), j.held)
			}
		})
	}
}

func TestHalfMessagesNeverGrowPastTheirBounds(t *testing.T) {
	now := time.Unix(0, 0)
	var j joiner
	big := make([]byte, maxJoined/2)
	for i := range 200 {
		chunk := big
		if i%2 == 0 {
			chunk = []byte("small")
		}
		if _, err := j.add(now, fmt.Sprint(i), 3, i%3, chunk); err != nil {
			t.Fatal(err)
		}
		if len(j.half) > maxHalfJoined || j.held > maxHeld || len(j.half) != len(j.order) {
			t.Fatalf("%d messages with %d bytes are held, want at most %d with %d", len(j.half), j.held, maxHalfJoined, maxHeld)
		}
	}
	// The newest is still there.
	if _, ok := j.half["199"]; !ok {
		t.Error("the newest message was dropped, want the oldest to be")
	}
}

func second(_ []byte, err error) error { return err }

package eventcore

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestSanitizeAppID(t *testing.T) {
	for id, want := range map[string]string{
		"cli_a1b2": "cli_a1b2", "": "_", ".": "_", "..": "_", "...": "_", "../etc": "__etc", "a/b\\c": "a_b_c", "a\x00b": "a_b", "a.b": "a.b",
	} {
		if got := SanitizeAppID(id); got != want {
			t.Errorf("%q becomes %q, want %q", id, got, want)
		}
	}
}

func TestDedupFilterForgetsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDedupFilterWithSize(10, time.Minute)
		if d.IsDuplicate("a") || !d.IsDuplicate("a") || !d.Seen("a") || d.Seen("b") {
			t.Error("the same id twice is not told from a new one")
		}
		time.Sleep(time.Minute)
		if d.Seen("a") || d.IsDuplicate("a") {
			t.Error("an id is remembered longer than its time")
		}
		if !d.IsDuplicate("a") {
			t.Error("an id that came back is not remembered")
		}
	})
}

func TestDedupFilterIsBounded(t *testing.T) {
	d := NewDedupFilterWithSize(100, time.Hour)
	for n := range 10_000 {
		d.IsDuplicate(fmt.Sprint(n))
	}
	if len(d.seen) > 100 {
		t.Errorf("remembers %d ids, at most 100 are allowed", len(d.seen))
	}
	if !d.IsDuplicate("9999") || d.IsDuplicate("9000") {
		t.Error("does not remember just the latest")
	}
}

func TestDedupFilterIgnoresEmptyIDs(t *testing.T) {
	d := NewDedupFilter()
	for range 2 {
		if d.IsDuplicate("") {
			t.Error("an empty id is a duplicate")
		}
	}
}

func TestAnIDThatCameBackIsNotEvictedByItsOldSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDedupFilterWithSize(3, time.Minute)
		d.IsDuplicate("a")
		time.Sleep(time.Minute)
		d.IsDuplicate("a") // now in the second slot
		d.IsDuplicate("b")
		d.IsDuplicate("c") // takes the first slot, whose id was a
		if !d.Seen("a") {
			t.Error("the id was forgotten with the slot it had left")
		}
	})
}

func TestCursorsAreOpaqueAndReadBack(t *testing.T) {
	for text, c := range map[string]Cursor{
		"_0.4f3210e97733d45e": {"4f3210e97733d45e", 0},
		"_27a.k3x9f":          {"k3x9f", 2854},
		"_z1ci99jj7474.J-1":   {"J-1", 1 << 62},
		"c1_MC5hIGIuYw":       {"a b.c", 0}, // a name that is not safe in URLs
	} {
		got, err := ParseCursor(text)
		if err != nil || got != c || c.String() != text {
			t.Errorf("%s reads as %v, %v, and %v is written as %s", text, got, err, c, c)
		}
	}
	older := "c1_MTIwMC40ZjMyMTBlOQ" // 1200.4f3210e9, as it was written before
	if got, err := ParseCursor(older); err != nil || got != (Cursor{"4f3210e9", 1200}) {
		t.Errorf("%s reads as %v, %v", older, got, err)
	}
	for _, bad := range []string{"", "5", "c1_", "c1_x", "c1_NQ", "c1_LTEueA", "c2_MC54", "_", "_5", "_.x", "_-1.x", "_5.", "_5.x y", "_5.x.y", "5.x"} {
		var e *Error
		if _, err := ParseCursor(bad); !errors.As(err, &e) || e.Code != CodeInvalidCursor {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSubscriptionIdentity(t *testing.T) {
	def := &KeyDefinition{Key: "t.k", Params: []ParamDef{{Name: "box", SubscriptionKey: true}, {Name: "format"}}}
	id := func(box, format string) string {
		return SubscriptionIdentity(def, map[string]string{"box": box, "format": format})
	}
	if id("a", "x") != id("a", "y") {
		t.Error("a param that is no subscription key changes the identity")
	}
	if id("a", "x") == id("b", "x") {
		t.Error("a subscription key does not change the identity")
	}
	other := &KeyDefinition{Key: "t.other", Params: def.Params}
	if SubscriptionIdentity(other, map[string]string{"box": "a"}) == id("a", "") {
		t.Error("two keys share an identity")
	}
	def.SubscriptionGroup, other.SubscriptionGroup = "t.box", "t.box"
	if SubscriptionIdentity(other, map[string]string{"box": "a"}) != id("a", "") {
		t.Error("two keys of one group do not share an identity")
	}
}

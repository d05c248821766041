package jq

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestASuspensionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s strikes
		for range maxStrikes {
			s.note(ErrTimeout)
		}
		if !s.suspended() {
			t.Fatal("it is not suspended")
		}
		time.Sleep(suspendedFor)
		if s.suspended() {
			t.Fatal("it is suspended for good")
		}
		s.note(ErrTimeout)
		if !s.suspended() {
			t.Error("stopped once more, it is not suspended again")
		}
		time.Sleep(suspendedFor)
		s.note(nil)
		s.note(errors.New("its own"))
		if s.note(ErrMemory); s.suspended() {
			t.Error("it is suspended, although it ran well meanwhile")
		}
	})
}

package consume

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatienceEndsAsAContextWithATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		began := time.Now()
		p := newPatience(parent)
		time.Sleep(processTimeout / 2) // before anybody waits
		child, cancelChild := context.WithCancel(p)
		defer cancelChild()
		<-child.Done()
		if took := time.Since(began); took != processTimeout || !errors.Is(p.Err(), context.DeadlineExceeded) {
			t.Errorf("it ended after %v with %v", took, p.Err())
		}
		p.end()

		p = newPatience(parent)
		waiting := p.Done()
		p.end()
		<-waiting
		if !errors.Is(p.Err(), context.Canceled) {
			t.Errorf("ended: %v", p.Err())
		}

		p = newPatience(parent)
		cancel()
		<-p.Done()
		if !errors.Is(p.Err(), context.Canceled) {
			t.Errorf("with its parent: %v", p.Err())
		}
		p.end()

		p = newPatience(context.WithoutCancel(parent))
		p.end()
		if !errors.Is(p.Err(), context.Canceled) {
			t.Errorf("asked after its end: %v", p.Err())
		}

		soon, cancelSoon := context.WithTimeout(context.WithoutCancel(parent), time.Second)
		defer cancelSoon()
		if at, ok := newPatience(soon).Deadline(); !ok || at != time.Now().Add(time.Second) {
			t.Errorf("the deadline is %v, want the parent's", at)
		}
	})
}

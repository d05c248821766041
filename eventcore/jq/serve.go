package jq

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"
)

const (
	// maxCompiled is how many expressions a worker keeps compiled.
	maxCompiled = 256
	// lookEvery is how often a worker looks at its memory while an expression runs. In this time it can fill some ten MiB.
	lookEvery = 2 * time.Millisecond
	maxStack  = 64 << 20
	// giveUpAfter is when a worker ends itself, for the case that nobody is left to kill it.
	giveUpAfter = 5 * killAfter
	maxError    = 1000 // bytes of a message, which may be of the expression's making
)

// What a worker's exit codes say: that it has ended itself because of its memory; that Go did, for a full stack or
// because the system gave no more. A panic would have the latter too, and is recovered.
const (
	exitMemory = 86
	exitFatal  = 2
)

// Serve is the other side of a [Sandbox]: it runs the expressions that in asks for until in ends. It ends the process
// when one takes more than [MaxMemory], or a long time.
func Serve(in io.Reader, out io.Writer) error {
	debug.SetMaxStack(maxStack)
	requests := json.NewDecoder(bufio.NewReader(in))
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	if err := answers.Encode(answer{}); err != nil { // ready
		return err
	}
	compiled := map[string]*Program{}
	for {
		var req request
		if err := requests.Decode(&req); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if len(compiled) >= maxCompiled {
			clear(compiled)
		}
		done := watch()
		got := handle(compiled, req)
		done()
		if err := answers.Encode(got); err != nil {
			return err
		}
		if heap() > MaxMemory/4 {
			debug.FreeOSMemory() // so that the next expression is not charged for the garbage of this one
		}
	}
}

// handle runs one expression.
func handle(compiled map[string]*Program, req request) (got answer) {
	defer func() {
		if r := recover(); r != nil {
			got = answer{Error: fmt.Sprintf("jq has a fault that it met: %.200v", r)}
		}
	}()
	p := compiled[req.Expression]
	var err error
	if p == nil {
		if p, err = Compile(req.Expression); err != nil {
			return answer{Error: err.Error()}
		}
		compiled[req.Expression] = p
	}
	if req.Truth {
		got.True, err = p.True(context.Background(), req.Data)
	} else {
		err = p.Outputs(context.Background(), req.Data, nil, func(output Output) bool {
			got.Outputs = append(got.Outputs, output)
			return true
		})
	}
	if err != nil {
		got.Error = err.Error()
		if len(got.Error) > maxError {
			got.Error = strings.ToValidUTF8(got.Error[:maxError], "") + "…"
		}
	}
	return got
}

// watch ends the process if it takes too much memory, or far too long, before done is called, which waits until nobody
// watches.
func watch() (done func()) {
	ended, left := make(chan struct{}), make(chan struct{})
	late := time.Now().Add(giveUpAfter)
	go func() {
		defer close(left)
		look := time.NewTicker(lookEvery)
		defer look.Stop()
		for over := false; !over; {
			select {
			case <-ended:
				over = true // and a last look, at what was made since the one before
			case <-look.C:
			}
			if heap() > MaxMemory {
				os.Exit(exitMemory)
			}
			if time.Now().After(late) {
				os.Exit(1)
			}
		}
	}()
	return func() {
		close(ended)
		<-left
	}
}

// heap is how many bytes are on the heap, garbage included, which comes close to what the system has given for it.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

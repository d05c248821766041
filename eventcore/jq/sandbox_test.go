package jq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

// asWorker is the variable by which the test's program is a sandbox's worker.
const asWorker = "JQ_TEST_WORKER"

func newSandbox(t testing.TB) *jq.Sandbox {
	s := jq.NewSandbox(func() (*exec.Cmd, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asWorker+"=1")
		return cmd, nil
	})
	t.Cleanup(s.Close)
	return s
}

var event = json.RawMessage(`{"text":"hello","n":2,"list":[1,2,3],"deep":{"a":{"b":[{"c":"x"}]}}}`)

// truth runs an expression in a sandbox, which must not take long.
func truth(t *testing.T, s *jq.Sandbox, expression string) (bool, error) {
	t.Helper()
	program, err := s.Compile(expression)
	if err != nil {
		return false, err
	}
	began := time.Now()
	got, err := program.True(t.Context(), event)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("%s took %s", expression, took)
	}
	return got, err
}

// TestWhatDoesNotEndOrFit is about expressions each of which would take minutes or gigabytes.
func TestWhatDoesNotEndOrFit(t *testing.T) {
	s := newSandbox(t)
	for _, expression := range []string{
		`"x" * 1e9`, `[range(1e9)]`, `[limit(1e9; repeat(1))]`, `def f: f; f`, `def f: [f]; f`, `last(repeat(1))`,
		`"a" * 1e8 | gsub("a"; "bb")`, `reduce range(60) as $i ("x"; . + .)`, `"x" | until(length > 1e12; . + .)`,
		`reduce range(60) as $i (0; [., .]) | tojson`, `[range(2) | reduce range(60) as $i (0; {a: ., b: .})] | .[0] == .[1]`,
		`.list[400000000] = 1`, `[] | setpath([400000000]; 1)`, `reduce range(40) as $i (10; . * .)`,
		`("x" * 1e6) as $x | [range(1e5) | $x] | join("")`, `("x" * 1e6) as $x | [range(1e5) | $x] | add`,
		`[[range(1e5)], (range(1e5) | [])] | transpose`, `[range(1e6)] - [range(1e6)]`, `"ab" * 1e6 | [match("a|b"; "g")] | length`,
		`"a" * 1e6 | test("(a?){1000}(a?){1000}b")`, `reduce range(1e9) as $i (0; [.])`, `error("x" * 1e9)`,
		`("x" * 1e6) as $x | [range(1e5) | $x] | @csv`, `[range(60)] | [combinations(5)]`,
	} {
		t.Run(expression, func(t *testing.T) {
			if _, err := truth(t, s, expression); !errors.Is(err, jq.ErrTimeout) && !errors.Is(err, jq.ErrMemory) {
				t.Errorf("it was not stopped: %v", err)
			}
		})
	}
	if got, err := truth(t, s, `[.list[] | . * 2] == [2, 4, 6]`); !got || err != nil {
		t.Errorf("after all that, a harmless one gives %v, %v", got, err)
	}
}

func TestWhatAnExpressionCannotReach(t *testing.T) {
	t.Setenv("SECRET", "s3cr3t")
	s := newSandbox(t)
	for expression, refused := range map[string]bool{
		`$ENV | length > 0`: false, `env | length > 0`: false, `input`: true, `inputs`: true, `input_filename`: true,
		`import "a" as a; .`: true, `include "a"; .`: true, `$__prog_args`: true, `get_search_list`: true, `debug`: true,
	} {
		got, err := truth(t, s, expression)
		if got || refused != (err != nil) {
			t.Errorf("%s is %v, %v", expression, got, err)
		}
	}
}

func TestASandboxChangesNoResult(t *testing.T) {
	s := newSandbox(t)
	for _, expression := range []string{
		`.text`, `.list[]`, `nan, infinite, null, false`, `.n * 1e400`, `empty`, `[.list[] | . + 1]`, `.text | @sh, @base64`, `.x.y`, `.text.y`,
		`error("no")`, `halt`, `"\(.text) <&> \u0000"`, `.text, .n, error({a: 1})`, `now | strftime("%Y") | length`, `"a,b" | [splits(",")]`,
		`getpath(["deep", "a", "b", 0, "c"])`, `[.. | scalars]`, `.list[1:]`, `ltrimstr("h")`, `[65] | implode`, `.text | ascii_downcase`,
	} {
		direct, err := jq.Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		// An expression that does nothing, to keep it from being plain.
		boxed, err := s.Compile("def f: 1; " + expression)
		if err != nil {
			t.Fatal(err)
		}
		want, got := outputs(direct), outputs(boxed)
		if got != want {
			t.Errorf("%s gives\n%s\nin a sandbox, and else\n%s", expression, got, want)
		}
		wantTrue, _ := direct.True(t.Context(), event)
		if isTrue, _ := boxed.True(t.Context(), event); isTrue != wantTrue {
			t.Errorf("%s is %v in a sandbox, and else %v", expression, isTrue, wantTrue)
		}
	}
}

// outputs returns what a program gives, and its error, as text.
func outputs(p *jq.Program) string {
	var text strings.Builder
	err := p.Outputs(context.Background(), event, nil, func(output jq.Output) bool {
		fmt.Fprintln(&text, string(output.JSON), output.True)
		return true
	})
	fmt.Fprint(&text, err)
	return text.String()
}

func TestOutputIsBounded(t *testing.T) {
	s := newSandbox(t)
	data := json.RawMessage(`["` + strings.Repeat("x", 1<<20) + `"]`)
	for _, expression := range []string{`.,.|.,.|.,.|.,.|.,.`, `[range(100)] as $x | range(100) as $i | .[0]`} {
		program, err := s.Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		bytes := 0
		err = program.Outputs(t.Context(), data, nil, func(output jq.Output) bool {
			bytes += len(output.JSON)
			return true
		})
		if !errors.Is(err, jq.ErrOutput) && !errors.Is(err, jq.ErrTimeout) || bytes > jq.MaxOutput {
			t.Errorf("%s gave %d bytes, %v", expression, bytes, err)
		}
	}
}

// TestMostFiltersNeedNoProcess has a sandbox without any.
func TestMostFiltersNeedNoProcess(t *testing.T) {
	errNone := errors.New("no process")
	s := jq.NewSandbox(func() (*exec.Cmd, error) { return nil, errNone })
	defer s.Close()
	for expression, plain := range map[string]bool{
		`.text == "hello"`: true, `.n > 1 and (.text | startswith("h"))`: true, `.list[] | select(. == 3)`: true, `.deep.a.b[0].c?`: true,
		`any(.list[]; . == 2)`: true, `.text | test("^h.*o$"; "i")`: true, `.text | ascii_downcase | contains("ell")`: true,
		`if .n == 2 then true else false end`: true, `.missing // "x"`: true, `[..] | length`: false, `.text[1:3] == "el"`: true,
		`.. == "x"`: true, `.n == -1`: true, `try .text.x catch .`: true, `.text | test("a{1000}")`: false, `.text + "x"`: false,
		`.text | test(.text)`: false, `.list | contains([1])`: false, `"\(.n)"`: false, `. as $x | $x`: false, `.a = 1`: false, `.n |= 3`: false,
		`{a: .n}`: false, `[.n]`: false, `.text | tojson`: false, `def select(f): [f]; select(.n)`: false, `.list[.n]`: false, `-.n`: false,
	} {
		_, err := truth(t, s, expression)
		if got := !errors.Is(err, errNone); got != plain {
			t.Errorf("%s runs without a process: %v, %v", expression, got, err)
		}
	}
}

// TestLargeEventsNeedAProcess has a sandbox without any, and events on which one step of a harmless filter takes seconds.
func TestLargeEventsNeedAProcess(t *testing.T) {
	errNone := errors.New("no process")
	s := jq.NewSandbox(func() (*exec.Cmd, error) { return nil, errNone })
	defer s.Close()
	for expression, char := range map[string]string{
		`.n == 1`: "7", `.n | tonumber == 1`: "7", `.n | fromjson == 1`: "7", `.n | test("a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?ab")`: "a",
	} {
		program, err := s.Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		for size, large := range map[int]bool{1000: false, 60_000: false, 70_000: true, 1_000_000: true} {
			data := json.RawMessage(`{"n":"` + strings.Repeat(char, size) + `"}`)
			_, err := program.True(t.Context(), data)
			outputsErr := program.Outputs(t.Context(), data, nil, func(jq.Output) bool { return true })
			if errors.Is(err, errNone) != large || errors.Is(outputsErr, errNone) != large {
				t.Errorf("%s on %d bytes: %v, %v", expression, size, err, outputsErr)
			}
		}
	}
}

func TestWhoeverGivesUpIsNotKeptWaiting(t *testing.T) {
	s := newSandbox(t)
	program, err := s.Compile(`"ab" * 1e6 | [match("a|b"; "g")]`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := program.True(ctx, event); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestASandboxServesMany(t *testing.T) {
	s := newSandbox(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			program, err := s.Compile(`[.n] + [` + strconv.Itoa(i) + `]`)
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				if got, want := outputs(program), fmt.Sprintf("[2,%d] true\n<nil>", i); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	all.Wait()
}

// TestOwnersTakeTurns has an owner of many expressions that do not end beside one whose expressions are harmless.
func TestOwnersTakeTurns(t *testing.T) {
	bad := newSandbox(t)
	good := bad.ForOwner()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	const many = 20
	ended := make(chan struct{}, many)
	for i := range many {
		endless, err := bad.Compile(fmt.Sprintf(`"ab" * 1e6 | [match("a|b"; "g")] | length > %d`, i))
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			_, _ = endless.True(ctx, event)
			ended <- struct{}{}
		})
	}
	<-ended
	if isTrue, err := truth(t, good, `.n + 1 == 3`); !isTrue || err != nil {
		t.Errorf("it gives %v, %v", isTrue, err)
	}
	if n := len(ended); n > many/2 {
		t.Errorf("it waited for %d expressions of another owner", n)
	}
}

// TestAnExpressionIsNotChargedForTheGarbageOfAnother has runs that need more than half of the memory each.
func TestAnExpressionIsNotChargedForTheGarbageOfAnother(t *testing.T) {
	s := newSandbox(t)
	for i := range 6 {
		// Not its length: with the race detector, gojq makes an array of all its characters for that.
		program, err := s.Compile(fmt.Sprintf(`"x" * 80e6 > "w%d"`, i))
		if err != nil {
			t.Fatal(err)
		}
		// On a busy machine its time may be over first.
		if got, err := program.True(t.Context(), event); !got && !errors.Is(err, jq.ErrTimeout) {
			t.Errorf("run %d gives %v, %v", i, got, err)
		}
	}
}

// TestWhatIsStoppedAgainAndAgainIsSuspended is about an expression that does not fit, but for one event. On a busy machine
// its time is over before the memory is.
func TestWhatIsStoppedAgainAndAgainIsSuspended(t *testing.T) {
	program, err := newSandbox(t).Compile(`if .n == 2 then "x" * 1e9 else true end`)
	if err != nil {
		t.Fatal(err)
	}
	stopped := []error{jq.ErrMemory, jq.ErrTimeout}
	suspended, passed := []error{jq.ErrSuspended}, []error{nil}
	for i, c := range []struct {
		data string
		want []error
	}{
		{`{"n":2}`, stopped}, {`{"n":2}`, stopped}, {`{"n":1}`, passed}, {`{"n":2}`, stopped}, {`{"n":2}`, stopped}, {`{"n":2}`, stopped},
		{`{"n":2}`, suspended}, {`{"n":1}`, suspended},
	} {
		_, err := program.True(t.Context(), json.RawMessage(c.data))
		if !slices.ContainsFunc(c.want, func(want error) bool { return errors.Is(err, want) }) {
			t.Errorf("run %d, on %s, ends with %v, want %v", i, c.data, err, c.want)
		}
	}
}

// TestAProcessThatDoesNotStartIsNoFaultOfTheExpression has commands that end at once, each in another way.
func TestAProcessThatDoesNotStartIsNoFaultOfTheExpression(t *testing.T) {
	for _, how := range []string{"-no-such-flag", "-test.run=^$"} {
		s := jq.NewSandbox(func() (*exec.Cmd, error) { return exec.Command(os.Args[0], how), nil })
		defer s.Close()
		if _, err := truth(t, s, `.n + 1 == 3`); !errors.Is(err, jq.ErrStart) || errors.Is(err, jq.ErrMemory) {
			t.Errorf("%s: %v", how, err)
		}
	}
	s := jq.NewSandbox(func() (*exec.Cmd, error) { return exec.Command("/no/such/program"), nil })
	defer s.Close()
	if _, err := truth(t, s, `.n + 1 == 3`); !errors.Is(err, jq.ErrStart) {
		t.Errorf("no program: %v", err)
	}
}

func TestAProcessThatSomebodyEndedIsReplaced(t *testing.T) {
	var started []*exec.Cmd
	s := jq.NewSandbox(func() (*exec.Cmd, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asWorker+"=1")
		started = append(started, cmd)
		return cmd, nil
	})
	defer s.Close()
	const expression = `.n + 1 == 3` // which is not plain
	for range 4 {                    // more than there are processes
		if got, err := truth(t, s, expression); !got || err != nil {
			t.Fatalf("it gives %v, %v", got, err)
		}
	}
	for _, cmd := range started {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for range len(started) {
		if got, err := truth(t, s, expression); !got || err != nil {
			t.Errorf("after its process was killed it gives %v, %v", got, err)
		}
	}
}

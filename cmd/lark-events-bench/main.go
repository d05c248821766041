package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// runLimit is the time for all rows together. What is not measured by then is reported as such.
const runLimit = 170 * time.Second

func main() {
	if len(os.Args) > 1 && os.Args[1] == helperArg {
		if err := helper(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout))
}

// bench is one run.
type bench struct {
	root   string // of the module's source
	dir    string // where everything is built and kept, for this run
	binary string
	// unbuilt is why there is nothing to measure against.
	unbuilt error

	mu     sync.Mutex
	report report
}

// run returns the exit code: 0 if all was measured, whatever came out; 1 if something could not be; 2 for wrong usage.
func run(ctx context.Context, args []string, stdout io.Writer) int {
	flags := flag.NewFlagSet("lark-events-bench", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print JSON on stdout, and the table on stderr")
	only := flags.String("only", "", "measure only these `rows`, separated by commas: "+strings.Join(names(rows()), ", "))
	dir := flags.String("dir", "", "keep the journals in a new directory in this one, on a real disk (default: the system's for temporary files)")
	binary := flags.String("binary", "", "measure this lark-events-mcp instead of building one")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%q is no flag; --only picks the rows, and --help tells the flags\n", flags.Arg(0))
		return 2
	}
	picked, err := pick(rows(), *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	b := &bench{binary: *binary}
	if b.dir, err = os.MkdirTemp(*dir, "leb"); err != nil { // short: it is in the path of sockets
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b.measure(ctx, picked)
	return b.tell(stdout, *asJSON)
}

// prepare finds the source, builds, and notes what is measured and where.
func (b *bench) prepare(ctx context.Context) error {
	if b.root = output("", "go", "list", "-m", "-f", "{{.Dir}}", module); b.root == "" {
		return fmt.Errorf("run it in the source of %s, with go on the PATH: it builds what it measures", module)
	}
	b.report = report{
		Commit: commit(b.root), Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(),
		OS: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuName(), Cores: runtime.NumCPU(),
	}
	if err := b.buildAll(ctx); err != nil {
		return err
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		b.note("the load average was %s before anything was measured", strings.Fields(string(load))[0])
	}
	return nil
}

// measure measures the rows one after the other, and those that mostly wait beside them.
func (b *bench) measure(ctx context.Context, picked []row) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	figures := make([][]figure, len(picked))
	var beside sync.WaitGroup
	for i, r := range picked {
		if r.beside {
			beside.Go(func() { figures[i] = b.measureRow(ctx, r) })
		}
	}
	for i, r := range picked {
		if !r.beside {
			figures[i] = b.measureRow(ctx, r)
		}
	}
	beside.Wait()
	for _, f := range figures {
		b.report.Figures = append(b.report.Figures, f...)
	}
}

// measureRow returns a row's figures, or notes why there are none.
func (b *bench) measureRow(ctx context.Context, r row) []figure {
	began := time.Now()
	samples, err := r.run(ctx, b)
	fmt.Fprintf(os.Stderr, "measured %s in %s\n", r.name, time.Since(began).Round(100*time.Millisecond))
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.report.Failed = append(b.report.Failed, r.name+": "+strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil
	}
	var figures []figure
	for i, l := range r.lines {
		figures = append(figures, newFigure(r.name, l, samples[i]))
	}
	return figures
}

// note adds a sentence to the report.
func (b *bench) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Notes = append(b.report.Notes, fmt.Sprintf(format, args...))
}

// tell prints the report and returns the exit code.
func (b *bench) tell(stdout io.Writer, asJSON bool) int {
	table := stdout
	var err error
	if asJSON {
		err = b.report.printJSON(stdout)
		table = os.Stderr
	}
	if err := errors.Join(err, b.report.print(table)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if len(b.report.Failed) > 0 {
		return 1
	}
	return 0
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

// helperArg is the first argument of a bench that is one of the helpers: programs beside which others are measured.
const helperArg = "helper"

// helpers are named by their first argument.
var helpers = map[string]func(args []string) error{"echo": echo, "fan": fan}

func helper(args []string) error {
	if len(args) == 0 || helpers[args[0]] == nil {
		return fmt.Errorf("there is no helper %q", args)
	}
	return helpers[args[0]](args[1:])
}

// startHelper starts a helper in a process of its own.
func (s *setting) startHelper(ctx context.Context, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return s.start(ctx, program, append([]string{helperArg}, args...)...)
}

// echo answers each line with itself.
func echo([]string) error {
	in := bufio.NewReaderSize(os.Stdin, 256<<10)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil // the bench has what it wanted
		}
		if _, err := os.Stdout.Write(line); err != nil {
			return err
		}
	}
}

// fan connects to a Unix socket many times, says so, and at a line on stdin writes a chunk to each connection in turn, so
// often. It says so again, and ends when stdin does. The arguments are the socket's path, and the numbers of connections,
// chunks for each, and bytes of a chunk.
func fan(args []string) error {
	var numbers [3]int
	if len(args) != 1+len(numbers) {
		return fmt.Errorf("fan %q: want a path and %d numbers", args, len(numbers))
	}
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.Atoi(args[1+i]); err != nil {
			return err
		}
	}
	chunk := bytes.Repeat([]byte("x"), numbers[2])
	conns := make([]net.Conn, numbers[0])
	for i := range conns {
		var err error
		if conns[i], err = net.Dial("unix", args[0]); err != nil {
			return err
		}
	}
	fmt.Println("connected")
	if _, err := bufio.NewReader(os.Stdin).ReadBytes('\n'); err != nil {
		return err
	}
	for range numbers[1] {
		for _, conn := range conns {
			if _, err := conn.Write(chunk); err != nil {
				return err
			}
		}
	}
	fmt.Println("written")
	io.Copy(io.Discard, os.Stdin)
	return nil
}

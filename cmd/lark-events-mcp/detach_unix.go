//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach keeps what ends this process, its session or its terminal from ending the command.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

package main

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// detach keeps what ends this process or its console from ending the command.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS, HideWindow: true,
	}
}

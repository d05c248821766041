package main

// onStdoutClosed does nothing here: a write to a closed pipe tells.
func onStdoutClosed(func()) {}

// stdoutClosed is not known here without a write.
func stdoutClosed() bool { return false }

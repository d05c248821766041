//go:build race

package mcp

// raceDetector says that memory is not what it would be.
const raceDetector = true

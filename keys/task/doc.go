// Package task defines the event key of tasks: to-dos that people give themselves and each other.
//
// It is not for creating or changing tasks, and approval tasks are in package approval. Package keys registers what
// [Keys] returns.
package task

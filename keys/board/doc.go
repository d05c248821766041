// Package board defines the event key of whiteboards: that someone drew on one.
//
// It is not for reading or drawing, nor for the documents that whiteboards are in. Package keys registers what
// [Keys] returns.
package board

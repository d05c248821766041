// Package minutes defines the event keys of Lark Minutes: the transcribed recordings of meetings and uploaded files.
//
// It is not for reading transcripts, nor for the recordings and notes of meetings, which package vc has. Package keys
// registers what [Keys] returns.
package minutes

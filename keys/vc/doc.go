// Package vc defines the event keys of video meetings that need more than the platform's own event: meetings a user
// takes part in, AI notes, recorder devices, and what a bot is invited to and sees in a meeting.
//
// It is not for the native keys of the domain, which are generated, nor for minutes, which have a package of their
// own. Package keys registers what [Keys] returns.
package vc

// Package application defines the event keys of the app itself that need more than the platform's own structure: what
// people choose in the bot's menu.
//
// It is not for the versions, reviews and members of apps, whose keys are generated. Package keys registers what
// [Keys] returns.
package application

// Package contact defines the event keys of the company directory: people and departments that come, change and go.
//
// It is not for what the app may see of the directory, nor for its custom fields and employee types, whose keys are
// generated. Package keys registers what [Keys] returns.
package contact

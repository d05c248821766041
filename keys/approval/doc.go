// Package approval defines the event keys of approvals: the progress of a whole request, and of each decision in it.
//
// It is not for deciding or filing requests, nor for changes of approval forms. Package keys registers what [Keys]
// returns.
package approval

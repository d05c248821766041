package keydef

import (
	"slices"
	"strings"
)

// Admits reports whether an event passes a filter: wanted is the param, one value or several separated by commas, got is
// what the event says. A param that was not given admits everything; an event that does not say passes, because what a
// filter drops is gone without a trace.
func Admits[T ~string](wanted string, got ...T) bool {
	said := slices.DeleteFunc(slices.Clone(got), func(value T) bool { return value == "" })
	if wanted == "" || len(said) == 0 {
		return true
	}
	list := strings.Split(wanted, ",")
	return slices.ContainsFunc(said, func(value T) bool { return slices.Contains(list, string(value)) })
}

//go:build !race

package keys

const slowdown = 1

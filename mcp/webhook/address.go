package webhook

import (
	"net/netip"
	"slices"
)

// special are the ranges that are no public unicast addresses, by the IANA IPv4 and IPv6 Special-Purpose Address
// Registries (iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry): what is not globally
// reachable there, multicast, and the transition ranges whose traffic ends up somewhere else. Of IPv6 only
// globalUnicast is considered at all, so that its table lists what lies within.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // shared, behind carrier NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, with the clouds' metadata services
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // IETF protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays, deprecated
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarking
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast
	"2001::/23",       // IETF protocol assignments: Teredo, ORCHID, benchmarking, …
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4, which embeds IPv4 addresses
	"3fff::/20",       // documentation
)

var (
	// globalUnicast is what IANA assigns addresses from (RFC 4291, iana.org/assignments/ipv6-address-space).
	globalUnicast = netip.MustParsePrefix("2000::/3")
	// nat64 stands for the IPv4 address in its last four bytes (RFC 6052). Where there is no IPv4, every name that has
	// no IPv6 address resolves to it.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// addressPolicy says which addresses may be connected to: public ones, and those in its own ranges.
type addressPolicy struct{ private []netip.Prefix }

// everything is the policy that permits all addresses.
var everything = addressPolicy{prefixes("0.0.0.0/0", "::/0")}

func (p addressPolicy) permits(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = plain(addr)
	within := func(prefix netip.Prefix) bool { return prefix.Contains(addr) }
	switch {
	case slices.ContainsFunc(p.private, within):
		return true
	case addr.Is6() && !globalUnicast.Contains(addr):
		return false
	}
	return !slices.ContainsFunc(special, within)
}

// plain returns the IPv4 address that an IPv6 address stands for, or the address itself.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if nat64.Contains(addr) {
		bytes := addr.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return addr
}

// Command coredns is CoreDNS with the few plugins that the DNS of the sandbox
// needs. All of them would take minutes to compile.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
)

func init() {
	// Who comes first answers first. In CoreDNS's own order the template would
	// hide the cluster's names.
	dnsserver.Directives = []string{"ready", "health", "errors", "cache", "kubernetes", "template"}
}

func main() {
	coremain.Run()
}

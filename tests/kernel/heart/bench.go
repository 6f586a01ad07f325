package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// bench calls tls.(*Conn).Write so often that one probe hit can be timed. The
// connection is closed, so the function itself is over in nanoseconds. Each
// line read from standard input starts a round.
func bench(arguments []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	calls := flags.Int("calls", 100_000, "calls per round")
	flags.String("hostname-override", "", "name of the node")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	here, _ := net.Pipe()
	connection := tls.Client(here, &tls.Config{InsecureSkipVerify: true})
	if err := connection.Close(); err != nil {
		return err
	}
	// A DATA frame that is no Lease: what most hits on a kubelet are.
	buffer := make([]byte, 512)
	fmt.Println("ready")
	for {
		if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
			return nil
		}
		start := time.Now()
		for range *calls {
			if _, err := connection.Write(buffer); err == nil {
				return fmt.Errorf("a closed connection took data")
			}
		}
		fmt.Println(time.Since(start).Nanoseconds() / int64(*calls))
	}
}

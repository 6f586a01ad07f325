package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

const leaseNamespace = "kube-node-lease"

// beat runs the lease controller as the kubelet does, until standard input closes.
func beat(arguments []string) error {
	flags := flag.NewFlagSet("beat", flag.ContinueOnError)
	node := flags.String("hostname-override", "", "name of the node")
	address := flags.String("server", "", "address of the API server")
	certificate := flags.String("certificate", "", "its certificate")
	interval := flags.Duration("interval", time.Second, "time between beats")
	timeout := flags.Duration("timeout", 10*time.Second, "of one request")
	contentType := flags.String("content-type", runtime.ContentTypeProtobuf, "of requests")
	http1 := flags.Bool("http1", false, "no HTTP/2")
	padding := flags.Int("padding", 0, "bytes of annotations in the Lease")
	second := flags.String("second", "", "renew the Lease of this other node as well")
	runs := flags.Int("runs", 0, "instead of one controller: so many, one after another, each for one beat")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config := &rest.Config{
		Host:            *address,
		TLSClientConfig: rest.TLSClientConfig{CAFile: *certificate},
		ContentConfig:   rest.ContentConfig{ContentType: *contentType, AcceptContentTypes: *contentType + ",application/json"},
		QPS:             -1,
		Timeout:         *timeout,
	}
	if *http1 {
		config.NextProtos = []string{"http/1.1"}
	}
	renewed := make(chan struct{}, 1)
	if *runs > 0 {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &announcer{next, renewed} })
		*interval = time.Hour
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// The process is there before it beats: a probe wants to be attached first.
	fmt.Println("ready")
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		return err
	}
	grow := func(lease *coordinationv1.Lease) error {
		if *padding > 0 {
			lease.Annotations = map[string]string{"padding": string(make([]byte, *padding))}
			for i := range *padding {
				lease.Annotations["padding"] = lease.Annotations["padding"][:i] + "x" + lease.Annotations["padding"][i+1:]
			}
		}
		lease.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: lease.Name, UID: "70c3c25d-dc3d-4ad3-ba3a-36637d3b5b60"}}
		return nil
	}
	controller := func(name string) lease.Controller {
		return lease.NewController(clock.RealClock{}, client, name, 40, nil, *interval, name, leaseNamespace, grow)
	}
	if *runs > 0 {
		storm(*runs, renewed, func() lease.Controller { return controller(*node) })
	} else {
		if *second != "" {
			go controller(*second).Run(context.Background())
		}
		go controller(*node).Run(context.Background())
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// announcer tells when a renewal was answered.
type announcer struct {
	next    http.RoundTripper
	renewed chan<- struct{}
}

func (a *announcer) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(request)
	if request.Method == http.MethodPut || request.Method == http.MethodPost {
		a.renewed <- struct{}{}
	}
	return response, err
}

// storm starts controllers on fresh goroutines, each a little deeper on its
// stack than the one before, so that some of them have to grow it exactly where
// the probes sit. Every controller beats once and then waits for an hour.
func storm(runs int, renewed <-chan struct{}, controller func() lease.Controller) {
	for depth := range runs {
		go descend(depth%256, func() { controller().Run(context.Background()) })
		<-renewed
	}
	fmt.Println("done")
}

var kept atomic.Int64

//go:noinline
func descend(depth int, then func()) {
	var frame [32]byte
	frame[depth%32] = byte(depth)
	if depth == 0 {
		then()
	} else {
		descend(depth-1, then)
	}
	kept.Add(int64(frame[depth%32]))
}

//go:build tools

// Package kubernetes pins the modules from which the sandbox's Kubernetes
// programs are built. It is never compiled: it only keeps `go mod tidy` from
// dropping what the five commands need.
package kubernetes

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)

package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// answer is how one PUT is answered: a status after a delay.
type answer struct {
	status int
	delay  time.Duration
}

// parseScript reads answers such as "200,500*5,409,200@1500": a status, how
// often, and after how many milliseconds.
func parseScript(script string) ([]answer, error) {
	var answers []answer
	for _, word := range strings.FieldsFunc(script, func(r rune) bool { return r == ',' }) {
		word, delayText, _ := strings.Cut(word, "@")
		word, countText, _ := strings.Cut(word, "*")
		status, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("status in script: %w", err)
		}
		count, delay := 1, 0
		if countText != "" {
			if count, err = strconv.Atoi(countText); err != nil {
				return nil, fmt.Errorf("count in script: %w", err)
			}
		}
		if delayText != "" {
			if delay, err = strconv.Atoi(delayText); err != nil {
				return nil, fmt.Errorf("delay in script: %w", err)
			}
		}
		for range count {
			answers = append(answers, answer{status, time.Duration(delay) * time.Millisecond})
		}
	}
	return answers, nil
}

// received is one line of the server's diary.
type received struct {
	Method          string `json:"method"`
	Name            string `json:"name"`
	RenewTimeMicros int64  `json:"renew_time_micros"`
	Status          int    `json:"status"`
	Protocol        string `json:"protocol"`
}

type server struct {
	mutex    sync.Mutex
	script   []answer
	scripted string
	leases   map[string]*coordinationv1.Lease
	version  int
	diary    *json.Encoder
}

// serve runs the API server: prints its address, then one line per write.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	script := flags.String("script", "", "answers to PUT requests, then always 200")
	scripted := flags.String("scripted", "", "the node whose Lease is answered by the script")
	certificate := flags.String("certificate", "", "where to write the certificate")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	answers, err := parseScript(*script)
	if err != nil {
		return err
	}
	api := &server{script: answers, scripted: *scripted, leases: map[string]*coordinationv1.Lease{}, diary: json.NewEncoder(os.Stdout)}
	listener := httptest.NewUnstartedServer(api)
	listener.EnableHTTP2 = true
	listener.StartTLS()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: listener.Certificate().Raw})
	if err := os.WriteFile(*certificate, block, 0o600); err != nil {
		return err
	}
	fmt.Println(listener.URL)
	// The parent's end of the pipe closes with the parent: no server outlives its test.
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	parts := strings.Split(r.URL.Path, "/")
	name := parts[len(parts)-1]
	s.mutex.Lock()
	status, delay, lease := s.decide(r.Method, name, r.Proto, body)
	s.mutex.Unlock()
	time.Sleep(delay)
	s.reply(w, r, status, lease)
}

// decide keeps the diary and the leases; the mutex is held.
func (s *server) decide(method, name, protocol string, body []byte) (int, time.Duration, *coordinationv1.Lease) {
	if method == http.MethodGet {
		if lease := s.leases[name]; lease != nil {
			return http.StatusOK, 0, lease
		}
		return http.StatusNotFound, 0, nil
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	lease, ok := object.(*coordinationv1.Lease)
	if err != nil || !ok || lease.Spec.RenewTime == nil {
		return http.StatusBadRequest, 0, nil
	}
	chosen := answer{status: http.StatusOK}
	switch {
	case method == http.MethodPost:
		chosen.status = http.StatusCreated
	case len(s.script) > 0 && lease.Name == s.scripted:
		chosen, s.script = s.script[0], s.script[1:]
	}
	if chosen.status < 300 {
		s.version++
		lease.ResourceVersion = strconv.Itoa(s.version)
		s.leases[lease.Name] = lease
	}
	line := received{method, lease.Name, lease.Spec.RenewTime.UnixMicro(), chosen.status, protocol}
	if err := s.diary.Encode(line); err != nil {
		return http.StatusInternalServerError, 0, nil
	}
	return chosen.status, chosen.delay, lease
}

func (s *server) reply(w http.ResponseWriter, r *http.Request, status int, lease *coordinationv1.Lease) {
	var object runtime.Object = lease
	if status >= 300 {
		object = &metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
			Status:   metav1.StatusFailure,
			Reason:   metav1.StatusReason(map[int]string{404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}[status]),
			Code:     int32(status),
		}
	} else {
		lease.TypeMeta = metav1.TypeMeta{Kind: "Lease", APIVersion: "coordination.k8s.io/v1"}
	}
	var out bytes.Buffer
	var err error
	if strings.Contains(r.Header.Get("Accept"), "protobuf") && status < 300 {
		w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		err = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(object, &out)
	} else {
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		err = json.NewEncoder(&out).Encode(object)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	if _, err := w.Write(out.Bytes()); err != nil {
		fmt.Fprintln(os.Stderr, "heart: answer not sent:", err)
	}
}

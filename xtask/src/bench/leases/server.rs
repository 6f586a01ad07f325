//! As much of an API server as a watch of Leases needs, on this machine's
//! loopback device. A thread for each connection; all end with the process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{self, Page, Schedule};

/// A watch is not held longer, whatever the client says.
const LONGEST_WATCH: Duration = Duration::from_secs(300);

/// More than any header of a client that means well.
const HEADER_BYTES: u64 = 64 << 10;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// A running server; it takes no more connections when dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    schedule: Schedule,
    watches: Mutex<Vec<Watch>>,
    ended: AtomicBool,
}

/// A watch that a client holds or held.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// Whether the client calls itself kubectl; the plugin gives no name.
    is_kubectl: bool,
    pub(super) began: Instant,
    /// Renewals that were written to the client.
    pub(super) sent: u64,
}

impl Server {
    /// Starts to listen.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen")?;
        let port = listener.local_addr().context("cannot listen")?.port();
        let shared = Arc::new(Shared {
            schedule: Schedule::start(),
            watches: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if accepting.ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // A client that has gone is no concern of ours.
                thread::spawn(move || shared.serve(stream).ok());
            }
        });
        Ok(Server { port, shared })
    }

    /// All watches of kubectl, or of the other client, the oldest first.
    pub(super) fn watches(&self, of_kubectl: bool) -> Vec<Watch> {
        let watches = self.shared.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.iter().filter(|watch| watch.is_kubectl == of_kubectl).cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader)? {
            let newest = self.schedule.newest(Timestamp::now());
            let body = match request.path.as_str() {
                LEASES if request.query("watch").is_some() => {
                    return self.watch(&request, newest, &mut writer);
                }
                LEASES => {
                    let (page, newest) = request.page(newest);
                    self.schedule.leases(&page, newest)
                }
                "/api/v1/nodes" => {
                    let (page, newest) = request.page(newest);
                    objects::nodes(&page, newest, request.metadata_only)
                }
                path => match discovery(path) {
                    Some(answer) => answer.to_string(),
                    None => {
                        respond(&mut writer, "404 Not Found", "{\"kind\":\"Status\"}")?;
                        continue;
                    }
                },
            };
            respond(&mut writer, "200 OK", &body)?;
        }
        Ok(())
    }

    /// One chunk for each renewal, when it happens, as a real server does.
    fn watch(&self, request: &Request, newest: u64, writer: &mut TcpStream) -> Result<()> {
        writer.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
              Transfer-Encoding: chunked\r\n\r\n",
        )?;
        let seconds = request.query("timeoutSeconds").and_then(|text| text.parse().ok());
        let patience = seconds.map_or(LONGEST_WATCH, Duration::from_secs).min(LONGEST_WATCH);
        let began = Instant::now();
        let index = {
            let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
            let is_kubectl = request.agent.starts_with("kubectl/");
            watches.push(Watch { is_kubectl, began, sent: 0 });
            watches.len() - 1
        };
        let since = request.query("resourceVersion").and_then(|text| text.parse().ok());
        let mut next = since.and_then(objects::renewal).unwrap_or(newest) + 1;
        while began.elapsed() < patience && !self.ended.load(Ordering::Relaxed) {
            let due = self.schedule.at(next).duration_since(Timestamp::now());
            if let Ok(due) = Duration::try_from(due) {
                thread::sleep(due);
            }
            let event = self.schedule.event(next);
            writer.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())?;
            next += 1;
            let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
            watches[index].sent += 1;
        }
        writer.write_all(b"0\r\n\r\n")?;
        Ok(())
    }
}

fn respond(writer: &mut TcpStream, status: &str, body: &str) -> Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    writer.write_all(head.as_bytes())?;
    writer.write_all(body.as_bytes())?;
    Ok(())
}

/// What clients ask before they ask for objects.
fn discovery(path: &str) -> Option<Value> {
    let resources = |group_version: &str, name: &str, kind: &str, namespaced: bool| {
        json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
            "resources": [{
                "name": name, "singularName": kind.to_lowercase(), "kind": kind,
                "namespaced": namespaced, "verbs": ["get", "list", "watch"],
            }],
        })
    };
    let coordination = json!({ "groupVersion": "coordination.k8s.io/v1", "version": "v1" });
    Some(match path {
        "/version" => json!({ "major": "1", "minor": "36", "gitVersion": "v1.36.3",
            "gitCommit": "", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z",
            "goVersion": "go1.26", "compiler": "gc", "platform": "linux/amd64" }),
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [] }),
        "/apis" => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [{
            "name": "coordination.k8s.io", "versions": [coordination],
            "preferredVersion": coordination,
        }] }),
        "/api/v1" => resources("v1", "nodes", "Node", false),
        "/apis/coordination.k8s.io/v1" => {
            resources("coordination.k8s.io/v1", "leases", "Lease", true)
        }
        _ => return None,
    })
}

/// What is looked at of a request.
#[derive(Debug)]
struct Request {
    path: String,
    query: String,
    agent: String,
    /// Whether nothing but the metadata of objects is asked for.
    metadata_only: bool,
}

impl Request {
    /// The next request of a connection, none at its end.
    fn read(reader: &mut impl BufRead) -> Result<Option<Request>> {
        let mut lines = Vec::new();
        let mut reader = reader.by_ref().take(HEADER_BYTES);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            lines.push(line.to_owned());
        }
        let target = lines
            .first()
            .and_then(|line| line.strip_prefix("GET "))
            .map(|rest| rest.split_once(' ').map_or(rest, |(target, _)| target));
        // Nothing that is asked here has a body.
        let Some(target) = target else { bail!("not a GET request") };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |wanted: &str| {
            let value = lines.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
            });
            value.unwrap_or_default()
        };
        Ok(Some(Request {
            path: path.to_owned(),
            query: query.to_owned(),
            agent: header("user-agent"),
            metadata_only: header("accept").contains("as=PartialObjectMetadataList"),
        }))
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The page that is asked for, and the renewal as of which.
    fn page(&self, newest: u64) -> (Page, u64) {
        let limit = self.query("limit").and_then(|text| text.parse().ok()).filter(|it| *it > 0);
        let token = self.query("continue").and_then(|token| {
            let (from, newest) = token.split_once('.')?;
            Some((from.parse().ok()?, newest.parse().ok()?))
        });
        let (from, newest) = token.unwrap_or((0, newest));
        (Page { from, limit: limit.unwrap_or(objects::NODES) }, newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Server, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nUser-Agent: a test\r\n\r\n").unwrap();
        stream
    }

    #[test]
    fn pages_continue_where_they_ended() {
        let request = |text: &str| Request::read(&mut text.as_bytes()).unwrap().unwrap();
        let first = request("GET /x?limit=500 HTTP/1.1\r\n\r\n");
        assert_eq!(first.page(9), (Page { from: 0, limit: 500 }, 9));
        let next = request("GET /x?limit=500&continue=500.9 HTTP/1.1\r\nUser-Agent: k\r\n\r\n");
        assert_eq!(next.page(11), (Page { from: 500, limit: 500 }, 9));
        assert_eq!((next.agent.as_str(), next.metadata_only), ("k", false));
        assert!(Request::read(&mut &b"POST / HTTP/1.1\r\n\r\n"[..]).is_err());
        assert!(Request::read(&mut &b""[..]).unwrap().is_none());
    }

    #[test]
    fn renewals_are_told_as_they_happen_and_counted() {
        let server = Server::start().unwrap();
        let stream = ask(&server, &format!("{LEASES}?watch=true&resourceVersion=1015000"));
        let events = BufReader::new(stream).lines().map_while(Result::ok);
        let events: Vec<Value> =
            events.filter_map(|line| serde_json::from_str(&line).ok()).take(50).collect();
        let events: Vec<Value> = events.into_iter().filter(Value::is_object).collect();
        let names: Vec<&Value> =
            events.iter().map(|event| &event["object"]["metadata"]["resourceVersion"]).collect();
        assert_eq!(*names[0], "1015001");
        assert_eq!(*names[1], "1015002");
        assert!(server.watches(false)[0].sent >= 2);
        assert!(server.watches(true).is_empty());
    }

    #[test]
    fn other_paths_are_not_there() {
        let server = Server::start().unwrap();
        let mut line = String::new();
        BufReader::new(ask(&server, "/api/v1/pods")).read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 404 Not Found\r\n");
    }
}

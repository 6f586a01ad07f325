//! Pods as a probe finds them: a network namespace, a process in it, and a
//! control group with the names that kubelets give.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Longest life of a pod's process, should its test die.
const LIFETIME_SECONDS: &str = "300";

/// The interface of every pod.
const INTERFACE: &str = "eth0";

/// A pod without a kubelet.
pub(crate) struct Pod {
    pub(crate) uid: String,
    process: Child,
    group: PathBuf,
}

impl Pod {
    /// A pod with a network of its own, in which nothing but loopback is up.
    pub(crate) fn start() -> Self {
        let pod = Self::outside();
        pod.enter_group("pause", pod.process.id());
        pod
    }

    /// The same without a control group: no pod, but a node, or somebody else.
    pub(crate) fn outside() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let uid =
            format!("0ea27000-0000-4000-8000-{:06x}{number:06x}", std::process::id() & 0xff_ffff);
        let group = groups().join(format!("kubepods/burstable/pod{uid}"));
        let mut command = Command::new("sleep");
        command.arg(LIFETIME_SECONDS);
        // SAFETY: unshare is one system call, which a child may make before exec.
        unsafe {
            command.pre_exec(|| match libc::unshare(libc::CLONE_NEWNET) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        let pod = Self { uid, process: command.spawn().unwrap(), group };
        pod.run("ip", &["link", "set", "lo", "up"]);
        pod
    }

    /// The folder of a container's control group, made when it is new.
    pub(crate) fn container(&self, id: &str) -> PathBuf {
        let folder = self.group.join(id);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn enter_group(&self, id: &str, process: u32) {
        let file = self.container(id).join("cgroup.procs");
        fs::OpenOptions::new()
            .write(true)
            .open(file)
            .unwrap()
            .write_all(process.to_string().as_bytes())
            .unwrap();
    }

    /// Path of its network namespace.
    pub(crate) fn network(&self) -> String {
        format!("/proc/{}/ns/net", self.process.id())
    }

    /// Runs a program in its network; it must succeed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) {
        let output = Command::new("nsenter")
            .arg(format!("--net={}", self.network()))
            .arg(program)
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    }

    /// Does something in its network, in a thread of its own. A socket stays
    /// where it was made.
    pub(crate) fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let namespace = File::open(self.network()).unwrap();
        std::thread::spawn(move || {
            // SAFETY: the descriptor is open; this thread has no sockets yet.
            let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
            assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
            work()
        })
    }

    /// One of the kernel's own counters of this network, such as `Tcp OutSegs`.
    pub(crate) fn counter(&self, protocol: &str, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/net/snmp", self.process.id())).unwrap();
        let prefix = format!("{protocol}:");
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(&prefix));
        let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
        let place = names.split_whitespace().position(|found| found == name).unwrap();
        values.split_whitespace().nth(place).unwrap().parse().unwrap()
    }

    /// The same for IPv6, such as `Udp6InDatagrams`.
    pub(crate) fn counter_of_ipv6(&self, name: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/net/snmp6", self.process.id())).unwrap();
        let mut found = text.lines().filter_map(|line| line.strip_prefix(name));
        found.next().unwrap().trim().parse().unwrap()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A group can go as soon as its last process is reaped.
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            for entry in fs::read_dir(&self.group).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(entry.path());
            }
            if fs::remove_dir(&self.group).is_ok() || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Those above go with the last pod.
        let above = groups().join("kubepods");
        let _ = fs::remove_dir(above.join("burstable"));
        let _ = fs::remove_dir(above);
        let _ = fs::remove_dir(groups());
    }
}

/// Joins two pods by a wire with the addresses `192.0.2.N` and `2001:db8::N`.
pub(crate) fn join(first: &Pod, second: &Pod) {
    connect((first, INTERFACE, "192.0.2.1/24"), (second, INTERFACE, "192.0.2.2/24"));
    for (pod, number) in [(first, 1), (second, 2)] {
        let six = format!("2001:db8::{number}/64");
        pod.run("ip", &["address", "add", &six, "dev", INTERFACE, "nodad"]);
    }
}

/// Joins two networks by a wire; each end has an interface's name and an address.
pub(crate) fn connect(left: (&Pod, &str, &str), right: (&Pod, &str, &str)) {
    let numbers = [left.0, right.0].map(|pod| pod.process.id().to_string());
    let output = Command::new("ip")
        .args(["link", "add", left.1, "netns", &numbers[0], "type", "veth"])
        .args(["peer", "name", right.1, "netns", &numbers[1]])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (pod, interface, address) in [left, right] {
        pod.run("ip", &["address", "add", address, "dev", interface]);
        pod.run("ip", &["link", "set", interface, "up"]);
    }
}

/// What arrives at the pod and matches vanishes.
pub(crate) fn drop_at(pod: &Pod, matching: &str) {
    let rules = format!(
        "table ip lossy {{
            chain in {{
                type filter hook input priority 0; policy accept;
                {matching} drop
            }}
        }}"
    );
    pod.run("nft", &[&rules]);
}

/// Our own group in the unified hierarchy.
fn groups() -> PathBuf {
    unified_root().join(format!("earthworm-flows-{}", std::process::id()))
}

/// The root of the unified hierarchy, wherever that is mounted.
pub(crate) fn unified_root() -> PathBuf {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let mounted = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let path = fields.nth(1)?;
        (fields.next()? == "cgroup2").then(|| Path::new(path).to_owned())
    });
    mounted.expect("a mounted cgroup2")
}

//! A real Kubernetes on one machine: etcd, kube-apiserver and
//! kube-controller-manager on the machine's side, and per node a network
//! namespace with containerd, kubelet and kube-proxy. CoreDNS runs in a pod.
//!
//! There is one sandbox per machine. [`Sandbox::up`] starts it,
//! [`Sandbox::attach`] finds it again, [`Sandbox::down`] leaves nothing of it.
//! All of its paths, links and control groups carry the project's name, and all
//! of its processes are recorded with their start time, so that ending them
//! never touches anyone else.

pub mod apiserver;
pub mod build;
pub mod cgroups;
pub mod command;
pub mod containerd;
pub mod controller_manager;
pub mod coredns;
pub mod credentials;
pub mod debian;
pub mod dns;
pub mod down;
pub mod etcd;
pub mod firewall;
pub mod go_build;
pub mod host;
pub mod image;
pub mod kernel_objects;
pub mod kube_proxy;
pub mod kubeconfig;
pub mod kubelet;
pub mod layout;
pub mod lock;
pub mod mounts;
pub mod network;
pub mod options;
pub mod pause_image;
pub mod process;
pub mod residue;
pub mod rootfs;
pub mod sandbox;
pub mod sessions;
pub mod starter;
pub mod state;
pub mod status;
pub mod up;
pub mod workload;

pub use options::Options;
pub use sandbox::Sandbox;

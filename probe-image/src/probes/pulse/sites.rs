//! Where in the kubelet the programs are attached.

use std::fs::File;

use earthworm_wire::record::{Lead, Process};

use crate::gobin::{Abi, Function, FunctionCache, Functions, GoBinary, GoBinaryError, Pattern};
use crate::process::Kubelet;
use crate::uprobe;

const SYNC: &str = "k8s.io/component-helpers/apimachinery/lease.(*controller).sync";
const NEW_LEASE: &str = "k8s.io/component-helpers/apimachinery/lease.(*controller).newLease";
const RETRY: &str = "k8s.io/component-helpers/apimachinery/lease.(*controller).retryUpdateLease";
const TLS_WRITE: &str = "crypto/tls.(*Conn).Write";
/// Copies of one function, of which a kubelet has one or two.
const PROCESS_HEADERS: [&str; 2] = [
    "golang.org/x/net/http2.(*clientConnReadLoop).processHeaders",
    "net/http.(*http2clientConnReadLoop).processHeaders",
];

/// One kernel program and the file offsets it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Name of the program.
    pub(super) program: &'static str,
    /// File offsets, at least one.
    pub(super) offsets: Vec<u64>,
}

/// What an executable offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sites {
    /// The process, with what its executable says about itself.
    pub(super) process: Process,
    /// For each lead its sites or why it cannot be had.
    pub(super) leads: Vec<(Lead, Result<Vec<Site>, String>)>,
}

/// Finds the sites in the executable of a running process.
///
/// # Errors
/// When the executable cannot be opened or read as a Go program at all. A
/// single function that is missing only refuses its lead.
pub(super) fn find(kubelet: &Kubelet, cache: &mut FunctionCache) -> Result<Sites, GoBinaryError> {
    let path = format!("/proc/{}/exe", kubelet.pid);
    let file =
        File::open(&path).map_err(|source| GoBinaryError::Read { what: "the file", source })?;
    let binary = GoBinary::open(&file)?;
    let wanted: Vec<Pattern> = [SYNC, NEW_LEASE, RETRY, TLS_WRITE]
        .into_iter()
        .chain(PROCESS_HEADERS)
        .map(Pattern::from)
        .collect();
    let functions = cache.find(&binary, &wanted)?;
    let process = Process {
        pid: kubelet.pid,
        name: kubelet.name.to_owned(),
        go_version: binary.go_version().map(ToString::to_string),
        build_id: binary.build_id().map(str::to_owned),
    };
    let refusal = |error: GoBinaryError| error.to_string();
    let conduction = conduction(&functions, &file).map_err(refusal);
    let plaintext = plaintext(&functions, &file).map_err(refusal);
    let registers = |sites: Result<Vec<Site>, String>| match binary.abi() {
        Some(Abi::Stack) => {
            Err("functions of this Go release take their arguments on the stack".to_owned())
        }
        _ => sites,
    };
    let leads =
        vec![(Lead::Conduction, registers(conduction)), (Lead::Plaintext, registers(plaintext))];
    Ok(Sites { process, leads })
}

/// In the order of attaching: the beginning of a beat last, so that no beat
/// is seen that lacks its end.
fn conduction(functions: &Functions, file: &File) -> Result<Vec<Site>, GoBinaryError> {
    let mut returns = Vec::new();
    for function in functions.named(RETRY)? {
        returns.extend(function.returns(file)?);
    }
    if returns.is_empty() {
        return Err(GoBinaryError::FunctionNotFound { name: format!("a return of {RETRY}") });
    }
    Ok(vec![
        Site { program: "retry_return", offsets: returns },
        Site { program: "new_lease", offsets: entries(functions, NEW_LEASE, file)? },
        Site { program: "lease_sync", offsets: entries(functions, SYNC, file)? },
    ])
}

fn plaintext(functions: &Functions, file: &File) -> Result<Vec<Site>, GoBinaryError> {
    let mut headers = Vec::new();
    for name in PROCESS_HEADERS {
        match entries(functions, name, file) {
            Ok(offsets) => headers.extend(offsets),
            Err(GoBinaryError::FunctionNotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let mut sites = Vec::new();
    if !headers.is_empty() {
        sites.push(Site { program: "process_headers", offsets: headers });
    }
    sites.push(Site { program: "tls_write", offsets: entries(functions, TLS_WRITE, file)? });
    Ok(sites)
}

/// Places that run once per call of each copy of the function.
fn entries(functions: &Functions, name: &str, file: &File) -> Result<Vec<u64>, GoBinaryError> {
    let place = |function: &Function| {
        let entry = function.entry(file)?;
        uprobe::once_per_call(file, &entry)
            .map_err(|source| GoBinaryError::Read { what: "the entry of a function", source })
    };
    functions.named(name)?.iter().map(place).collect()
}

//! What `up` wrote down about a running sandbox, so that every later command
//! acts on recorded processes and never on names.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::host::HostSnapshot;
use super::layout::Layout;
use super::options::{NodeSpec, Options};
use super::process::ProcessId;

/// One started program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The program's name, unique together with the node: `kubelet`.
    pub name: String,
    /// The node it belongs to, none for the control plane.
    pub node: Option<String>,
    /// Which process it is, or was when it ended.
    pub process: ProcessId,
    /// The whole command line. Starting it again uses exactly this.
    pub argv: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Its standard output and error, appended at each start.
    pub log: PathBuf,
    /// The version it said it has.
    pub version: String,
}

impl Component {
    /// The name with the node's, unique in the sandbox: `kubelet-node-a`.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(&self.name, self.node.as_deref())
    }
}

/// The unique name of a component, also the name of its log.
#[must_use]
pub fn full_name(name: &str, node: Option<&str>) -> String {
    match node {
        Some(node) => format!("{name}-{node}"),
        None => name.to_owned(),
    }
}

/// The content of `state.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The shape of this file. Another number means another build of the tool.
    pub schema: u32,
    /// What was asked for.
    pub options: Options,
    /// The nodes in order.
    pub nodes: Vec<NodeSpec>,
    /// The folder with kube-apiserver, kubelet and the others.
    pub binaries: PathBuf,
    /// Set when `up` came to its end.
    pub complete: bool,
    /// What the machine looked like before, to be put back.
    pub host: HostSnapshot,
    /// In the order in which they were started.
    pub components: Vec<Component>,
}

impl State {
    /// The shape that this build reads and writes.
    pub const SCHEMA: u32 = 1;

    /// Reads the state of a sandbox, or `None` when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or was written by another build.
    pub fn load(layout: &Layout) -> Result<Option<State>> {
        let path = layout.state_file();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        State::parse(&text)
            .map(Some)
            .with_context(|| format!("cannot understand {}", path.display()))
    }

    fn parse(text: &[u8]) -> Result<State> {
        let state: State = serde_json::from_slice(text)?;
        if state.schema != State::SCHEMA {
            bail!("schema {} instead of {}", state.schema, State::SCHEMA);
        }
        Ok(state)
    }

    /// Writes the state, all or nothing.
    ///
    /// # Errors
    /// When the state folder cannot be written.
    pub fn store(&self, layout: &Layout) -> Result<()> {
        let path = layout.state_file();
        let temporary = path.with_extension("json.new");
        let text = serde_json::to_vec_pretty(self).context("cannot encode the state")?;
        fs::write(&temporary, text)
            .and_then(|()| fs::rename(&temporary, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The component with this name on this node.
    ///
    /// # Errors
    /// When the sandbox has no such component.
    pub fn component(&self, name: &str, node: Option<&str>) -> Result<&Component> {
        self.components
            .iter()
            .find(|component| component.name == name && component.node.as_deref() == node)
            .with_context(|| format!("the sandbox has no {}", full_name(name, node)))
    }

    /// The node with this name.
    ///
    /// # Errors
    /// When the sandbox has no such node.
    pub fn node(&self, name: &str) -> Result<&NodeSpec> {
        self.nodes
            .iter()
            .find(|node| node.name == name)
            .with_context(|| format!("the sandbox has no node {name:?}"))
    }

    /// Takes a started component in, in place of an earlier start of the same.
    pub fn record(&mut self, component: Component) {
        let earlier = self
            .components
            .iter_mut()
            .find(|other| other.name == component.name && other.node == component.node);
        match earlier {
            Some(earlier) => *earlier = component,
            None => self.components.push(component),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let options = Options::default();
        State {
            schema: State::SCHEMA,
            nodes: options.node_specs().unwrap(),
            options,
            binaries: PathBuf::from("/cache"),
            complete: false,
            host: HostSnapshot::default(),
            components: vec![component("etcd", None, 7)],
        }
    }

    fn component(name: &str, node: Option<&str>, pid: u32) -> Component {
        Component {
            name: name.to_owned(),
            node: node.map(str::to_owned),
            process: ProcessId { pid, start_ticks: 1 },
            argv: vec![name.to_owned()],
            environment: BTreeMap::new(),
            log: PathBuf::from("/log"),
            version: "1".to_owned(),
        }
    }

    #[test]
    fn a_state_survives_the_file() {
        let state = state();
        let text = serde_json::to_vec(&state).unwrap();
        assert_eq!(State::parse(&text).unwrap(), state);
    }

    #[test]
    fn another_schema_is_refused() {
        let mut state = state();
        state.schema += 1;
        let error = State::parse(&serde_json::to_vec(&state).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "schema 2 instead of 1");
        assert!(State::parse(b"{").is_err());
    }

    #[test]
    fn a_restart_replaces_the_record() {
        let mut state = state();
        state.record(component("kubelet", Some("node-a"), 8));
        state.record(component("kubelet", Some("node-b"), 9));
        state.record(component("kubelet", Some("node-a"), 10));
        assert_eq!(state.components.len(), 3);
        let kubelet = state.component("kubelet", Some("node-a")).unwrap();
        assert_eq!(kubelet.process.pid, 10);
        assert_eq!(kubelet.full_name(), "kubelet-node-a");
        assert!(state.component("kubelet", None).is_err());
        assert!(state.node("node-c").is_err());
    }
}

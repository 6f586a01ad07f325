//! What a user without rights may do: exactly what a test gives.

use crate::lab::Lab;

/// All objects of a grant have names that begin with this.
const PREFIX: &str = "earthworm-test";

/// Verbs on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// For example `get,list`.
    pub verbs: &'static str,
    /// For example `jobs.batch` or `pods/portforward`.
    pub resource: &'static str,
    /// `None` at the cluster scope.
    pub namespace: Option<&'static str>,
}

/// Rights that are taken back when this is dropped.
#[derive(Debug)]
pub struct Grant<'a> {
    lab: &'a Lab,
    undo: Vec<Vec<String>>,
}

impl<'a> Grant<'a> {
    /// Gives a user these rights.
    ///
    /// # Panics
    /// When the API server refuses.
    #[must_use]
    pub fn give(lab: &'a Lab, user: &str, rights: &[Right]) -> Self {
        let mut grant = Self { lab, undo: Vec::new() };
        for (index, right) in rights.iter().enumerate() {
            grant.add(user, right, index);
        }
        grant
    }

    fn add(&mut self, user: &str, right: &Right, index: usize) {
        let name = format!("{PREFIX}-{user}-{index}");
        let (role, binding) = match right.namespace {
            Some(_) => ("role", "rolebinding"),
            None => ("clusterrole", "clusterrolebinding"),
        };
        let place: Vec<String> =
            right.namespace.iter().map(|name| format!("--namespace={name}")).collect();
        let verbs = format!("--verb={}", right.verbs);
        let resource = format!("--resource={}", right.resource);
        let to_role = format!("--{role}={name}");
        let to_user = format!("--user={user}");
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        for (kind, arguments) in
            [(role, [verbs.as_str(), &resource]), (binding, [to_role.as_str(), &to_user])]
        {
            let command = ["create", kind, &name];
            let _ = self.lab.kubectl(&[&command[..], &arguments, &place].concat());
            let undo = ["delete", kind, &name, "--ignore-not-found", "--wait=false"];
            self.undo.push([&undo[..], &place].concat().into_iter().map(str::to_owned).collect());
        }
    }

    /// Also takes back what somebody else has created for the user.
    pub fn also_undo(&mut self, arguments: &[&str]) {
        self.undo.push(arguments.iter().map(|&argument| argument.to_owned()).collect());
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        for arguments in &self.undo {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = self.lab.try_kubectl(&arguments);
            if !output.status.success() {
                eprintln!("kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}

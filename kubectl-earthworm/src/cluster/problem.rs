//! Errors of the API server as [`Problem`]s: one line that names the object,
//! and what to type next.

use crate::signal::Problem;
use kube::core::Status;
use std::time::Duration;

/// A problem from any error of the client. `task` completes "cannot ... `object`".
#[must_use]
pub fn from_error(error: &kube::Error, object: &str, task: &str) -> Problem {
    match error {
        kube::Error::Api(status) => from_status(status, object, task),
        other => unreachable(object, other),
    }
}

/// A problem from the API server's own answer.
#[must_use]
pub fn from_status(status: &Status, object: &str, task: &str) -> Problem {
    match status.code {
        401 => Problem {
            reason: "unauthorized",
            message: format!("cannot {task} {object}: the server does not accept the credentials"),
            hint: Some(
                "log in again, or check the user of this context: kubectl config view".into(),
            ),
        },
        403 => forbidden(status, object, task),
        404 => Problem {
            reason: "not-found",
            message: format!("cannot {task} {object}: {}", status.message),
            hint: None,
        },
        429 => Problem {
            reason: "too-many-requests",
            message: format!(
                "cannot {task} {object}: the server is overloaded: {}",
                status.message
            ),
            hint: Some("try again in a few seconds".into()),
        },
        code => Problem {
            reason: "api-error",
            message: format!("cannot {task} {object}: {code} {}", one_line(&status.message)),
            hint: None,
        },
    }
}

/// A refusal of what is of use only together with other rights on the same
/// resource: the hint gives all of `verbs`, which are separated by commas.
#[must_use]
pub fn from_refusal(status: &Status, object: &str, task: &str, verbs: &str) -> Problem {
    let problem = from_status(status, object, task);
    match Denied::parse(&status.message).filter(|_| status.code == 403) {
        Some(denied) => Problem { hint: Some(denied.remedy(verbs)), ..problem },
        None => problem,
    }
}

/// A right that is known to be missing although the server did not say which:
/// `resource` of the core group, in a namespace.
#[must_use]
pub fn missing_right(
    user: &str,
    verb: &str,
    resource: &str,
    namespace: &str,
    object: &str,
    task: &str,
) -> Problem {
    Denied {
        user: user.to_owned(),
        verb: verb.to_owned(),
        resource: resource.to_owned(),
        group: String::new(),
        namespace: Some(namespace.to_owned()),
    }
    .problem(object, task)
}

/// The server did not answer at all.
#[must_use]
pub fn unreachable(server: &str, error: &kube::Error) -> Problem {
    let cause = innermost(error);
    let hint = if cause.contains("certificate") {
        "check certificate-authority-data of this cluster: kubectl config view"
    } else {
        "check that the server runs and can be reached: kubectl version"
    };
    Problem {
        reason: "unreachable",
        message: format!("cannot reach {server}: {cause}"),
        hint: Some(hint.into()),
    }
}

/// The server took a connection and said nothing.
#[must_use]
pub fn silent(server: &str, waited: Duration) -> Problem {
    Problem {
        reason: "unreachable",
        message: format!("{server} has not answered within {} s", waited.as_secs()),
        hint: Some("check that the server runs and can be reached: kubectl version".into()),
    }
}

/// Layers of libraries wrap the one sentence that matters.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    one_line(&last.to_string())
}

/// Text of a server on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn forbidden(status: &Status, object: &str, task: &str) -> Problem {
    if let Some(denied) = Denied::parse(&status.message) {
        return denied.problem(object, task);
    }
    if status.message.contains("violates PodSecurity") {
        return Problem {
            reason: "pod-security",
            message: format!("cannot {task} {object}: {}", one_line(&status.message)),
            hint: Some(
                "a probe needs host access: use a namespace that allows it, such as --probe-namespace kube-system"
                    .into(),
            ),
        };
    }
    Problem {
        reason: "forbidden",
        message: format!("cannot {task} {object}: {}", one_line(&status.message)),
        hint: Some("an admission policy of the cluster has refused; its words are above".into()),
    }
}

/// What RBAC's sentence says: `jobs.batch is forbidden: User "alice" cannot
/// create resource "jobs" in API group "batch" in the namespace "default"`
/// (`NewForbidden` and the RBAC authorizer's `Authorize` write it).
#[derive(Debug, PartialEq, Eq)]
struct Denied {
    user: String,
    verb: String,
    resource: String,
    group: String,
    /// `None` at the cluster scope.
    namespace: Option<String>,
}

impl Denied {
    fn parse(message: &str) -> Option<Self> {
        let rest = message.split_once("User \"")?.1;
        let (user, rest) = rest.split_once("\" cannot ")?;
        let (verb, rest) = rest.split_once(" resource \"")?;
        let (resource, rest) = rest.split_once("\" in API group \"")?;
        let (group, rest) = rest.split_once('"')?;
        let namespace = rest
            .split_once("in the namespace \"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(namespace, _)| namespace.to_owned());
        Some(Self {
            user: user.to_owned(),
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            group: group.to_owned(),
            namespace,
        })
    }

    fn problem(&self, object: &str, task: &str) -> Problem {
        Problem {
            reason: "forbidden",
            message: format!("cannot {task} {object}: {}", self.sentence()),
            hint: Some(self.remedy(&self.verb)),
        }
    }

    /// The resource as kubectl takes it: `jobs.batch`, `pods/portforward`.
    fn qualified(&self) -> String {
        match (self.group.as_str(), self.resource.split_once('/')) {
            ("", _) => self.resource.clone(),
            (group, None) => format!("{}.{group}", self.resource),
            (group, Some((resource, sub))) => format!("{resource}.{group}/{sub}"),
        }
    }

    fn sentence(&self) -> String {
        let place = match &self.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "at the cluster scope".into(),
        };
        format!("user {} may not {} {} {place}", self.user, self.verb, self.qualified())
    }

    fn remedy(&self, verb: &str) -> String {
        let resource = self.qualified();
        let name = format!("earthworm-{verb}-{}", self.resource).replace(['/', '.', ','], "-");
        let user = self.binding();
        match &self.namespace {
            Some(namespace) => format!(
                "kubectl create role {name} -n {namespace} --verb={verb} --resource={resource} && \
                 kubectl create rolebinding {name} -n {namespace} --role={name} {user}"
            ),
            None => format!(
                "kubectl create clusterrole {name} --verb={verb} --resource={resource} && \
                 kubectl create clusterrolebinding {name} --clusterrole={name} {user}"
            ),
        }
    }

    fn binding(&self) -> String {
        match self.user.strip_prefix("system:serviceaccount:") {
            Some(account) => format!("--serviceaccount={account}"),
            None => format!("--user={}", self.user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(message: &str) -> Problem {
        let status = Status { code: 403, message: message.into(), ..Default::default() };
        from_status(&status, "job \"x\"", "create")
    }

    #[test]
    fn a_missing_right_names_verb_resource_and_remedy() {
        let problem = denied(
            r#"jobs.batch is forbidden: User "alice" cannot create resource "jobs" in API group "batch" in the namespace "default""#,
        );
        assert_eq!(problem.reason, "forbidden");
        assert_eq!(
            problem.message,
            "cannot create job \"x\": user alice may not create jobs.batch in namespace default"
        );
        assert_eq!(
            problem.hint.unwrap(),
            "kubectl create role earthworm-create-jobs -n default --verb=create --resource=jobs.batch && \
             kubectl create rolebinding earthworm-create-jobs -n default --role=earthworm-create-jobs --user=alice"
        );
    }

    #[test]
    fn cluster_scope_and_service_accounts() {
        let problem = denied(
            r#"nodes is forbidden: User "system:serviceaccount:ci:gate" cannot list resource "nodes" in API group "" at the cluster scope"#,
        );
        let hint = problem.hint.unwrap();
        assert!(hint.contains("clusterrole earthworm-list-nodes --verb=list --resource=nodes"));
        assert!(hint.ends_with("--serviceaccount=ci:gate"), "{hint}");
    }

    #[test]
    fn rights_that_belong_together_are_given_together() {
        let message = r#"pods is forbidden: User "alice" cannot list resource "pods" in API group "" at the cluster scope"#;
        let status = Status { code: 403, message: message.into(), ..Default::default() };
        let problem = from_refusal(&status, "pods", "list", "list,watch");
        assert!(problem.message.ends_with("may not list pods at the cluster scope"));
        assert_eq!(
            problem.hint.unwrap(),
            "kubectl create clusterrole earthworm-list-watch-pods --verb=list,watch --resource=pods && \
             kubectl create clusterrolebinding earthworm-list-watch-pods --clusterrole=earthworm-list-watch-pods --user=alice"
        );
        let other = Status { code: 410, ..status };
        assert_eq!(from_refusal(&other, "pods", "list", "list,watch").reason, "api-error");
    }

    #[test]
    fn subresources_keep_their_slash() {
        let problem = denied(
            r#"pods "p" is forbidden: User "bob" cannot create resource "pods/portforward" in API group "" in the namespace "default""#,
        );
        let hint = problem.hint.unwrap();
        assert!(hint.contains("--verb=create --resource=pods/portforward"), "{hint}");
    }

    #[test]
    fn pod_security_is_not_a_missing_right() {
        let problem = denied(
            r#"pods "x" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)"#,
        );
        assert_eq!(problem.reason, "pod-security");
        assert!(problem.hint.unwrap().contains("--probe-namespace"));
    }
}

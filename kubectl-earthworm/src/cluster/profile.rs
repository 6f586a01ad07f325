//! Which privileges the probe's container gets. Pure.

use std::fmt;

/// Profiles, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// BPF, PERFMON, NET_ADMIN, SYS_PTRACE (and SYS_RESOURCE below 5.11).
    Bpf,
    /// The same and SYS_ADMIN.
    Sysadmin,
    /// Everything.
    Privileged,
}

impl Profile {
    /// All of them, weakest first.
    pub const ALL: [Self; 3] = [Self::Bpf, Self::Sysadmin, Self::Privileged];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bpf => "bpf",
            Self::Sysadmin => "sysadmin",
            Self::Privileged => "privileged",
        }
    }

    /// The next stronger one.
    #[must_use]
    pub fn stronger(self) -> Option<Self> {
        match self {
            Self::Bpf => Some(Self::Sysadmin),
            Self::Sysadmin => Some(Self::Privileged),
            Self::Privileged => None,
        }
    }

    /// Capabilities to add on a kernel of this version; `None` means all.
    #[must_use]
    pub fn capabilities(self, kernel: KernelVersion) -> Option<Vec<&'static str>> {
        let mut capabilities = vec!["BPF", "NET_ADMIN", "PERFMON", "SYS_PTRACE"];
        // Map memory counts against the memlock limit before 5.11.
        if kernel < KernelVersion(5, 11) {
            capabilities.push("SYS_RESOURCE");
        }
        match self {
            Self::Bpf => Some(capabilities),
            Self::Sysadmin => {
                capabilities.push("SYS_ADMIN");
                Some(capabilities)
            }
            Self::Privileged => None,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Major and minor version of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion(pub u32, pub u32);

impl KernelVersion {
    /// From `nodeInfo.kernelVersion`, such as `6.1.0-26-cloud-amd64`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
        Some(Self(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }
}

/// The oldest kernel that the probe's programs promise to load on.
pub const OLDEST_KERNEL: KernelVersion = KernelVersion(5, 10);

/// The first kernel with `uprobe_multi` links, which a pod without SYS_ADMIN may create.
const UPROBE_MULTI: KernelVersion = KernelVersion(6, 6);

/// The choice for one node, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to ask for.
    pub profile: Profile,
    /// Why, as the end of a sentence.
    pub reason: String,
    /// Whether a stronger one may be tried when the kernel refuses.
    pub may_grow: bool,
}

/// Chooses for `--profile auto` (`None`) or takes the explicit one, which is
/// never exceeded.
#[must_use]
pub fn choose(asked: Option<Profile>, kernel: &str) -> Choice {
    if let Some(profile) = asked {
        return Choice { profile, reason: "as asked".into(), may_grow: false };
    }
    let (profile, reason) = match KernelVersion::parse(kernel) {
        Some(version) if version >= UPROBE_MULTI => {
            (Profile::Bpf, format!("kernel {kernel} has uprobe_multi links"))
        }
        Some(_) => (
            Profile::Sysadmin,
            format!("kernel {kernel} has no uprobe_multi links and demands SYS_ADMIN for others"),
        ),
        None => (Profile::Bpf, format!("kernel version {kernel:?} is not understood")),
    };
    Choice { profile, reason, may_grow: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_takes_the_weakest_that_gives_the_full_result() {
        for (kernel, expected) in [
            ("5.10.0-32-cloud-amd64", Profile::Sysadmin),
            ("6.1.0-26-amd64", Profile::Sysadmin),
            ("6.6.0", Profile::Bpf),
            ("6.12.107+deb13-cloud-amd64", Profile::Bpf),
            ("7.2.13", Profile::Bpf),
        ] {
            assert_eq!(choose(None, kernel).profile, expected, "{kernel}");
        }
    }

    #[test]
    fn an_explicit_profile_is_never_exceeded() {
        let choice = choose(Some(Profile::Bpf), "5.10.0");
        assert_eq!((choice.profile, choice.may_grow), (Profile::Bpf, false));
    }

    #[test]
    fn old_kernels_need_room_for_locked_memory() {
        let old = Profile::Bpf.capabilities(KernelVersion(5, 10)).unwrap();
        let new = Profile::Bpf.capabilities(KernelVersion(5, 11)).unwrap();
        assert!(old.contains(&"SYS_RESOURCE") && !new.contains(&"SYS_RESOURCE"));
        assert_eq!(Profile::Privileged.capabilities(KernelVersion(6, 1)), None);
    }
}

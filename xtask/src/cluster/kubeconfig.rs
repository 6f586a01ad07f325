//! Kubeconfig files: one user and one context each.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a kubeconfig says.
#[derive(Debug)]
pub struct Kubeconfig<'a> {
    /// For example `https://127.0.0.1:26443`.
    pub server: &'a str,
    /// The authority's certificate, PEM.
    pub authority: &'a [u8],
    /// The name of the user in this file; the context is called after it.
    pub user: &'a str,
    /// What proves to the API server who this is.
    pub token: &'a str,
}

impl Kubeconfig<'_> {
    /// The file's text.
    #[must_use]
    pub fn render(&self) -> String {
        format!(
            "apiVersion: v1
kind: Config
clusters:
- name: earthworm-sandbox
  cluster:
    server: {server}
    certificate-authority-data: {authority}
users:
- name: {user}
  user:
    token: {token}
contexts:
- name: {user}@earthworm-sandbox
  context:
    cluster: earthworm-sandbox
    user: {user}
current-context: {user}@earthworm-sandbox
",
            server = self.server,
            authority = STANDARD.encode(self.authority),
            user = self.user,
            token = self.token,
        )
    }

    /// Writes the file, readable by its owner only.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_private(path, self.render().as_bytes())
    }
}

/// Writes a file that holds a secret, together with the folders above it.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(content))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_embedded() {
        let text = Kubeconfig {
            server: "https://127.0.0.1:1",
            authority: b"PEM",
            user: "alice",
            token: "t0ken",
        }
        .render();
        assert!(text.contains("\n    certificate-authority-data: UEVN\n"));
        assert!(text.contains("\n    token: t0ken\n"));
        assert!(text.ends_with("\ncurrent-context: alice@earthworm-sandbox\n"));
        assert!(!text.contains("insecure"));
    }
}

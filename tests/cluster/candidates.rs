//! Which image the probe starts from when the node's list is of no help.

use std::fs;
use std::time::{Duration, Instant};

use earthworm_tests::eventually;
use earthworm_tests::image::NodeImage;
use earthworm_tests::lab::{Claim, Lab, Versions};
use earthworm_tests::rights::Grant;
use earthworm_tests::session::Session;
use serde_json::Value;
use xtask::cluster::image::compile;

/// A node, and a user who may be given rights.
const CLAIM: Claim = Claim::NODE.and_user().taking(30);

/// A node with many images lists only some of them, and a kubelet may be told
/// to list none.
#[test]
fn the_image_of_a_running_pod_will_do() {
    let Some(lab) = Lab::enter("no image listed", Versions::Newest, CLAIM) else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("resident.c");
    // Five minutes, if the test is killed.
    fs::write(&source, "#include <unistd.h>\nint main(void) { return (int)sleep(300); }\n")
        .unwrap();
    let program = compile(&source, &folder.path().join("resident")).unwrap();
    // Others may run on the node; of equals, the first by its name is taken.
    let image = NodeImage::import(&lab, lab.node(), "a.localhost/resident:1", &program);
    let pod = Resident::start(&lab, &image.name);
    let patch = r#"{"status":{"images":[]}}"#;
    let unlist =
        ["patch", "node", lab.node(), "--subresource=status", "--type=merge", "--patch", patch];
    // The kubelet repairs its list within ten seconds, at any moment.
    eventually("the list is empty when it is read", Duration::from_secs(30), || {
        let _ = lab.kubectl(&unlist);
        let ended = lab.pulse_here(&["--dry-run", "-o", "json"]).end();
        let text: String = ended.lines.iter().map(|line| line.text.as_str()).collect();
        let list: Value = serde_json::from_str(&text).unwrap();
        let job = &list["items"][0]["spec"]["template"]["spec"]["containers"][0];
        println!("no image listed: the probe starts from {}", job["image"]);
        job["image"] == image.name.as_str()
    });
    drop(pod);
    let grant = Grant::give(&lab, lab.user(), &super::bad_input::NEEDED);
    eventually("nothing is to be seen", Duration::from_secs(30), || {
        let _ = lab.kubectl(&unlist);
        let arguments = ["pulse", lab.node(), "--dry-run"];
        let ended = Session::start(lab.plugin_as(lab.user(), &arguments)).end();
        println!("without the right to list pods: {}", ended.error_text().trim());
        ended.code == Some(2)
            && ended.error_text().contains("no image that a probe can start from")
            && ended.error_text().contains("--image")
    });
    drop(grant);
    let listed = || lab.get(&["node", lab.node()])["status"]["images"].as_array().is_some();
    eventually("the kubelet lists its images again", Duration::from_secs(60), listed);
    lab.assert_nothing_left(Instant::now());
}

/// A pod that runs until this is dropped.
struct Resident<'a>(&'a Lab);

impl<'a> Resident<'a> {
    fn start(lab: &'a Lab, image: &str) -> Self {
        let spec = serde_json::json!({ "spec": {
            "nodeName": lab.node(), "hostNetwork": true, "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": false,
        } });
        let resident = Self(lab);
        let overrides = format!("--overrides={spec}");
        let _ = lab.kubectl(&[
            "run",
            "resident",
            "--image",
            image,
            "--image-pull-policy=Never",
            "--restart=Never",
            &overrides,
        ]);
        let ready = ["wait", "pod/resident", "--for=condition=Ready", "--timeout=60s"];
        let _ = lab.kubectl(&ready);
        resident
    }
}

impl Drop for Resident<'_> {
    fn drop(&mut self) {
        let _ = self.0.try_kubectl(&["delete", "pod", "resident", "--ignore-not-found", "--now"]);
    }
}

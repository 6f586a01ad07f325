//! What is decided about a node before anything is created there.

use super::{Context, Ticket, create};
use crate::cluster::bypass::Permission;
use crate::cluster::images;
use crate::cluster::names;
use crate::cluster::nodes::{self, NodeFacts, Readiness};
use crate::cluster::profile::{self, Choice};
use crate::signal::Problem;
use earthworm_wire::greeting::TOKEN_BYTES;
use futures::StreamExt;
use futures::stream;

/// Ports that the probe may listen on: above the usual range of ephemeral
/// ports (`net.ipv4.ip_local_port_range`) and of NodePorts.
const PORTS: std::ops::RangeInclusive<u16> = 61_000..=65_535;

/// Images still to be tried on this node.
pub(super) type Plan = std::vec::IntoIter<String>;

/// The first attempt for each node, and the images left for later ones.
pub(super) async fn all(
    context: &Context,
    nodes: impl IntoIterator<Item = &NodeFacts>,
) -> Vec<Result<(Ticket, Plan), Problem>> {
    let nodes: Vec<_> = nodes.into_iter().map(|facts| one(context, facts)).collect();
    stream::iter(nodes).buffered(create::CONCURRENT).collect().await
}

async fn one(context: &Context, facts: &NodeFacts) -> Result<(Ticket, Plan), Problem> {
    if facts.operating_system != "linux" {
        return Err(Problem {
            reason: "not-linux",
            message: format!("node {} runs {}", facts.name, facts.operating_system),
            hint: Some(if context.watches_leases {
                "a probe needs Linux; --no-probe shows the Lease alone".into()
            } else {
                "a probe needs Linux".into()
            }),
        });
    }
    if let Readiness::Unknown(why) = &facts.readiness {
        // Its kubelet has been silent for longer than the grace period, so a
        // pod would wait for ever. Ready=False is no reason: such a kubelet
        // still starts pods that use the host's network.
        return Err(Problem {
            reason: "node-not-ready",
            message: format!("node {} is not ready: {why}", facts.name),
            hint: Some(if context.watches_leases {
                "no probe can be started there; its Lease is watched all the same".into()
            } else {
                "no probe can be started there".into()
            }),
        });
    }
    let mut images = match &context.image {
        Some(image) => vec![image.clone()],
        // A node with many images lists the largest, and some list none.
        None if !images::lists_pause(&facts.images) => {
            let running = nodes::running_images(&context.cluster, &facts.name).await;
            images::candidates(&facts.images, &running)
        }
        None => images::candidates(&facts.images, &[]),
    }
    .into_iter();
    let Some(image) = images.next() else {
        return Err(no_image(
            facts,
            "its status lists none, and no pod that runs there is to be seen",
        ));
    };
    if context.image.is_none() {
        create::payload_for(&facts.architecture)?;
    }
    let choice = profile::choose(context.profile, &facts.kernel);
    Ok((ticket(context, facts, 0, choice, image)?, images))
}

/// No candidate is left.
pub(super) fn no_image(facts: &NodeFacts, why: &str) -> Problem {
    Problem {
        reason: "no-image",
        message: format!("node {} has no image that a probe can start from: {why}", facts.name),
        hint: Some("name the probe image with --image".into()),
    }
}

/// Another attempt, with a port and tokens of its own.
pub(super) fn ticket(
    context: &Context,
    facts: &NodeFacts,
    generation: u32,
    choice: Choice,
    image: String,
) -> Result<Ticket, Problem> {
    let (mut token, mut bypass_token) = ([0; TOKEN_BYTES], [0; TOKEN_BYTES]);
    let random = |error: getrandom::Error| Problem {
        reason: "no-randomness",
        message: format!("the system's random source failed: {error}"),
        hint: None,
    };
    getrandom::fill(&mut token).map_err(random)?;
    getrandom::fill(&mut bypass_token).map_err(random)?;
    let number = getrandom::u32().map_err(random)?;
    let width = u32::from(PORTS.end() - PORTS.start()) + 1;
    // The remainder is below the width of the range, which fits a port.
    let port = PORTS.start() + (number % width) as u16;
    Ok(Ticket {
        name: names::job_name(&context.session, &facts.name, generation),
        generation,
        port,
        token,
        bypass_token: (context.bypass == Permission::Granted).then_some(bypass_token),
        choice,
        image,
    })
}

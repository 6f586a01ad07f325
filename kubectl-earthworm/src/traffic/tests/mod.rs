//! Records of probes in, rows out.

mod dns;
mod drops;
mod flows;
mod limits;
pub(crate) mod notation;
mod sessions;
mod views;
